package promises_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// program is a sequence of logger calls, made from the bytes of the fuzzer. Run
// twice, it does the same twice.
type program struct {
	testsink.Arguments
	spoil bool // change all arguments after each call
}

func newProgram(data []byte, spoil bool) *program {
	return &program{testsink.Arguments{Data: data, Other: otherValue}, spoil}
}

// maxOps bounds a program: there is room for three times as many records, and go test takes an
// input that runs for 10 s for a crash.
const maxOps = 20

// run runs the program with loggers derived from l.
func (p *program) run(l *slog.Logger) {
	root := l
	for range maxOps {
		if len(p.Data) == 0 {
			break
		}
		switch op := p.Byte() % 10; {
		case op == 0:
			l = root
		case op == 1:
			l = l.WithGroup(p.String())
		case op < 4:
			l = l.With(p.Args()...)
		default:
			p.log(op, l)
		}
		if p.spoil {
			p.Change()
		}
		p.Keep()
	}
}

func (p *program) log(op byte, l *slog.Logger) {
	ctx := context.Background()
	level := slog.Level(int8(p.Byte()))
	switch op {
	case 4:
		l.Info(p.String(), p.Args()...)
	case 5:
		l.Log(ctx, level, p.String(), p.Args()...)
	case 6:
		r := slog.NewRecord(time.Time{}, level, p.String(), 0)
		r.AddAttrs(p.Attrs(2)...)
		_ = l.Handler().Handle(ctx, r)
	default:
		l.LogAttrs(ctx, level, p.String(), p.Attrs(3)...)
	}
}

// otherValue makes values with methods and of types of this package.
func otherValue(a *testsink.Arguments) any {
	switch a.Byte() % 4 {
	case 0:
		v := &point{X: int(a.Byte())}
		a.OnChange(func() { v.X++ })
		return v
	case 1:
		v := &marshaler{a.Bytes(), a.Byte()}
		a.OnChange(func() { v.data, v.how = nil, v.how+1 })
		return v
	case 2:
		return holder{&texter{a.Bytes()}, a.Float()}
	default:
		return (*point)(nil)
	}
}

type texter struct{ data []byte }

func (t *texter) MarshalText() ([]byte, error) { return t.data, nil }

// holder is a struct without methods that holds a pointer, which has some.
type holder struct {
	Name  *texter
	Float float64 `json:"float,omitempty"`
}

// sameLines reports whether got is want, but for lines of slog that are no JSON: a ReplaceAttr
// that makes groups of attributes may have it leave out a comma. Ours must be JSON there.
func sameLines(want, got string) bool {
	wanted, lines := strings.Split(want, "\n"), strings.Split(got, "\n")
	return slices.EqualFunc(wanted, lines, func(want, got string) bool {
		return got == want || !json.Valid([]byte(want)) && json.Valid([]byte(got))
	})
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
	f.Add([]byte("701021&0")) // slog leaves out a comma
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, flavor := range flavors[:4] {
			for i, replace := range replacing {
				ho := &slog.HandlerOptions{Level: slog.Level(math.MinInt8), AddSource: i == 1, ReplaceAttr: replace}
				var want bytes.Buffer
				newProgram(data, false).run(slog.New(clocked{behindOthers{flavor.original(&want, ho)}}))

				var got testsink.Buffer
				gate := testsink.NewBlockingWriter(&got)
				opts := []asynchandler.Option{small, quiet, asynchandler.WithMaxWrite(int(uint8(len(data))))}
				if len(data)%2 == 1 { // somebody else may want the records
					opts = append(opts, asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) {}))
				}
				h := flavor.make(gate, ho, opts...)
				newProgram(data, true).run(slog.New(clocked{behindOthers{h}}))
				gate.Release()
				if err := h.Close(); err != nil {
					t.Fatalf("%s, replace %d: %v", flavor.name, i, err)
				}
				if want, got := withoutAddresses(want.String()), withoutAddresses(got.String()); !sameLines(want, got) {
					t.Fatalf("%s, replace %d:\ngot  %s\nwant %s", flavor.name, i, got, want)
				}
			}
		}
	})
}
