package capture

import (
	"log/slog"
	"reflect"
	"strings"
)

// copyAny is freezeAny where strings share memory that is used again.
func copyAny(v slog.Value, f Format) slog.Value {
	x := v.Any()
	if x == nil {
		return v
	}
	switch x := x.(type) {
	case []string:
		if x == nil {
			return v
		}
		c := make([]string, len(x))
		for i := range x {
			c[i] = strings.Clone(x[i])
		}
		return slog.AnyValue(c)
	case *slog.Source:
		if x == nil {
			return v
		}
		return slog.AnyValue(&slog.Source{Function: strings.Clone(x.Function), File: strings.Clone(x.File), Line: x.Line})
	}
	t := reflect.TypeOf(x)
	switch c := classOf(t); {
	case c == keep && t.Kind() == reflect.String:
		s := reflect.New(t).Elem()
		s.SetString(strings.Clone(reflect.ValueOf(x).String()))
		return slog.AnyValue(s.Interface())
	case c != render && c != marshalText && !holdsStrings(t):
		return freezeAny(v, f.rules())
	}
	if f.rules() == Any {
		return anyValue(x, true)
	}
	if v = rendered(x, f); v.Kind() == slog.KindString {
		return slog.StringValue(strings.Clone(v.String()))
	}
	return v
}

// holdsStrings reports whether values of type t, which is not rendered, have strings.
func holdsStrings(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Slice, reflect.Array:
		return holdsStrings(t.Elem())
	case reflect.Map:
		return holdsStrings(t.Key()) || holdsStrings(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !isPure(t) && holdsStrings(f.Type) {
				return true
			}
		}
	case reflect.Pointer: // an error
		return true
	}
	return false
}
