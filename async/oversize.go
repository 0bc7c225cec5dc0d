package async

import (
	"cmp"
	"log/slog"
	"slices"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// markBytes is what an attribute may add to the size of a record beside its value, or more:
// also what the mark of a record that was cut does.
const markBytes = 64

// part is an attribute of a record that is too large.
type part struct {
	index int // in the record
	size  int64
}

// cutToFit is preformatted for a record that is too large: next's function, which may go by
// types, must see each value as it is. So what is more than strings and numbers is given to
// next first, the smallest up to half of the room, and the rest is left out. What remains is
// cut.
func (h *Handler) cutToFit(r *slog.Record, attrs []slog.Attr) (*Handler, int64) {
	v, limit := &h.values, h.engine.maxSize
	var plain, kept []slog.Attr
	var parts []part
	for i, a := range attrs {
		if isPlain(a.Value) {
			plain = append(plain, a)
		} else {
			parts = append(parts, part{i, h.shownSize(a)})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.size, b.size) })
	n, room := 0, limit/2
	for n < len(parts) && parts[n].size <= room {
		room -= parts[n].size
		n++
	}
	whole := n == len(parts)
	parts = parts[:n]
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.index, b.index) })
	for _, p := range parts {
		kept = append(kept, attrs[p.index])
	}

	*r = withoutAttrs(r)
	r.AddAttrs(plain...)
	left := limit/2 + room // of which what is kept has taken the rest
	switch size := recordsize.Of(r); {
	case size > left:
		recordsize.Truncate(r, left, nil)
	case !whole && size+markBytes <= left:
		r.AddAttrs(recordsize.Mark())
	case !whole:
		recordsize.Truncate(r, size-1, nil)
	}
	if len(kept) == 0 {
		return h, recordsize.Of(r)
	}
	if v.readies {
		kept = slices.AppendSeq(kept, r.Attrs)
		*r = withoutAttrs(r)
		r.AddAttrs(kept...)
		return h.readyNext(r)
	}
	d := *h
	if !v.others {
		d.next = h.next.WithAttrs(kept)
		return &d, limit - left + recordsize.Of(r)
	}
	kept = slices.AppendSeq(kept, r.Attrs)
	d.next = bare{h.next.WithAttrs(kept)}
	*r = withoutAttrs(r)
	r.AddAttrs(kept...)
	capture.Record(r, v.format)
	return &d, limit - left + recordsize.Of(r)
}

// isPlain reports whether no function can know v by its type: it is a string, a number or
// a group of such.
func isPlain(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindAny:
		return v.Any() == nil
	case slog.KindGroup:
		return !slices.ContainsFunc(v.Group(), func(a slog.Attr) bool { return !isPlain(a.Value) })
	default:
		return v.Kind() != slog.KindLogValuer
	}
}

// shownSize returns how much a holds once next, and who else looks, has it.
func (h *Handler) shownSize(a slog.Attr) int64 {
	if h.values.readies {
		return h.readySize(a) + markBytes
	}
	size := int64(known.Formatted(h.next.WithAttrs([]slog.Attr{a})) - known.Formatted(h.next))
	if size > 0 && !h.values.others {
		return size + markBytes
	}
	r := slog.Record{}
	r.AddAttrs(a)
	capture.Record(&r, h.values.format)
	return max(size, recordsize.Of(&r)) + markBytes
}
