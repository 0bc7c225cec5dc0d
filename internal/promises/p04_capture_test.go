package promises_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/goid"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// mutables are arguments that can change after the call.
var mutables = []struct {
	name string
	make func() (v any, change func())
}{
	{"map", func() (any, func()) {
		m := map[string]any{"k": "before"}
		return m, func() { m["k"], m["new"] = "after", 1 }
	}},
	{"map of basic types", func() (any, func()) {
		m := map[string]int{"k": 1}
		return m, func() { m["k"] = 2 }
	}},
	{"slice", func() (any, func()) {
		s := []any{"before"}
		return s, func() { s[0] = "after" }
	}},
	{"slice of strings", func() (any, func()) {
		s := []string{"before"}
		return s, func() { s[0] = "after" }
	}},
	{"bytes", func() (any, func()) {
		b := []byte("before")
		return b, func() { copy(b, "after!") }
	}},
	{"raw JSON", func() (any, func()) {
		b := json.RawMessage(`{"k":1}`)
		return b, func() { b[5] = '2' }
	}},
	{"pointer", func() (any, func()) {
		p := &point{X: 1}
		return p, func() { p.X = 2 }
	}},
	{"struct with a pointer", func() (any, func()) {
		e := &codeError{1, "before"}
		return struct{ Err error }{e}, func() { e.Code = 2 }
	}},
	{"error", func() (any, func()) {
		e := &codeError{1, "before"}
		return e, func() { e.Code, e.Text = 2, "after" }
	}},
	{"wrapped error", func() (any, func()) {
		e := &codeError{1, "before"}
		return fmt.Errorf("wrapped: %w", error(e)), func() { e.Code = 2 }
	}},
	{"joined errors", func() (any, func()) {
		e := &codeError{1, "before"}
		return errors.Join(io.EOF, e), func() { e.Code = 2 }
	}},
	{"LogValuer", func() (any, func()) {
		p := &point{X: 1}
		return valuerFunc(func() slog.Value { return slog.AnyValue(p) }), func() { p.X = 2 }
	}},
	{"group", func() (any, func()) {
		attrs := []slog.Attr{slog.Int("a", 1), slog.Any("p", &point{})}
		return attrs, func() { attrs[0], attrs[1] = slog.Int("changed", 2), slog.Attr{} }
	}},
	{"marshaler", func() (any, func()) {
		m := &marshaler{[]byte("before"), 2 + 2<<2}
		return m, func() { m.data[0], m.how = 'B', 0 }
	}},
	{"source", func() (any, func()) {
		s := &slog.Source{File: "before.go", Line: 1}
		return s, func() { s.File = "after.go" }
	}},
}

func TestWhatIsLoggedIsWhatIsWritten(t *testing.T) { // P4
	for _, f := range flavors {
		for _, o := range observers {
			for _, replace := range []bool{false, true} {
				ho := &slog.HandlerOptions{}
				if replace {
					ho.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { return a }
				}
				t.Run(fmt.Sprintf("%s/%s/%t", f.name, o.name, replace), func(t *testing.T) {
					var want bytes.Buffer
					slog.New(clocked{f.original(&want, ho)}).Info("first")
					var got testsink.Buffer
					gate := testsink.NewBlockingWriter(&got)
					h := f.make(gate, ho, small, o.opt)
					slog.New(clocked{h}).Info("first")
					<-gate.Entered()
					for _, m := range mutables {
						for _, l := range []*slog.Logger{slog.New(clocked{f.original(&want, ho)}), slog.New(clocked{h})} {
							own, changeOwn := m.make()
							v, change := m.make()
							l = l.With("own", own).WithGroup("g")
							l.Info(m.name, "v", v, slog.Group("h", "v", v), "more", 1, "than", 2, "five", 3)
							changeOwn()
							change()
						}
					}
					gate.Release()
					require.NoError(t, h.Close())
					assert.Equal(t, withoutAddresses(want.String()), withoutAddresses(got.String()))
				})
			}
		}
	}
}

func TestLogValueIsCalledOnceAndByTheCaller(t *testing.T) { // P4
	for _, f := range flavors {
		for _, o := range observers {
			for _, ho := range []*slog.HandlerOptions{nil, {ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}} {
				t.Run(fmt.Sprintf("%s/%s/%t", f.name, o.name, ho != nil), func(t *testing.T) {
					var out testsink.Buffer
					h := f.make(&out, ho, small, o.opt)
					var callers []uint64
					v := valuerFunc(func() slog.Value {
						callers = append(callers, goid.ID())
						return slog.GroupValue(slog.Int("a", 1))
					})
					l := slog.New(h)
					l.Info("m", "v", v)
					l.Info("m", slog.Group("g", "v", v))
					l.With("v", v).Info("m")
					require.NoError(t, h.Close())
					assert.Equal(t, []uint64{goid.ID(), goid.ID(), goid.ID()}, callers)
					assert.Len(t, out.Lines(), 3)
				})
			}
		}
	}
}

func TestReplaceAttrSeesTheOriginalsOnce(t *testing.T) { // P4
	for _, f := range flavors[:2] {
		for _, o := range observers {
			t.Run(f.name+"/"+o.name, func(t *testing.T) {
				p := &point{X: 1}
				var seen []any
				var paths []string
				var mu sync.Mutex
				ho := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
					mu.Lock()
					defer mu.Unlock()
					if a.Key == "p" {
						seen = append(seen, a.Value.Any())
						paths = append(paths, strings.Join(groups, "."))
					}
					return a
				}}
				h := f.make(io.Discard, ho, small, o.opt)
				l := slog.New(h)
				l.Info("m", "p", p, slog.Group("g", "p", p))
				l.WithGroup("w").With("p", p).Info("m", "p", valuer(slog.AnyValue(p)))
				require.NoError(t, h.Close())
				require.Len(t, seen, 4)
				for _, v := range seen {
					assert.Same(t, p, v)
				}
				assert.Equal(t, []string{"", "g", "w", "w"}, paths)
			})
		}
	}
}

func TestErrorsReachAnUnknownHandlerAsErrors(t *testing.T) { // P4
	var rec testsink.Recorder
	h := asynchandler.New(&rec, small)
	e := &codeError{7, "before"}
	slog.New(h).With("own", fmt.Errorf("own: %w", e)).Info("m", "err", errors.Join(e, io.ErrUnexpectedEOF))
	e.Text = "after"
	require.NoError(t, h.Close())

	require.Equal(t, 1, rec.Len())
	for i, want := range []string{"own: code 7: before", "code 7: before\nunexpected EOF"} {
		err, ok := rec.Records()[0].Attrs[i].Value.Any().(error)
		require.True(t, ok)
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, e)
		var as *codeError
		require.ErrorAs(t, err, &as)
		assert.Same(t, e, as)
	}
	err := rec.Records()[0].Attrs[1].Value.Any().(error)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestCaptureReferenceKeepsValuesAsTheyAre(t *testing.T) { // P4
	var rec testsink.Recorder
	h := asynchandler.New(&rec, small, asynchandler.WithCapture(asynchandler.CaptureReference))
	p := &point{}
	v := valuerFunc(func() slog.Value { panic("nobody asks") })
	slog.New(h).With("p", p).Info("m", "p", p, "v", v)
	require.NoError(t, h.Close())

	attrs := rec.Records()[0].Attrs
	require.Len(t, attrs, 3)
	assert.Same(t, p, attrs[0].Value.Any())
	assert.Same(t, p, attrs[1].Value.Any())
	assert.Equal(t, slog.KindLogValuer, attrs[2].Value.Kind())
}
