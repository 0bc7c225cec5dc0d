package plainjson

import (
	"strconv"
	"time"
)

// clock writes times that are mostly of the same second as the one before: then what
// comes before and behind the fraction is the same too, since offsets change at whole
// seconds. A formatted time takes 60 ns, more than a third of a line. A program that
// changes what *time.Local points to may see the old offset until the second is over.
type clock struct {
	second int64
	zone   *time.Location
	plain  bool
	date   []byte // up to the second
	offset []byte // "Z" or "+01:00"
}

// appendTime appends t as [time.RFC3339Nano] has it.
func (c *clock) appendTime(b []byte, t time.Time) (_ []byte, plain bool) {
	if t.Unix() != c.second || t.Location() != c.zone {
		c.set(t)
	}
	b = append(b, c.date...)
	if ns := t.Nanosecond(); ns != 0 {
		point := len(b)
		b = strconv.AppendInt(b, 1e9+int64(ns), 10) // one digit more, for the leading zeros
		b[point] = '.'
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, c.offset...), c.plain
}

func (c *clock) set(t time.Time) {
	const date = len("2006-01-02T15:04:05")
	text := t.AppendFormat(c.date[:0], time.RFC3339)
	c.second, c.zone, c.plain = t.Unix(), t.Location(), hasPlainYear(t)
	if c.plain {
		c.date, c.offset = text[:date], text[date:]
	}
}

// hasPlainYear reports whether the year of t has four digits: others are no RFC 3339.
func hasPlainYear(t time.Time) bool {
	year := t.Year()
	return year >= 0 && year < 10000
}
