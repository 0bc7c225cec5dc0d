package capture

import (
	"fmt"
	"reflect"
)

// maxDepth is the nesting that encoding/json reads.
const maxDepth = 10_000

// nestsTooDeep reports whether fmt's %+v, on its way through v, would go deeper
// than maxDepth, as it does without end on a map that holds itself. It follows
// what fmt follows: pointers at the top only, and nothing that prints itself.
func nestsTooDeep(v reflect.Value, depth int) bool {
	switch {
	case !v.IsValid() || isScalar(v.Kind()):
		return false
	case depth > maxDepth:
		return true
	case printsItself(v):
		return false
	}
	switch v.Kind() {
	case reflect.Interface:
		return nestsTooDeep(v.Elem(), depth+1)
	case reflect.Pointer:
		return depth == 0 && nestsTooDeep(v.Elem(), depth+1)
	case reflect.Struct:
		n := v.NumField() // Value.Fields allocates for each field
		for i := range n {
			if nestsTooDeep(v.Field(i), depth+1) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		return elemsNestTooDeep(v, depth+1)
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if nestsTooDeep(it.Value(), depth+1) { // keys cannot hold maps or slices
				return true
			}
		}
	}
	return false
}

func elemsNestTooDeep(v reflect.Value, depth int) bool {
	if isScalar(v.Type().Elem().Kind()) {
		return false
	}
	for i := range v.Len() {
		if nestsTooDeep(v.Index(i), depth) {
			return true
		}
	}
	return false
}

func printsItself(v reflect.Value) bool {
	if !v.CanInterface() || v.Kind() == reflect.Interface || hasNoMethods(v.Type()) {
		return false
	}
	switch v.Interface().(type) {
	case fmt.Formatter, fmt.Stringer, error:
		return true
	default:
		return false
	}
}
