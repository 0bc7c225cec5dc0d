// Package recordsize estimates how many bytes a waiting log record holds, and cuts
// records that hold too many.
package recordsize

import (
	"log/slog"
	"math"

	"github.com/asynchandler/asynchandler/internal/peek"
)

const (
	attrBytes   = 40 // an Attr: key, and a Value of three words
	inlineAttrs = 5  // attributes that a Record holds in itself
	roundBytes  = 8  // what rounding up by the allocator adds to a string, on average

	maxDepth     = 16   // of groups in groups, and of values in values
	maxGroupSeen = 1024 // attributes within groups that are looked at, of one record
	maxElemSeen  = 1024 // elements of slices and maps that are looked at, of one record
)

// Of estimates the bytes that a waiting record holds on the heap beyond the [slog.Record] itself: the message, keys
// and strings, the attributes that do not fit into the record, groups, and what values of other types hold. It does
// not allocate.
//
// No method of a value is called: not Error, String, LogValue or MarshalJSON. Of what a pointer points at only the type
// is asked, since another goroutine may be changing it; the exceptions are [slog.Source] and the errors that cannot
// change ([errors.New], [fmt.Errorf], [errors.Join]). Slices are looked into if they and the structs around them have
// no methods: slog's handlers read those too. Maps are if they are a map[string]string or map[string]any. Groups and
// values are followed 16 deep, and so far only that cyclic data does no harm. The estimate is rough for what is not
// looked at, most of all for data behind pointers.
//
// A string counts with its length wherever it is, so constants and strings that several records share count in each
// record. For records of 80 bytes or more whose strings are all their own, the estimate is within 30% of the growth of
// the heap on 64-bit platforms; of less, the allocator's rounding is most of it.
func Of(r *slog.Record) int64 {
	s := sizer{attrs: maxGroupSeen, elems: maxElemSeen}
	size := stringSize(r.Message)
	front, back := peek.Attrs(r)
	size += s.list(front) + s.list(back)
	if size += overflowBytes(r); size < 0 { // the sum overflowed
		return math.MaxInt64
	}
	return size
}

// OfPlain is Of for records whose attributes are all of slog's own kinds, which hold
// nothing but strings. It reports false for others, among them those with groups.
func OfPlain(r *slog.Record) (size int64, plain bool) {
	front, back := peek.Attrs(r)
	inside, ok1 := plainSize(front)
	outside, ok2 := plainSize(back)
	return stringSize(r.Message) + inside + outside + overflowBytes(r), ok1 && ok2
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

// overflowBytes is what the attributes take that do not fit into the record.
func overflowBytes(r *slog.Record) int64 {
	return int64(max(0, r.NumAttrs()-inlineAttrs)) * attrBytes
}

func stringSize(s string) int64 { return int64(len(s)) + roundBytes }

// sizer holds how much of one record may still be looked at: groups and slices can contain each other, or themselves.
type sizer struct {
	attrs int
	elems int
}

// list returns the bytes that the attributes of a record refer to.
func (s *sizer) list(attrs []slog.Attr) (size int64) {
	for i := range attrs {
		size += s.attr(&attrs[i], 1)
	}
	return size
}

// attr returns the bytes that a refers to; groups in it are at the given depth.
func (s *sizer) attr(a *slog.Attr, depth int) int64 {
	size := int64(len(a.Key))
	switch a.Value.Kind() {
	case slog.KindString:
		size += stringSize(a.Value.String())
	case slog.KindGroup:
		size += s.group(a.Value.Group(), depth)
	case slog.KindAny, slog.KindLogValuer:
		size += s.boxed(a.Value.Any())
	}
	return size
}

func (s *sizer) group(attrs []slog.Attr, depth int) int64 {
	size := int64(len(attrs)) * attrBytes
	if depth > maxDepth {
		return size
	}
	for i := range attrs {
		if s.attrs == 0 {
			break
		}
		s.attrs--
		size += s.attr(&attrs[i], depth+1)
	}
	return size
}
