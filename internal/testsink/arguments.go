package testsink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"
)

// Arguments makes arguments of log calls from the bytes of a fuzzer: the same from the same
// bytes, and zeros when there are no more. Most can still change after the call, and
// [Arguments.Change] does that. It is for one goroutine.
type Arguments struct {
	Data  []byte
	Other func(a *Arguments) any // makes values that only the test knows; nil: there are none

	changes []func()
}

// OnChange makes f one of the changes.
func (a *Arguments) OnChange(f func()) { a.changes = append(a.changes, f) }

// Change changes all that was made since the last call, as far as it can change.
func (a *Arguments) Change() {
	for _, f := range a.changes {
		f()
	}
	a.changes = nil
}

// Keep leaves what was made so far as it is.
func (a *Arguments) Keep() { a.changes = nil }

// Byte returns the next byte.
func (a *Arguments) Byte() byte {
	if len(a.Data) == 0 {
		return 0
	}
	b := a.Data[0]
	a.Data = a.Data[1:]
	return b
}

// Bytes returns up to 11 bytes, which change.
func (a *Arguments) Bytes() []byte {
	n := min(int(a.Byte())%12, len(a.Data))
	b := bytes.Clone(a.Data[:n])
	a.Data = a.Data[n:]
	a.OnChange(func() { clear(b) })
	return b
}

// String returns a string of up to 11 bytes.
func (a *Arguments) String() string { return string(a.Bytes()) }

// Float returns any float.
func (a *Arguments) Float() float64 {
	var bits uint64
	for range 8 {
		bits = bits<<8 | uint64(a.Byte())
	}
	return math.Float64frombits(bits)
}

// Args returns arguments as Info takes them: attributes, pairs and what makes no pair.
func (a *Arguments) Args() []any {
	args := make([]any, a.Byte()%8)
	for i := range args {
		switch a.Byte() % 4 {
		case 0:
			args[i] = slog.Attr{Key: a.String(), Value: a.Value(2)}
		case 1:
			args[i] = a.Any(2)
		default:
			args[i] = a.String()
		}
	}
	a.OnChange(func() { clear(args) })
	return args
}

// Attrs returns attributes, with groups and values in each other as deep as that.
func (a *Arguments) Attrs(depth int) []slog.Attr {
	attrs := make([]slog.Attr, a.Byte()%7)
	for i := range attrs {
		attrs[i] = slog.Attr{Key: a.String(), Value: a.Value(depth)}
	}
	a.OnChange(func() { clear(attrs) })
	return attrs
}

// Value returns a value of any kind.
func (a *Arguments) Value(depth int) slog.Value {
	switch kind := a.Byte() % 16; {
	case kind < 6:
		return slog.AnyValue(a.Any(depth))
	case kind == 6:
		return slog.StringValue(a.String())
	case kind == 7:
		return slog.Float64Value(a.Float())
	case kind == 8:
		return slog.TimeValue(time.Unix(int64(a.Float()), int64(a.Byte())).UTC())
	case kind == 9:
		return slog.DurationValue(time.Duration(a.Float()))
	case depth == 0:
		return slog.IntValue(int(a.Byte()))
	case kind < 12:
		return slog.GroupValue(a.Attrs(depth - 1)...)
	case kind == 12:
		reason := a.String()
		return slog.AnyValue(valuer(func() slog.Value { panic(reason) }))
	case kind == 13:
		v := a.Value(depth - 1)
		return slog.AnyValue(valuer(func() slog.Value { return v }))
	default:
		attrs := a.Attrs(depth - 1)
		return slog.AnyValue(valuer(func() slog.Value { return slog.GroupValue(attrs...) }))
	}
}

// Any returns a value of a kind that slog does not have.
func (a *Arguments) Any(depth int) any {
	switch kind := a.Byte() % 16; {
	case kind == 0:
		return a.Bytes()
	case kind == 1:
		return json.RawMessage(a.Bytes())
	case kind == 2:
		s := []string{a.String(), a.String()}
		a.OnChange(func() { clear(s) })
		return s
	case kind == 3:
		m := map[string]int{a.String(): int(a.Byte()), a.String(): 1}
		a.OnChange(func() { clear(m) })
		return m
	case kind == 4 && depth > 0:
		m := map[string]any{a.String(): a.Any(depth - 1)}
		a.OnChange(func() { clear(m) })
		return m
	case kind == 5 && depth > 0:
		s := []any{a.Any(depth - 1), a.Any(depth - 1)}
		a.OnChange(func() { clear(s) })
		return s
	case kind == 6:
		s := &slog.Source{Function: a.String(), File: a.String(), Line: int(a.Byte())}
		a.OnChange(func() { s.Line++ })
		return s
	case kind == 7:
		f := a.Float()
		a.OnChange(func() { f++ })
		return &f
	case kind < 10:
		return a.Failure()
	case kind == 10:
		return nil
	case kind > 11 && a.Other != nil:
		return a.Other(a)
	default:
		return int(a.Byte())
	}
}

// Failure returns an error that changes, or one around that.
func (a *Arguments) Failure() error {
	e := &changing{int(a.Byte()), a.String()}
	a.OnChange(func() { e.Code++ })
	switch a.Byte() % 4 {
	case 0:
		return fmt.Errorf("%s: %w", a.String(), e)
	case 1:
		return errors.Join(e, errors.New(a.String()))
	case 2:
		return fmt.Errorf("%w", errors.New(a.String()))
	default:
		return e
	}
}

// changing is an error that can change. JSON shows its fields where it is inside something.
type changing struct {
	Code int
	Text string
}

func (e *changing) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Text) }

type valuer func() slog.Value

func (f valuer) LogValue() slog.Value { return f() }
