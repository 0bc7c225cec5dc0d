package recordsize

import (
	"log/slog"
	"slices"
)

// truncatedKey is the key of the attribute that marks a record that was cut.
const truncatedKey = "truncated"

// Mark returns that attribute.
func Mark() slog.Attr { return slog.Bool(truncatedKey, true) }

// Truncate cuts r so that [Of] the record is at most maxSize, and reports whether it did. A
// record that was cut gets the attribute truncated=true, whose size counts too.
//
// The longest of the message and the values are cut first, those in groups too: all that
// are longer than some length get that length, or up to three bytes less, since no rune is
// cut in two. A value that is no string becomes one: the beginning of what text returns,
// which is what it is shown as; without text such values are not cut. If keys and what
// remains of the values leave too little room, attributes are removed from the end, groups
// that are emptied by that too: as many as it takes for the message to keep all of its text
// or an eighth of the room.
//
// The smallest that a record can become is an empty message with the mark, which are 17
// bytes; that is what a smaller maxSize comes to.
//
// Attributes of groups that [Of] does not look at are removed, and LogValuers are resolved.
// Nothing that r refers to is changed, and what is cut is copied, so that the long string
// can be freed. The work is proportional to what r holds, but for sorting the lengths.
func Truncate(r *slog.Record, maxSize int64, text func(x any) string) bool {
	if Of(r) <= maxSize {
		return false
	}
	c := cutter{text: text, room: max(0, max(0, maxSize)-roundBytes-int64(len(truncatedKey)))}
	c.flatten(r)
	c.fit(min(int64(len(r.Message)), c.room/8))
	out := slog.NewRecord(r.Time, r.Level, c.shorten(r.Message), r.PC)
	attrs, _ := c.build(0, 0)
	out.AddAttrs(append(attrs, Mark())...)
	*r = out.Clone() // whose attributes have no room for more
	return true
}

// cutter holds the attributes of a record as one list: those of a group follow it.
type cutter struct {
	text  func(x any) string
	parts []part
	room  int64 // for what can be cut
}

// part is an attribute.
type part struct {
	key    string
	value  slog.Value
	depth  int // how many groups it is in
	fixed  int // bytes that remain whatever is cut
	length int // bytes that can be cut
}

func (p *part) isGroup() bool { return p.value.Kind() == slog.KindGroup }

// flatten makes the list.
func (c *cutter) flatten(r *slog.Record) {
	s := sizer{attrs: maxGroupSeen}
	for a := range r.Attrs {
		c.add(&s, a, 0)
	}
}

// add adds a and what is in it, as far as [Of] looks at it.
func (c *cutter) add(s *sizer, a slog.Attr, depth int) {
	p := part{key: a.Key, value: resolved(a.Value), depth: depth, fixed: len(a.Key)}
	if depth > 0 {
		p.fixed += attrBytes
	}
	if !p.isGroup() {
		size := int(min(s.value(p.value), maxLength))
		if p.value.Kind() == slog.KindString || c.text != nil {
			p.length = max(0, size-roundBytes)
		}
		p.fixed += size - p.length
		c.parts = append(c.parts, p)
		return
	}
	c.parts = append(c.parts, p)
	for _, member := range p.value.Group() {
		if s.attrs == 0 {
			break
		}
		s.attrs--
		c.add(s, member, depth+1)
	}
}

// resolved returns the value that a LogValuer stands for. One that stands for an empty
// group is kept: a handler shows the groups around it.
func resolved(v slog.Value) slog.Value {
	if v.Kind() != slog.KindLogValuer {
		return v
	}
	if r := v.Resolve(); r.Kind() != slog.KindGroup || len(r.Group()) > 0 {
		return r
	}
	return v
}

// fit removes the parts from the end that leave less than reserve for what can be cut.
func (c *cutter) fit(reserve int64) {
	top := 1 // attributes that are in no group, with the mark
	for i := range c.parts {
		need := int64(c.parts[i].fixed)
		if c.parts[i].depth == 0 {
			if top++; top > inlineAttrs {
				need += attrBytes
			}
		}
		if need > c.room-reserve {
			c.parts = c.parts[:i]
			return
		}
		c.room -= need
	}
}

// shorten cuts the values to what there is room for, and returns the message that is cut
// with them.
func (c *cutter) shorten(msg string) string {
	longest := c.longest(msg)
	for i := range c.parts {
		if p := &c.parts[i]; p.length > longest && p.value.Kind() != slog.KindString {
			p.value = slog.StringValue(c.text(p.value.Any()))
			p.length = len(p.value.String())
		}
	}
	longest = c.longest(msg) // the texts may be shorter than the values
	for i := range c.parts {
		if p := &c.parts[i]; p.length > longest && p.value.Kind() == slog.KindString {
			p.value = slog.StringValue(cutString(p.value.String(), longest))
		}
	}
	return cutString(msg, longest)
}

// longest returns the length to which the message and the values must be cut so that there
// is room for them.
func (c *cutter) longest(msg string) int {
	lengths := make([]int, 1, len(c.parts)+1)
	lengths[0] = len(msg)
	for i := range c.parts {
		lengths = append(lengths, c.parts[i].length)
	}
	return level(lengths, c.room)
}

// build returns the attributes of the list from the i-th on that are at the given depth,
// and where what is not one of them begins.
func (c *cutter) build(i, depth int) ([]slog.Attr, int) {
	var attrs []slog.Attr
	for i < len(c.parts) && c.parts[i].depth == depth {
		p := &c.parts[i]
		i++
		if p.isGroup() && len(p.value.Group()) > 0 {
			var members []slog.Attr
			if members, i = c.build(i, depth+1); len(members) == 0 {
				continue
			}
			p.value = slog.GroupValue(slices.Clone(members)...) // without the room that append left
		}
		attrs = append(attrs, slog.Attr{Key: p.key, Value: p.value})
	}
	return attrs, i
}
