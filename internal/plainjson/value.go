package plainjson

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// value appends v, which is of that kind and neither a group nor a LogValuer.
func (s *state) value(v slog.Value, kind slog.Kind) {
	switch kind {
	case slog.KindString:
		s.string(v.String())
	case slog.KindInt64:
		s.b = strconv.AppendInt(s.b, v.Int64(), 10)
	case slog.KindUint64:
		s.b = strconv.AppendUint(s.b, v.Uint64(), 10)
	case slog.KindBool:
		s.b = strconv.AppendBool(s.b, v.Bool())
	case slog.KindDuration:
		if s.text {
			s.b = append(s.b, v.Duration().String()...)
		} else {
			s.b = strconv.AppendInt(s.b, int64(v.Duration()), 10)
		}
	case slog.KindFloat64:
		s.float(v)
	case slog.KindTime:
		s.time(v.Time())
	case slog.KindAny:
		if !s.any(v.Any()) {
			s.foreign(v)
		}
	default:
		s.foreign(v)
	}
}

// float leaves the floats to slog that JSON writes with an exponent or not at all:
// encoding/json has rules of its own for these.
func (s *state) float(v slog.Value) {
	f := v.Float64()
	switch abs := math.Abs(f); {
	case s.text:
		s.b = strconv.AppendFloat(s.b, f, 'g', -1, 64)
	case f != 0 && !(abs >= 1e-6 && abs < 1e21):
		s.foreign(v)
	default:
		s.b = strconv.AppendFloat(s.b, f, 'f', -1, 64)
	}
}

// any appends x if it is plain.
func (s *state) any(x any) (plain bool) {
	switch x := x.(type) {
	case nil:
		if s.text {
			s.b = append(s.b, "<nil>"...)
		} else {
			s.b = append(s.b, "null"...)
		}
		return true
	case slog.Level:
		s.string(x.String())
		return true
	case netip.Addr:
		return s.addr(x)
	case error:
		if !capture.HasFixedText(x) {
			return false
		}
		s.string(x.Error())
		return true
	case []byte:
		return s.bytes(x)
	case json.RawMessage:
		if s.text || !isCompact(x) {
			return false
		}
		s.b = append(s.b, x...)
		return true
	case []string:
		return !s.text && s.strings(x)
	case *url.URL:
		return !s.text && s.url(x)
	}
	return !s.text && s.lists(x)
}

// addr leaves the zones to others.
func (s *state) addr(x netip.Addr) (plain bool) {
	if x.Zone() != "" {
		return false
	}
	var memory [48]byte
	text, err := x.AppendText(memory[:0])
	if err != nil {
		return false
	}
	s.string(string(text))
	return true
}

func (s *state) bytes(x []byte) (plain bool) {
	switch {
	case s.text:
		s.b = appendQuoted(s.b, string(x))
	case x == nil:
		s.b = append(s.b, "null"...)
	default:
		s.b = append(s.b, '"')
		s.b = base64.StdEncoding.AppendEncode(s.b, x)
		s.b = append(s.b, '"')
	}
	return true
}
