// Package lists knows the maps of lists of strings that services log: the headers of HTTP,
// and the values of queries and forms.
package lists

import (
	"maps"
	"reflect"
	"slices"
)

// Map is what their types are beneath.
type Map = map[string][]string

// Is reports whether t is the type of such a map whose methods are none, or known to have no
// part in how it is shown.
func Is(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Key() == reflect.TypeFor[string]() && t.Elem() == reflect.TypeFor[[]string]() &&
		(t.NumMethod() == 0 || isStandard(t))
}

func isStandard(t reflect.Type) bool {
	switch t.Name() {
	case "Header":
		return t.PkgPath() == "net/http"
	case "MIMEHeader":
		return t.PkgPath() == "net/textproto"
	case "Values":
		return t.PkgPath() == "net/url"
	}
	return false
}

// Of returns m, of a type that Is knows, without a name.
func Of(m reflect.Value) Map {
	return m.Convert(reflect.TypeFor[Map]()).Interface().(Map) //nolint:errcheck // it is one
}

// Clone returns a copy of m, a map of such a type, of the same type.
func Clone(m reflect.Value) any {
	if m.IsNil() {
		return m.Interface()
	}
	c := maps.Clone(Of(m))
	n := 0
	for _, list := range c {
		n += len(list)
	}
	all := make([]string, 0, n) // one object for the lists, as http.Header.Clone has it
	for key, list := range c {
		if list != nil {
			all = append(all, list...)
			c[key] = slices.Clip(all[len(all)-len(list):])
		}
	}
	return reflect.ValueOf(c).Convert(m.Type()).Interface()
}
