package capture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// argMaker makes the arguments of a log call, and what changes them, from the
// bytes of the fuzzer.
type argMaker struct {
	data    []byte
	table   []value
	changes []func()
}

func (m *argMaker) byte() byte {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return b
}

func (m *argMaker) bytes() []byte {
	n := min(int(m.byte())%16, len(m.data))
	b := bytes.Clone(m.data[:n])
	m.data = m.data[n:]
	return b
}

func (m *argMaker) string() string { return string(m.bytes()) }

func (m *argMaker) float() float64 {
	var bits uint64
	for range 8 {
		bits = bits<<8 | uint64(m.byte())
	}
	return math.Float64frombits(bits)
}

func (m *argMaker) onChange(f func()) { m.changes = append(m.changes, f) }

func (m *argMaker) attrs(depth int) []slog.Attr {
	attrs := make([]slog.Attr, m.byte()%7)
	for i := range attrs {
		attrs[i] = slog.Attr{Key: m.string(), Value: m.value(depth)}
	}
	m.onChange(func() { clear(attrs) })
	return attrs
}

func (m *argMaker) value(depth int) slog.Value {
	switch kind := m.byte() % 16; {
	case kind < 6:
		return slog.AnyValue(m.any(depth))
	case kind == 6:
		return slog.StringValue(m.string())
	case kind == 7:
		return slog.Float64Value(m.float())
	case kind == 8:
		return slog.TimeValue(time.Unix(int64(m.float()), int64(m.byte())).UTC())
	case depth == 0:
		return slog.IntValue(int(m.byte()))
	case kind < 12:
		return slog.GroupValue(m.attrs(depth - 1)...)
	case kind < 14:
		v := m.value(depth - 1)
		return slog.AnyValue(valuer{func() slog.Value { return v }})
	default:
		attrs := m.attrs(depth - 1)
		return slog.AnyValue(valuer{func() slog.Value { return slog.GroupValue(attrs...) }})
	}
}

// any returns a value of the table, or one with content of the fuzzer's own.
func (m *argMaker) any(depth int) any {
	switch kind := m.byte() % 24; {
	case kind == 0:
		b := m.bytes()
		m.onChange(func() { clear(b) })
		return m.typedBytes(b)
	case kind == 1:
		s := []string{m.string(), m.string()}
		m.onChange(func() { clear(s) })
		return s
	case kind == 2:
		return m.mapping()
	case kind == 3:
		return m.failure()
	case kind == 4:
		n := &node{Name: m.string()}
		m.onChange(func() { n.Name += "X" })
		return n
	case kind == 5 && depth > 0:
		s := []any{m.any(depth - 1), m.any(depth - 1)}
		m.onChange(func() { clear(s) })
		return s
	case kind == 6:
		s, fail := m.bytes(), m.byte()%2 == 0
		m.onChange(func() { clear(s) })
		return jsoner{marshal(s, fail)}
	case kind == 7:
		s, fail := m.bytes(), m.byte()%2 == 0
		m.onChange(func() { clear(s) })
		return texter{marshal(s, fail)}
	case kind == 8:
		f := m.float()
		m.onChange(func() { f++ })
		return &f
	default:
		v, change := m.table[int(m.byte())%len(m.table)].make()
		if change != nil {
			m.onChange(change)
		}
		return v
	}
}

func (m *argMaker) typedBytes(b []byte) any {
	switch m.byte() % 4 {
	case 0:
		return secret(b)
	case 1:
		return json.RawMessage(b)
	case 2:
		return byteErr(b)
	default:
		return b
	}
}

func (m *argMaker) mapping() any {
	if m.byte()%2 == 0 {
		s := map[string]string{m.string(): m.string(), m.string(): m.string()}
		m.onChange(func() { clear(s) })
		return s
	}
	s := map[string]any{m.string(): m.string(), m.string(): m.float()}
	m.onChange(func() { clear(s) })
	return s
}

func (m *argMaker) failure() error {
	e := &codeError{int(m.byte()), m.string()}
	m.onChange(func() { e.Msg += "X" })
	switch m.byte() % 4 {
	case 0:
		return fmt.Errorf("%s: %w", m.string(), e)
	case 1:
		return errors.Join(e, errors.New(m.string()))
	case 2:
		return &jsonFailure{failure{e.Error}, jsoner{marshal(m.bytes(), m.byte()%2 == 0)}}
	default:
		return e
	}
}

func marshal(b []byte, fail bool) func() ([]byte, error) {
	return func() ([]byte, error) {
		if fail {
			return nil, errors.New(string(b))
		}
		return b, nil
	}
}

// FuzzDifferential holds a handler that gets a record at once against one that
// gets it frozen, after all its arguments have changed.
func FuzzDifferential(f *testing.F) { // P1, P4
	for i := range 24 {
		f.Add([]byte{3, 1, 'k', 0, byte(i), byte(i), 4, 'a', 'b', 'c', 'd', 1, 'x', 10, 2, 0, 1, byte(i), 200})
	}
	table := values()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range pairings {
			m := &argMaker{data: data, table: table}
			own, own2 := m.attrs(3), m.attrs(2)
			var buf bytes.Buffer
			h := p.next(&buf, nil)
			if m.byte()%2 == 0 {
				h = h.WithGroup("g")
			}
			want := shown(t, h.WithAttrs(own).WithGroup("h"), &buf, recordOf(own2...))

			frozen := capture.Attrs(own, p.format)
			r := recordOf(own2...)
			capture.Record(&r, p.format)
			for _, change := range m.changes {
				change()
			}

			if got := shown(t, h.WithAttrs(frozen).WithGroup("h"), &buf, r); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", p.name, got, want)
			}
		}
	})
}
