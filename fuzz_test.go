package asynchandler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// program is a sequence of logger calls, made from the bytes of the fuzzer. Run
// twice, it does the same twice.
type program struct {
	data    []byte
	spoil   bool     // change all arguments after each call
	changes []func() // of the arguments of the call
}

// maxOps bounds a program: there is room for as many records, and go test takes an
// input that runs for 10 s for a crash.
const maxOps = 32

// run runs the program with loggers derived from l.
func (p *program) run(l *slog.Logger) {
	root := l
	for range maxOps {
		if len(p.data) == 0 {
			break
		}
		switch op := p.byte() % 10; {
		case op == 0:
			l = root
		case op == 1:
			l = l.WithGroup(p.string())
		case op < 4:
			l = l.With(p.args()...)
		default:
			p.log(op, l)
		}
		if p.spoil {
			for _, change := range p.changes {
				change()
			}
		}
		p.changes = nil
	}
}

func (p *program) log(op byte, l *slog.Logger) {
	ctx := context.Background()
	level := slog.Level(int8(p.byte()))
	switch op {
	case 4:
		l.Info(p.string(), p.args()...)
	case 5:
		l.Log(ctx, level, p.string(), p.args()...)
	case 6:
		r := slog.NewRecord(time.Time{}, level, p.string(), 0)
		r.AddAttrs(p.attrs(2)...)
		_ = l.Handler().Handle(ctx, r)
	default:
		l.LogAttrs(ctx, level, p.string(), p.attrs(3)...)
	}
}

func (p *program) onChange(f func()) { p.changes = append(p.changes, f) }

func (p *program) byte() byte {
	if len(p.data) == 0 {
		return 0
	}
	b := p.data[0]
	p.data = p.data[1:]
	return b
}

func (p *program) bytes() []byte {
	n := min(int(p.byte())%12, len(p.data))
	b := bytes.Clone(p.data[:n])
	p.data = p.data[n:]
	return b
}

func (p *program) string() string { return string(p.bytes()) }

func (p *program) float() float64 {
	var bits uint64
	for range 8 {
		bits = bits<<8 | uint64(p.byte())
	}
	return math.Float64frombits(bits)
}

// args are arguments of Info and With: attributes, pairs and what makes no pair.
func (p *program) args() []any {
	args := make([]any, p.byte()%8)
	for i := range args {
		switch p.byte() % 4 {
		case 0:
			args[i] = slog.Attr{Key: p.string(), Value: p.value(2)}
		case 1:
			args[i] = p.any(2)
		default:
			args[i] = p.string()
		}
	}
	p.onChange(func() { clear(args) })
	return args
}

func (p *program) attrs(depth int) []slog.Attr {
	attrs := make([]slog.Attr, p.byte()%7)
	for i := range attrs {
		attrs[i] = slog.Attr{Key: p.string(), Value: p.value(depth)}
	}
	p.onChange(func() { clear(attrs) })
	return attrs
}

func (p *program) value(depth int) slog.Value {
	switch kind := p.byte() % 16; {
	case kind < 6:
		return slog.AnyValue(p.any(depth))
	case kind == 6:
		return slog.StringValue(p.string())
	case kind == 7:
		return slog.Float64Value(p.float())
	case kind == 8:
		return slog.TimeValue(time.Unix(int64(p.float()), int64(p.byte())).UTC())
	case kind == 9:
		return slog.DurationValue(time.Duration(p.float()))
	case depth == 0:
		return slog.IntValue(int(p.byte()))
	case kind < 12:
		return slog.GroupValue(p.attrs(depth - 1)...)
	case kind == 12:
		reason := p.string()
		return slog.AnyValue(valuerFunc(func() slog.Value { panic(reason) }))
	case kind == 13:
		v := p.value(depth - 1)
		return slog.AnyValue(valuer(v))
	default:
		attrs := p.attrs(depth - 1)
		return slog.AnyValue(valuerFunc(func() slog.Value { return slog.GroupValue(attrs...) }))
	}
}

