// Package recordsize estimates how many bytes a waiting log record holds, and cuts
// records that hold too many.
package recordsize

import (
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/peek"
)

const (
	attrBytes   = 40 // an Attr: key, and a Value of three words
	inlineAttrs = 5  // attributes that a Record holds in itself
	roundBytes  = 8  // what rounding up by the allocator adds to a string, on average

	maxGroupSeen = 1 << 16 // attributes within groups that are looked at, of one record
)

// Of estimates the bytes that a waiting record holds on the heap beyond the [slog.Record]
// itself: the message, keys and strings, the room for attributes that do not fit into the
// record, groups, and what values of other types hold, records in them too. It allocates
// only for maps of strings whose type it does not know.
//
// No method of a value is called: not Error, String, LogValue or MarshalJSON. Of what a
// pointer points at only the type is asked, since another goroutine may be changing it; the
// exceptions are [slog.Source], [net/url.URL] and the errors that cannot change ([errors.New],
// [fmt.Errorf], [errors.Join]). Slices and maps are looked into if they, the structs around
// them, and the keys and elements of the map have no methods, or are an [net/http.Header],
// [net/url.Values] or [net/textproto.MIMEHeader]: slog's handlers read those too. Values are
// followed 16 deep and their first 1,024 elements are looked at, those of a []string, a
// map[string]string and a map[string][]string all; of groups 65,536 attributes are. So
// cyclic data does no harm. The estimate is rough for what is not looked at, most of all
// for data behind pointers.
//
// A string counts with its length wherever it is, so constants and strings that several
// records share count in each record, and a substring does not count what it is a part of.
// For records of 80 bytes or more whose strings are all their own, the estimate is within
// 30% of the growth of the heap on 64-bit platforms; of less, the allocator's rounding is
// most of it.
func Of(r *slog.Record) int64 {
	s := sizer{attrs: maxGroupSeen}
	front, back, loan := peek.Attrs(r)
	defer loan.End()
	return stringSize(r.Message) + s.list(front) + s.list(back) + overflowBytes(front, back)
}

// OfPlain is Of for records whose attributes are all of slog's own kinds, which hold
// nothing but strings. It reports false for others, among them those with groups.
func OfPlain(r *slog.Record) (size int64, plain bool) {
	front, back, loan := peek.Attrs(r)
	defer loan.End()
	inside, ok1 := plainSize(front)
	outside, ok2 := plainSize(back)
	return stringSize(r.Message) + inside + outside + overflowBytes(front, back), ok1 && ok2
}

// Freezing replaces each value of a record that may change by what freeze makes of it, and
// returns what Of says of the record then. It reports false, and does nothing, if not all
// attributes can be changed in place.
func Freezing(r *slog.Record, freeze func(slog.Value, slog.Kind) slog.Value) (size int64, ok bool) {
	own, ok := peek.Own(r)
	if !ok || r.NumAttrs() > len(own) {
		return 0, false
	}
	s := sizer{attrs: maxGroupSeen}
	size = stringSize(r.Message)
	for i := range own {
		a := &own[i]
		size += int64(len(a.Key))
		switch kind := a.Value.Kind(); kind {
		case slog.KindString:
			size += stringSize(a.Value.String())
		case slog.KindAny, slog.KindLogValuer, slog.KindGroup:
			a.Value = freeze(a.Value, kind)
			size += s.value(a.Value)
		}
	}
	return size, true
}

func plainSize(attrs []slog.Attr) (size int64, plain bool) {
	for i := range attrs {
		a := &attrs[i]
		size += int64(len(a.Key))
		switch a.Value.Kind() {
		case slog.KindString:
			size += stringSize(a.Value.String())
		case slog.KindAny, slog.KindLogValuer, slog.KindGroup:
			return size, false
		}
	}
	return size, true
}

// overflowBytes is what the attributes take that do not fit into the record: back, with the
// room for more of them.
func overflowBytes(front, back []slog.Attr) int64 {
	return int64(max(0, cap(back), len(front)+len(back)-inlineAttrs)) * attrBytes
}

func stringSize(s string) int64 { return int64(len(s)) + roundBytes }

// sizer holds how much of one record may still be looked at: groups and slices can contain
// each other, or themselves.
type sizer struct {
	attrs int // in groups, of the record
	elems int // of slices and maps, of the value at hand
}

// list returns the bytes that the attributes of a record refer to.
func (s *sizer) list(attrs []slog.Attr) (size int64) {
	for i := range attrs {
		size += int64(len(attrs[i].Key)) + s.value(attrs[i].Value)
	}
	return size
}

// value returns the bytes that v refers to.
func (s *sizer) value(v slog.Value) int64 {
	switch v.Kind() {
	case slog.KindString:
		return stringSize(v.String())
	case slog.KindGroup:
		return s.group(v.Group())
	case slog.KindAny, slog.KindLogValuer:
		return s.boxed(v.Any())
	}
	return 0
}

func (s *sizer) group(attrs []slog.Attr) int64 {
	size := int64(len(attrs)) * attrBytes
	for i := 0; i < len(attrs) && s.attrs > 0; i++ {
		s.attrs--
		size += int64(len(attrs[i].Key)) + s.value(attrs[i].Value)
	}
	return size
}
