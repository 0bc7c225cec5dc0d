package plainjson

import (
	"log/slog"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/peek"
)

// appendLine makes the line of r, which must be written before the next one is made, and
// reports whether r is plain. If not, line is of no use. head is how long it is up to the
// end of the message.
func (o *output) appendLine(r *slog.Record, l *layout) (line []byte, head int, plain bool) {
	front, back := peek.Attrs(r)
	if !isPlain(r.Message) || !havePlainKinds(front) || !havePlainKinds(back) {
		return o.line, 0, false
	}
	b := append(o.line[:0], '{')
	if !r.Time.IsZero() {
		b = append(b, `"time":"`...)
		if b, plain = o.clock.appendTime(b, r.Time); !plain {
			return b, 0, false
		}
		b = append(b, `",`...)
	}
	b = append(b, `"level":"`...)
	b = append(b, r.Level.String()...)
	b = append(b, `","msg":"`...)
	b = append(b, r.Message...)
	b = append(b, '"')
	head = len(b)
	b = append(b, l.before...)
	if r.NumAttrs() > 0 {
		if b, plain = appendAttrs(b, front); plain {
			b, plain = appendAttrs(b, back)
		}
		if !plain {
			return b, 0, false
		}
		b = withoutComma(b)
	}
	return append(b, l.after...), head, true
}

// havePlainKinds reports false if the kind of an attribute tells already that the record is
// not plain, so that nothing is copied in vain.
func havePlainKinds(attrs []slog.Attr) bool {
	for i := range attrs {
		switch v := &attrs[i].Value; v.Kind() {
		case slog.KindLogValuer:
			return false
		case slog.KindAny:
			if err, ok := v.Any().(error); !ok || !capture.HasFixedText(err) {
				return false
			}
		}
	}
	return true
}

// appendAttrs appends attributes, each with a comma.
func appendAttrs(b []byte, attrs []slog.Attr) (_ []byte, plain bool) {
	for i := range attrs {
		if b, plain = appendAttr(b, &attrs[i]); !plain {
			return b, false
		}
	}
	return b, true
}

// appendAttr appends a key, a value and a comma.
func appendAttr(b []byte, a *slog.Attr) (_ []byte, plain bool) {
	if !isPlain(a.Key) {
		return b, false
	}
	b = append(b, '"')
	b = append(b, a.Key...)
	b = append(b, `":`...)
	if a.Value.Kind() == slog.KindGroup {
		b, plain = appendGroup(b, a)
	} else {
		b, plain = appendValue(b, a.Value)
	}
	return append(b, ','), plain
}

func withoutComma(b []byte) []byte { return b[:len(b)-1] }

// appendGroup leaves the groups to slog that have no name or nothing in them: slog does
// not show these.
func appendGroup(b []byte, group *slog.Attr) (_ []byte, plain bool) {
	attrs := group.Value.Group()
	if group.Key == "" || len(attrs) == 0 {
		return b, false
	}
	b, plain = appendAttrs(append(b, '{'), attrs)
	return append(withoutComma(b), '}'), plain
}

func appendValue(b []byte, v slog.Value) (_ []byte, plain bool) {
	switch v.Kind() {
	case slog.KindString:
		return appendString(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10), true
	case slog.KindFloat64:
		return appendFloat(b, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10), true
	case slog.KindTime:
		return appendTimeValue(b, v.Time())
	case slog.KindAny:
		return appendAny(b, v.Any())
	default:
		return b, false
	}
}

func appendString(b []byte, s string) (_ []byte, plain bool) {
	if !isPlain(s) {
		return b, false
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), true
}

// appendAny appends the text of an error that may be asked for it twice, should the record
// turn out not to be plain.
func appendAny(b []byte, v any) (_ []byte, plain bool) {
	if err, ok := v.(error); ok && capture.HasFixedText(err) {
		return appendString(b, err.Error())
	}
	return b, false
}

// appendFloat leaves the floats to slog that JSON writes with an exponent or not at all:
// encoding/json has rules of its own for these.
func appendFloat(b []byte, f float64) (_ []byte, plain bool) {
	if abs := math.Abs(f); f != 0 && !(abs >= 1e-6 && abs < 1e21) {
		return b, false
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64), true
}

func appendTimeValue(b []byte, t time.Time) (_ []byte, plain bool) {
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"'), hasPlainYear(t)
}

// isPlain reports whether s stands in JSON as it is.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return isPlainUnicode(s[i:])
		case c < ' ' || c == '"' || c == '\\':
			return false
		}
	}
	return true
}

func isPlainUnicode(s string) bool {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1, r < ' ', r == '"', r == '\\':
			return false
		case r == '\u2028', r == '\u2029': // slog escapes these, for the sake of JavaScript
			return false
		}
		s = s[size:]
	}
	return true
}
