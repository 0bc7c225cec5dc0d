package recordsize

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"time"
)

const (
	sliceHeader = 24

	maxDepth    = 16   // of values in values
	maxElemSeen = 1024 // elements of slices and maps that are looked at, of one value
)

// fixedErrors are the types of errors that cannot change after they were made, so that
// reading them is no data race.
var fixedErrors = [...]reflect.Type{
	reflect.TypeOf(errors.New("")),
	reflect.TypeOf(fmt.Errorf("%w", errors.New(""))),
	reflect.TypeOf(errors.Join(errors.New(""))),
	reflect.TypeOf(fmt.Errorf("%w%w", errors.New(""), errors.New(""))),
}

// addrSize is what an address takes that has no zone of its own.
var addrSize = (&sizer{}).boxedValue(reflect.ValueOf(netip.IPv4Unspecified()), 1, true)

// boxed returns the bytes held by x: the copy that the interface points at, and what that
// refers to. How much of x is looked at does not depend on what else the record holds.
func (s *sizer) boxed(x any) int64 {
	s.elems = maxElemSeen
	switch x := x.(type) {
	case nil:
		return 0
	case []byte:
		return sliceHeader + int64(cap(x)) + roundBytes
	case []string:
		return sliceHeader + stringsSize(x)
	case *slog.Source:
		if x == nil {
			return 0
		}
		return int64(reflect.TypeFor[slog.Source]().Size()) + int64(len(x.Function)+len(x.File))
	case *url.URL:
		return s.url(x)
	case netip.Addr:
		return addrSize
	case map[string]string:
		return stringMap(x)
	case map[string]any:
		return s.anyMap(x)
	case map[string]int:
		return intMap(x)
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
		return mapSize(v.Type(), v.Len()) + s.entries(v, elems)
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
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		return 0 // its location is shared by all
	case recordType:
		return s.record(v, depth)
	case valueType:
		return s.slogValue(v, depth)
	}
	elems = elems && v.Type().NumMethod() == 0
	for i := v.NumField() - 1; i >= 0; i-- { // ranging over v.Fields would make s escape
		size += s.referred(v.Field(i), depth+1, elems)
	}
	return size
}

func (s *sizer) url(x *url.URL) int64 {
	if x == nil {
		return 0
	}
	size := int64(reflect.TypeFor[url.URL]().Size() + roundBytes)
	for _, part := range [...]string{x.Scheme, x.Opaque, x.Host, x.Path, x.RawPath, x.RawQuery, x.Fragment, x.RawFragment} {
		size += int64(len(part))
	}
	if x.User != nil {
		user := reflect.ValueOf(x.User).Elem()
		size += s.boxedValue(user, 2, false)
	}
	return size
}

func stringsSize(list []string) int64 {
	size := int64(cap(list)) * int64(reflect.TypeFor[string]().Size())
	for _, x := range list {
		size += stringSize(x)
	}
	return size
}

func (s *sizer) pointer(v reflect.Value, depth int) int64 {
	if v.IsNil() {
		return 0
	}
	size := int64(v.Type().Elem().Size())
	if v.Type() == fixedErrors[0] { // what most errors are: a text
		return size + s.referred(v.Elem().Field(0), depth+1, true)
	}
	if slices.Contains(fixedErrors[:], v.Type()) {
		size += s.referred(v.Elem(), depth+1, true)
	}
	return size
}

// elements returns what the elements of a slice or array refer to. Those beyond the first
// maxElemSeen count as the average of those before.
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
	const most = 1 << 45 // of memory that exists, and far from an overflow of any sum
	return int64(min(most, float64(size)/float64(seen)*float64(n)))
}
