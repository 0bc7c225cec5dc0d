//go:build !purego

package peek

import (
	"log/slog"
	"reflect"
	"slices"
	"unsafe"
)

// Attrs returns the attributes of r, first those that it has in itself. Both slices are
// only for reading, and only until r changes or the loan ends.
func Attrs(r *slog.Record) (front, back []slog.Attr, loan Loan) {
	if !known {
		front, loan = lend(r)
		return front, nil, loan
	}
	front, back = fields.read(r)
	return front, back, Loan{}
}

// Own returns the attributes that r has in itself, to be changed in place, and false if
// they cannot be reached. Those that r shares with its copies are not among them.
func Own(r *slog.Record) (front []slog.Attr, ok bool) {
	if !known {
		return nil, false
	}
	front, _ = fields.read(r)
	return front, true
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
		if !slices.EqualFunc(slices.Concat(front, back), slices.Collect(r.Attrs), slog.Attr.Equal) {
			return false
		}
		r.AddAttrs(slog.Int("", i))
	}
	return true
}