// any returns a value that can change after the call, mostly.
func (p *program) any(depth int) any {
	switch kind := p.byte() % 16; {
	case kind == 0:
		b := p.bytes()
		p.onChange(func() { clear(b) })
		return b
	case kind == 1:
		b := json.RawMessage(p.bytes())
		p.onChange(func() { clear(b) })
		return b
	case kind == 2:
		s := []string{p.string(), p.string()}
		p.onChange(func() { clear(s) })
		return s
	case kind == 3:
		m := map[string]int{p.string(): int(p.byte()), p.string(): 1}
		p.onChange(func() { clear(m) })
		return m
	case kind == 4 && depth > 0:
		m := map[string]any{p.string(): p.any(depth - 1)}
		p.onChange(func() { clear(m) })
		return m
	case kind == 5 && depth > 0:
		s := []any{p.any(depth - 1), p.any(depth - 1)}
		p.onChange(func() { clear(s) })
		return s
	case kind == 6:
		v := &point{X: int(p.byte())}
		p.onChange(func() { v.X++ })
		return v
	case kind == 7:
		s := &slog.Source{Function: p.string(), File: p.string(), Line: int(p.byte())}
		p.onChange(func() { s.Line++ })
		return s
	case kind < 11:
		return p.failure()
	case kind == 11:
		v := &marshaler{p.bytes(), p.byte()}
		p.onChange(func() { v.data, v.how = nil, v.how+1 })
		return v
	case kind == 12:
		f := p.float()
		p.onChange(func() { f++ })
		return holder{&texter{p.bytes()}, f}
	case kind == 13:
		return nil
	case kind == 14:
		return (*point)(nil)
	default:
		return int(p.byte())
	}
}

func (p *program) failure() error {
	e := &codeError{Code: int(p.byte()), Text: p.string()}
	p.onChange(func() { e.Code++ })
	switch p.byte() % 4 {
	case 0:
		return fmt.Errorf("%s: %w", p.string(), e)
	case 1:
		return errors.Join(e, errors.New(p.string()))
	case 2:
		return fmt.Errorf("%w", errors.New(p.string()))
	default:
		return e
	}
}

// codeError is an error that can change.
type codeError struct {
	Code int
	Text string
}

func (e *codeError) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Text) }

// marshaler shows itself as JSON and as text, or fails or panics.
type marshaler struct {
	data []byte
	how  byte
}

func (m *marshaler) MarshalJSON() ([]byte, error) { return m.marshal(0) }
func (m *marshaler) MarshalText() ([]byte, error) { return m.marshal(2) }

func (m *marshaler) marshal(shift int) ([]byte, error) {
	switch m.how >> shift % 4 {
	case 0:
		return m.data, errors.New(string(m.data))
	case 1:
		panic(string(m.data))
	case 2:
		return json.Marshal(string(m.data))
	default:
		return m.data, nil
	}
}

type texter struct{ data []byte }

func (t *texter) MarshalText() ([]byte, error) { return t.data, nil }

// holder is a struct without methods that holds a pointer, which has some.
type holder struct {
	Name  *texter
	Float float64 `json:"float,omitempty"`
}

// FuzzDifferential holds our handlers against those of slog. Ours get to write only
// after all arguments have changed.
func FuzzDifferential(f *testing.F) { // P1, P4
	for i := range 16 {
		f.Add([]byte{2, 2, 0, 1, 'a', byte(i), byte(i), 3, 'x', 'y', 'z', 1, 1, 'g', 7, 4, 1, 'm', 4, 1, 'k', 0, byte(i), 5, 'p', 'q', 'r', 's', 't'})
		f.Add([]byte{4, 1, 'm', 7, 1, byte(i), 2, 'a', 'b', 1, byte(i), 9, 200, 5, 8, 1, 'n', 6, 0, 14, 2, 1, 'k', byte(i), 1, 'l', 10, byte(i)})
	}
	identity := func(_ []string, a slog.Attr) slog.Attr { return a }
	replacing := []func([]string, slog.Attr) slog.Attr{nil, identity, without("a", slog.TimeKey), into("g")}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, flavor := range flavors[:4] {
			for i, replace := range replacing {
				ho := &slog.HandlerOptions{Level: slog.Level(math.MinInt8), AddSource: i == 1, ReplaceAttr: replace}
				var want bytes.Buffer
				(&program{data: data}).run(slog.New(clocked{flavor.original(&want, ho)}))

				var got testsink.Buffer
				gate := testsink.NewBlockingWriter(&got)
				opts := []asynchandler.Option{small, quiet, asynchandler.WithMaxWrite(int(uint8(len(data))))}
				if len(data)%2 == 1 { // somebody else may want the records
					opts = append(opts, asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) {}))
				}
				h := flavor.make(gate, ho, opts...)
				(&program{data: data, spoil: true}).run(slog.New(clocked{h}))
				gate.Release()
				if err := h.Close(); err != nil {
					t.Fatalf("%s, replace %d: %v", flavor.name, i, err)
				}
				if want, got := withoutAddresses(want.String()), withoutAddresses(got.String()); got != want {
					t.Fatalf("%s, replace %d:\ngot  %s\nwant %s", flavor.name, i, got, want)
				}
			}
		}
	})
}
