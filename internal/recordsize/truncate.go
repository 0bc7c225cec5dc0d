package recordsize

import (
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"
)

// truncatedKey is the key of the attribute that marks a record that was cut.
const truncatedKey = "truncated"

// Truncate cuts the message and the string values of r, also those in groups, so that [Of] the record is at most
// maxSize, and reports whether it cut anything. The longest are cut first: all that are longer than some length get
// that length, or up to three bytes less, since no rune is cut in two. A record that was cut gets the attribute
// truncated=true, whose size counts too.
//
// Keys, numbers and values of other types are kept. If they alone exceed maxSize, no cut can help: the strings are then
// cut to maxSize taken together, so that the record stays readable, and it remains too large; if its strings are not to
// blame at all, it is not touched. Groups are copied before they change. What is cut is copied too, so that the long
// string can be freed.
func Truncate(r *slog.Record, maxSize int64) bool {
	size := Of(r)
	if size <= maxSize {
		return false
	}
	lengths, sum := stringLengths(r)
	fixed := size - sum + int64(len(truncatedKey))
	if r.NumAttrs() >= inlineAttrs {
		fixed += attrBytes
	}
	room := max(0, maxSize)
	if fixed <= room {
		room -= fixed
	}
	if sum <= room {
		return false
	}
	cut := cutter{longest: level(lengths, room), attrs: maxGroupSeen}
	out := slog.NewRecord(r.Time, r.Level, cutString(r.Message, cut.longest), r.PC)
	attrs := make([]slog.Attr, 0, r.NumAttrs()+1)
	for a := range r.Attrs {
		attrs = append(attrs, slog.Attr{Key: a.Key, Value: cut.value(a.Value, 1)})
	}
	out.AddAttrs(append(attrs, slog.Bool(truncatedKey, true))...)
	*r = out
	return true
}

// level returns the length to which the strings must be cut so that they need no more than room together.
func level(lengths []int, room int64) int {
	slices.Sort(lengths)
	for i, n := range lengths {
		share := room / int64(len(lengths)-i)
		if int64(n) > share {
			return int(share)
		}
		room -= int64(n)
	}
	return 0 // not reached: the strings need more than room
}

// stringLengths returns the lengths of the strings that can be cut, and their sum. It sees the same ones as Of.
func stringLengths(r *slog.Record) (lengths []int, sum int64) {
	attrs := maxGroupSeen
	var add func(v slog.Value, depth int)
	add = func(v slog.Value, depth int) {
		switch {
		case v.Kind() == slog.KindString:
			lengths = append(lengths, len(v.String()))
			sum += int64(len(v.String()))
		case v.Kind() == slog.KindGroup && depth <= maxDepth:
			group := v.Group()
			for i := 0; i < len(group) && attrs > 0; i++ {
				attrs--
				add(group[i].Value, depth+1)
			}
		}
	}
	add(slog.StringValue(r.Message), 0)
	for a := range r.Attrs {
		add(a.Value, 1)
	}
	return lengths, sum
}

// cutter cuts strings to the length longest, in the order in which Of looks at them and as far.
type cutter struct {
	longest int
	attrs   int // attributes in groups that may still be looked at
}

func (c *cutter) value(v slog.Value, depth int) slog.Value {
	switch {
	case v.Kind() == slog.KindString && len(v.String()) > c.longest:
		return slog.StringValue(cutString(v.String(), c.longest))
	case v.Kind() == slog.KindGroup && depth <= maxDepth:
		group := slices.Clone(v.Group())
		for i := 0; i < len(group) && c.attrs > 0; i++ {
			c.attrs--
			group[i].Value = c.value(group[i].Value, depth+1)
		}
		return slog.GroupValue(group...)
	}
	return v
}

// cutString returns the first n bytes of s, less those of a rune that does not fit. What is not UTF-8 is cut at n.
func cutString(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax && i >= 0; i-- {
		if !utf8.RuneStart(s[i]) {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); i+size > n {
			n = i
		}
		break
	}
	return strings.Clone(s[:n])
}
