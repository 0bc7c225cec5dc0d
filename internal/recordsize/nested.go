package recordsize

import (
	"log/slog"
	"reflect"
	"time"
)

// A value may hold a record, in a field that is not exported too: its attributes can then
// only be had by reflection, which shows what a slog.Value is made of, a number and an
// interface. Under a slog that has other fields only the sizes of the types are counted.

var (
	recordType = reflect.TypeFor[slog.Record]()
	valueType  = reflect.TypeFor[slog.Value]()

	numField, hasNum = valueType.FieldByName("num") // a number, or the length of a string or a group
	anyField, hasAny = valueType.FieldByName("any") // another value, or the pointer and the kind of one of those

	stringPtr = kindType(slog.StringValue("text"), 4)
	groupPtr  = kindType(slog.GroupValue(slog.Int("a", 1), slog.Int("b", 2)), 2)
	location  = kindType(slog.TimeValue(time.Unix(1, 0)), uint64(time.Second))
)

// kindType returns the type by which a [slog.Value] tells that it is of the kind of v,
// whose number is num; nil if that is not what is found.
func kindType(v slog.Value, num uint64) reflect.Type {
	if !hasNum || !hasAny || numField.Type.Kind() != reflect.Uint64 || anyField.Type.Kind() != reflect.Interface {
		return nil
	}
	n, x := parts(reflect.ValueOf(v))
	if n != num || !x.IsValid() || x.Kind() != reflect.Pointer {
		return nil
	}
	return x.Type()
}

// parts returns the two fields of a [slog.Value].
func parts(v reflect.Value) (num uint64, x reflect.Value) {
	return v.FieldByIndex(numField.Index).Uint(), v.FieldByIndex(anyField.Index).Elem()
}

// record returns what v, a [slog.Record], refers to. It is read although it has methods:
// they change no attribute.
func (s *sizer) record(v reflect.Value, depth int) (size int64) {
	for i := v.NumField() - 1; i >= 0; i-- {
		size += s.referred(v.Field(i), depth, true)
	}
	return size
}

// slogValue returns what v, a [slog.Value], refers to.
func (s *sizer) slogValue(v reflect.Value, depth int) int64 {
	if stringPtr == nil || groupPtr == nil || location == nil {
		return 0
	}
	num, x := parts(v)
	switch {
	case !x.IsValid() || x.Type() == location:
		return 0
	case x.Type() == stringPtr:
		return int64(num) + roundBytes
	case x.Type() == groupPtr:
		return int64(num)*attrBytes + s.attrsAt(x, int(num), depth)
	case x.Type() == reflect.TypeFor[slog.Kind]():
		return 0 // one of a few that are shared
	}
	return s.boxedValue(x, depth+1, true)
}
