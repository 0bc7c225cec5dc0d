package plainjson

import (
	"strconv"
	"time"
)

const rfc3339Millis = "2006-01-02T15:04:05.000Z07:00"

// clock writes times that are mostly of the same second as the one before: then what
// comes before and behind the fraction is the same too, since offsets change at whole
// seconds. A formatted time takes 60 ns, more than a third of a line. A program that
// changes what *time.Local points to may see the old offset until the second is over.
type clock struct {
	text   bool // milliseconds in place of a quoted time
	second int64
	zone   *time.Location
	plain  bool
	date   []byte // up to the second
	offset []byte // "Z" or "+01:00"
}

// appendTime appends t as [time.RFC3339Nano] has it in quotes, or with milliseconds.
func (c *clock) appendTime(b []byte, t time.Time) (_ []byte, plain bool) {
	if t.Unix() != c.second || t.Location() != c.zone {
		c.set(t)
	}
	if !c.plain {
		return b, false
	}
	ns := t.Nanosecond()
	if c.text {
		b = append(b, c.date...)
		b = appendFraction(b, 1e3+int64(ns/1e6))
		return append(b, c.offset...), true
	}
	b = append(b, '"')
	b = append(b, c.date...)
	if ns != 0 {
		b = appendFraction(b, 1e9+int64(ns))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	b = append(b, c.offset...)
	return append(b, '"'), true
}

// appendFraction appends a fraction that has a one before its digits, for the leading zeros.
func appendFraction(b []byte, digits int64) []byte {
	point := len(b)
	b = strconv.AppendInt(b, digits, 10)
	b[point] = '.'
	return b
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
