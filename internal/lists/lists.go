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
	return m.Convert(reflect.TypeFor[Map]()).Interface().(Map)
}

// Clone returns a copy of m, a map of such a type, of the same type.
func Clone(m reflect.Value) any {
	if m.IsNil() {
		return m.Interface()
	}
	c := maps.Clone(Of(m))
	room := make([]string, 0, len(c)+1) // one object for the lists, of which most have one element
	for key, list := range c {
		if list == nil {
			continue
		}
		if cap(room)-len(room) < len(list) {
			room = make([]string, 0, max(len(c), len(list)))
		}
		room = append(room, list...)
		c[key] = slices.Clip(room[len(room)-len(list):])
	}
	return reflect.ValueOf(c).Convert(m.Type()).Interface()
}
