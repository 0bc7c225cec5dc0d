// Package peek reads the attributes of a [slog.Record] where they are.
//
// Through [slog.Record.Attrs] a reader pays for a copy of the record, which is 288 bytes,
// and for a call per attribute. Without that a log call costs 27 ns besides slog itself
// instead of 37, with three attributes (BenchmarkAddedCost of the root package), and in
// bursts with eight 117 instead of 167 (internal/benchmarks, call).
//
// The fields of a Record are not exported, so this package finds them by name at
// initialization and tries them on a record. Under a slog that has others it uses Attrs.
package peek

import (
	"log/slog"
	"reflect"
	"slices"
	"unsafe"
)

// Attrs returns the attributes of r, first those that it has in itself. Both slices are
// only for reading, and only until r changes.
func Attrs(r *slog.Record) (front, back []slog.Attr) {
	if !known {
		return collect(r), nil
	}
	return fields.read(r)
}

var fields, known = find(reflect.TypeFor[slog.Record]())

// layout has the offsets of the fields of a Record.
type layout struct {
	front  uintptr // [n]slog.Attr
	nFront uintptr // int, how many of these there are
	back   uintptr // []slog.Attr
}

func (l *layout) read(r *slog.Record) (front, back []slog.Attr) {
	p := unsafe.Pointer(r)
	n := *(*int)(unsafe.Add(p, l.nFront))
	return unsafe.Slice((*slog.Attr)(unsafe.Add(p, l.front)), n), *(*[]slog.Attr)(unsafe.Add(p, l.back))
}

// find returns the layout of record, and whether it is what read expects.
func find(record reflect.Type) (l layout, ok bool) {
	attr := reflect.TypeFor[slog.Attr]()
	front, ok1 := field(record, "front")
	nFront, ok2 := field(record, "nFront")
	back, ok3 := field(record, "back")
	if !ok1 || !ok2 || !ok3 || front.Type.Kind() != reflect.Array || front.Type.Elem() != attr ||
		nFront.Type != reflect.TypeFor[int]() || back.Type != reflect.SliceOf(attr) {
		return l, false
	}
	l = layout{front: front.Offset, nFront: nFront.Offset, back: back.Offset}
	return l, l.isRight(front.Type.Len())
}

// field returns a field of record itself, not of a struct embedded there.
func field(record reflect.Type, name string) (f reflect.StructField, ok bool) {
	f, ok = record.FieldByName(name)
	return f, ok && len(f.Index) == 1
}

// isRight reports whether what is read of a growing record is what slog says. capacity is
// how many attributes the record may have in itself.
func (l *layout) isRight(capacity int) bool {
	var r slog.Record
	for i := range 2 * capacity {
		if n := *(*int)(unsafe.Add(unsafe.Pointer(&r), l.nFront)); n < 0 || n > capacity {
			return false
		}
		front, back := l.read(&r)
		if !slices.EqualFunc(slices.Concat(front, back), collect(&r), slog.Attr.Equal) {
			return false
		}
		r.AddAttrs(slog.Int("", i))
	}
	return true
}

// collect returns the attributes of r by slog's own means.
func collect(r *slog.Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	for a := range r.Attrs {
		attrs = append(attrs, a)
	}
	return attrs
}
