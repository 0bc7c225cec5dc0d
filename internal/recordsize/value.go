package recordsize

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// fixedErrors are the types of errors that cannot change after they were made, so that reading them is no data race.
var fixedErrors = map[reflect.Type]bool{
	reflect.TypeOf(errors.New("")):                                     true,
	reflect.TypeOf(errors.Join(errors.New(""))):                        true,
	reflect.TypeOf(fmt.Errorf("%w", errors.New(""))):                   true,
	reflect.TypeOf(fmt.Errorf("%w%w", errors.New(""), errors.New(""))): true,
}

// boxed returns the bytes held by x: the copy that the interface points at, and what that refers to.
func (s *sizer) boxed(x any) int64 {
	const header = 24
	switch x := x.(type) {
	case nil:
		return 0
	case []byte:
		return header + int64(cap(x)) + roundBytes
	case *slog.Source:
		if x == nil {
			return 0
		}
		return int64(reflect.TypeFor[slog.Source]().Size()) + int64(len(x.Function)+len(x.File))
	case map[string]string:
		return s.stringMap(x)
	case map[string]any:
		return s.anyMap(x)
	}
	return s.boxedValue(reflect.ValueOf(x), 1, true)
}

// boxedValue is boxed for a reflect.Value. With elems, elements of slices may be read.
func (s *sizer) boxedValue(v reflect.Value, depth int, elems bool) int64 {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer: // the interface holds them itself
		return s.referred(v, depth, elems)
	}
	return int64(v.Type().Size()) + s.referred(v, depth, elems)
}

// referred returns the bytes that v refers to, those of v itself not counted.
func (s *sizer) referred(v reflect.Value, depth int, elems bool) int64 {
	if depth > maxDepth {
		return 0
	}
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len()) + roundBytes
	case reflect.Slice:
		return int64(v.Cap())*int64(v.Type().Elem().Size()) + s.elements(v, depth, elems)
	case reflect.Array:
		return s.elements(v, depth, true) // part of v itself, which nobody changes
	case reflect.Map:
		return mapSize(v.Type(), v.Len()) + int64(v.Len())*unreadStrings(v.Type())
	case reflect.Interface:
		if v.IsNil() {
			return 0
		}
		return s.boxedValue(v.Elem(), depth+1, elems)
	case reflect.Struct:
		return s.fields(v, depth, elems)
	case reflect.Pointer:
		return s.pointer(v, depth)
	}
	return 0
}

func (s *sizer) fields(v reflect.Value, depth int, elems bool) (size int64) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		return 0 // its location is shared by all
	}
	elems = elems && v.Type().NumMethod() == 0
	for i := v.NumField() - 1; i >= 0; i-- { // ranging over v.Fields would make s escape
		size += s.referred(v.Field(i), depth+1, elems)
	}
	return size
}

func (s *sizer) pointer(v reflect.Value, depth int) int64 {
	if v.IsNil() {
		return 0
	}
	size := int64(v.Type().Elem().Size())
	if fixedErrors[v.Type()] {
		size += s.referred(v.Elem(), depth+1, true)
	}
	return size
}

// elements returns what the elements of a slice or array refer to. Those beyond the first maxElemSeen count as the
// average of those before.
func (s *sizer) elements(v reflect.Value, depth int, elems bool) (size int64) {
	if !elems || !refers(v.Type().Elem().Kind()) || v.Kind() == reflect.Slice && v.Type().NumMethod() > 0 {
		return 0
	}
	for i := range v.Len() {
		if s.elems == 0 {
			return extrapolate(size, i, v.Len())
		}
		s.elems--
		size += s.referred(v.Index(i), depth+1, elems)
	}
	return size
}

func (s *sizer) stringMap(m map[string]string) int64 {
	seen, size := 0, int64(0)
	for k, v := range m {
		if s.elems == 0 {
			break
		}
		s.elems--
		seen++
		size += stringSize(k) + stringSize(v)
	}
	return mapSize(reflect.TypeFor[map[string]string](), len(m)) + extrapolate(size, seen, len(m))
}

func (s *sizer) anyMap(m map[string]any) int64 {
	seen, size := 0, int64(0)
	for k, v := range m {
		if s.elems == 0 {
			break
		}
		s.elems--
		seen++
		size += stringSize(k)
		if v != nil {
			size += s.boxedValue(reflect.ValueOf(v), 2, true)
		}
	}
	return mapSize(reflect.TypeFor[map[string]any](), len(m)) + extrapolate(size, seen, len(m))
}

// mapSize returns the size of a map of n elements without what they refer to: a power of two of slots, filled to 7/8 at
// most, with a control byte for each.
func mapSize(t reflect.Type, n int) int64 {
	const header = 48
	slots := int64(8)
	for slots*7/8 < int64(n) {
		slots *= 2
	}
	return header + slots*(int64(t.Key().Size()+t.Elem().Size())+1)
}

// unreadStrings returns what the strings of an entry are taken to hold in maps that are not looked into, because
// reflection can only do so with allocations.
func unreadStrings(t reflect.Type) (size int64) {
	const usual = 16
	for _, k := range []reflect.Kind{t.Key().Kind(), t.Elem().Kind()} {
		if k == reflect.String {
			size += usual
		}
	}
	return size
}

// refers reports whether values of the kind can refer to more bytes than their own.
func refers(k reflect.Kind) bool {
	switch k {
	case reflect.String, reflect.Slice, reflect.Array, reflect.Map, reflect.Interface, reflect.Struct, reflect.Pointer:
		return true
	}
	return false
}

// extrapolate returns the size of all n elements, given that of the first ones seen.
func extrapolate(size int64, seen, n int) int64 {
	if seen == n || seen == 0 {
		return size
	}
	const most = 1 << 56 // of memory that exists, and far from an overflow of the sum
	return int64(min(most, float64(size)/float64(seen)*float64(n)))
}
