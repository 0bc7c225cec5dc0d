package recordsize

import (
	"reflect"

	"github.com/asynchandler/asynchandler/internal/lists"
)

func stringMap(m map[string]string) int64 {
	size := mapSize(reflect.TypeFor[map[string]string](), len(m))
	for k, v := range m {
		size += stringSize(k) + stringSize(v)
	}
	return size
}

func intMap(m map[string]int) int64 {
	size := mapSize(reflect.TypeFor[map[string]int](), len(m))
	for k := range m {
		size += stringSize(k)
	}
	return size
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

// entries returns what the keys and elements of a map refer to. It reads them only where
// capturing the map, and slog's handlers, would read them in the same way.
func (s *sizer) entries(v reflect.Value, elems bool) (size int64) {
	t := v.Type()
	if elems && v.CanInterface() && lists.Is(t) {
		return s.listsOf(lists.Of(v))
	}
	if !holdsStrings(t.Key()) && !holdsStrings(t.Elem()) {
		return 0
	}
	if !elems || !v.CanInterface() || t.NumMethod() > 0 || !isPlain(t.Key()) || !isPlain(t.Elem()) {
		return int64(v.Len()) * unreadStrings(t)
	}
	seen := 0
	key, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
	for it := v.MapRange(); s.elems > 0 && it.Next(); {
		s.elems--
		seen++
		if holdsStrings(t.Key()) {
			key.SetIterKey(it)
			size += int64(key.Len()) + roundBytes
		}
		if holdsStrings(t.Elem()) {
			elem.SetIterValue(it)
			size += int64(elem.Len()) + roundBytes
		}
	}
	return extrapolate(size, seen, v.Len())
}

func (s *sizer) listsOf(m lists.Map) (size int64) {
	seen := 0
	for key, list := range m {
		if s.elems == 0 {
			break
		}
		s.elems--
		seen++
		size += stringSize(key) + stringsSize(list)
	}
	return extrapolate(size, seen, len(m))
}

func holdsStrings(t reflect.Type) bool { return t.Kind() == reflect.String }

// isPlain reports whether t is a number, a bool or a string without methods.
func isPlain(t reflect.Type) bool {
	return (t.Kind() >= reflect.Bool && t.Kind() <= reflect.Complex128 || t.Kind() == reflect.String) && t.NumMethod() == 0
}

// mapSize returns the size of a map of n elements without what they refer to: a power of
// two of slots, filled to 7/8 at most, with a control byte for each.
func mapSize(t reflect.Type, n int) int64 {
	const header = 48
	slots := int64(8)
	for slots*7/8 < int64(n) {
		slots *= 2
	}
	return header + slots*(int64(t.Key().Size()+t.Elem().Size())+1)
}

// unreadStrings returns what the strings of an entry are taken to hold in maps that are not
// looked into.
func unreadStrings(t reflect.Type) (size int64) {
	const usual = 16
	for _, k := range []reflect.Kind{t.Key().Kind(), t.Elem().Kind()} {
		if k == reflect.String {
			size += usual
		}
	}
	return size
}
