package promises_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// account has a secret, which is taken out by those who know the type.
type account struct {
	Name, Password string
	Roles          []string
}

func byType(_ []string, a slog.Attr) slog.Attr {
	if u, ok := a.Value.Any().(*account); ok {
		return slog.String(a.Key, u.Name)
	}
	return a
}

var redaction = &slog.HandlerOptions{ReplaceAttr: byType}

func TestRedactionByTypeHoldsForEveryConstructor(t *testing.T) { // P4, F07
	makers := map[string]func(w io.Writer) *asynchandler.Handler{
		"NewJSONHandler": func(w io.Writer) *asynchandler.Handler { return asynchandler.NewJSONHandler(w, redaction) },
		"NewTextHandler": func(w io.Writer) *asynchandler.Handler { return asynchandler.NewTextHandler(w, redaction) },
		"New":            func(w io.Writer) *asynchandler.Handler { return asynchandler.New(slog.NewJSONHandler(w, redaction)) },
		"New over a breaker": func(w io.Writer) *asynchandler.Handler {
			return asynchandler.New(breaker.New(slog.NewTextHandler(w, redaction), breaker.Options{}))
		},
		"New with OnDrop": func(w io.Writer) *asynchandler.Handler {
			return asynchandler.New(slog.NewJSONHandler(w, redaction), asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) {}))
		},
		"New over ours": func(w io.Writer) *asynchandler.Handler {
			inner := asynchandler.New(slog.NewJSONHandler(w, redaction))
			return asynchandler.New(inner, asynchandler.WithOnShutdown(inner.Shutdown))
		},
		"New over ours with WithReplaceAttr": func(w io.Writer) *asynchandler.Handler {
			inner := asynchandler.NewJSONHandler(w, nil, asynchandler.WithReplaceAttr(byType))
			return asynchandler.New(inner, asynchandler.WithOnShutdown(inner.Shutdown))
		},
		"New with a fallback over ours with WithReplaceAttr": func(w io.Writer) *asynchandler.Handler {
			inner := asynchandler.NewJSONHandler(w, nil, asynchandler.WithReplaceAttr(byType))
			return asynchandler.New(inner, asynchandler.WithOnShutdown(inner.Shutdown), asynchandler.WithFallback(slog.NewTextHandler(io.Discard, nil)))
		},
		"New over others of ours": func(w io.Writer) *asynchandler.Handler {
			inner := asynchandler.NewMultiHandler(asynchandler.NewJSONHandler(w, nil, asynchandler.WithReplaceAttr(byType)))
			return asynchandler.New(recorder.New(breaker.New(inner, breaker.Options{}), recorder.Options{}), asynchandler.WithOnShutdown(inner.Shutdown))
		},
		"New over a breaker's fallback": func(w io.Writer) *asynchandler.Handler {
			fallback := slog.NewTextHandler(w, redaction)
			return asynchandler.New(breaker.New(slog.NewJSONHandler(refusing{}, nil), breaker.Options{Fallback: fallback}))
		},
		"New over a breaker's fallback of ours": func(w io.Writer) *asynchandler.Handler {
			inner := asynchandler.NewTextHandler(w, nil, asynchandler.WithReplaceAttr(byType))
			return asynchandler.New(breaker.New(slog.NewJSONHandler(refusing{}, nil), breaker.Options{Fallback: inner}), asynchandler.WithOnShutdown(inner.Shutdown))
		},
		"NewWriterHandler": func(w io.Writer) *asynchandler.Handler {
			return asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, redaction) })
		},
		"WithReplaceAttr": func(w io.Writer) *asynchandler.Handler {
			return asynchandler.New(middleware{slog.NewJSONHandler(w, nil)}, asynchandler.WithReplaceAttr(byType))
		},
		"WithMaxRecordSize": func(w io.Writer) *asynchandler.Handler {
			return asynchandler.New(slog.NewJSONHandler(w, redaction), asynchandler.WithMaxRecordSize(100))
		},
	}
	for name, make := range makers {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			h := make(&out)
			u := &account{"bob", "hunter2", nil}
			slog.New(h).With("own", u).WithGroup("g").Info("login", "user", u, slog.Group("in", "user", u), "n", 1)
			require.NoError(t, h.Close())
			assert.Contains(t, out.String(), "bob")
			assert.NotContains(t, out.String(), "hunter2")
		})
	}
}

func TestRedactionHoldsForFallbackAndOnDrop(t *testing.T) { // P4, F07
	for name, opts := range map[string]struct {
		ho   *slog.HandlerOptions
		opts []asynchandler.Option
	}{
		"ReplaceAttr":     {redaction, nil},
		"WithReplaceAttr": {nil, []asynchandler.Option{asynchandler.WithReplaceAttr(byType)}},
	} {
		for _, f := range flavors[:2] {
			t.Run(name+"/"+f.name, func(t *testing.T) {
				var out bytes.Buffer
				u := &account{"bob", "hunter2", nil}
				log := func(h *asynchandler.Handler) {
					slog.New(h).With("own", u).WithGroup("g").Info("login", "user", u, slog.Group("in", "user", u))
				}
				h := f.make(broken{}, opts.ho, append(opts.opts, small, quiet, asynchandler.WithFallback(slog.NewTextHandler(&out, nil)))...)
				log(h)
				require.NoError(t, h.Close())
				assert.Contains(t, out.String(), "own=bob g.user=bob g.in.user=bob")

				synctest.Test(t, func(t *testing.T) {
					var dropped testsink.Recorder
					gate := testsink.NewBlockingWriter(nil)
					h := f.make(gate, opts.ho, append(opts.opts, asynchandler.WithCapacity(1), asynchandler.WithOnDrop(func(ctx context.Context, r slog.Record, _ asynchandler.DropReason) {
						_ = dropped.Handle(ctx, r)
					}))...)
					defer h.Close()
					defer gate.Release()
					for range 3 {
						log(h)
						synctest.Wait()
					}
					require.Equal(t, []string{"INFO login own=bob g.user=bob g.in.user=bob"}, dropped.Lines())
				})
			})
		}
	}
}

// WithReplaceAttr comes before the ReplaceAttr of the handler, whoever else looks on: that
// sees what is left, and the members of groups that were made.
func TestWithReplaceAttrComesFirst(t *testing.T) { // P4
	first := func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case "secret":
			return slog.Attr{}
		case "pair":
			return slog.Group("made", "left", 1, "right", 2)
		case "n":
			return slog.Int("n", 7)
		}
		return a
	}
	second := func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return slog.String(a.Key, strings.Join(groups, "/")+"<"+a.Value.String()+">")
	}
	for _, o := range observers {
		t.Run(o.name, func(t *testing.T) {
			var out testsink.Buffer
			h := asynchandler.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: second}, small, o.opt, asynchandler.WithReplaceAttr(first))
			slog.New(h).With("secret", 1, "n", 2).WithGroup("g").Info("m", "pair", 3, "secret", 4, "n", 5)
			require.NoError(t, h.Close())
			assert.Equal(t, []string{"level=<INFO> msg=<m> n=<7> g.made.left=g/made<1> g.made.right=g/made<2> g.n=g<7>"}, out.Lines())
		})
	}
}

func TestReplaceAttrRunsOnTheWorkerIfNothingCanChange(t *testing.T) { // P4, N2
	var calls atomic.Int32
	gate := testsink.NewBlockingWriter(io.Discard)
	h := asynchandler.NewJSONHandler(gate, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "n" {
			calls.Add(1)
		}
		return a
	}})
	slog.New(h).Info("first")
	<-gate.Entered()
	slog.New(h).Info("plain", "n", 1, "err", errors.New("e"), slog.Group("g", "n", 2))
	assert.Zero(t, calls.Load())
	slog.New(h).Info("can change", "n", 1, "v", []int{1})
	assert.Equal(t, int32(1), calls.Load())
	gate.Release()
	require.NoError(t, h.Close())
	assert.Equal(t, int32(4-1), calls.Load())
}

// With a fallback the function is called for the attributes before the line is made.
func TestReplaceAttrIsCalledOnceForEachAttribute(t *testing.T) { // P1, P4
	for _, f := range flavors[:2] {
		for _, o := range observers {
			t.Run(f.name+"/"+o.name, func(t *testing.T) {
				run := func(h slog.Handler, close func() error) {
					l := slog.New(clocked{h}).With("time", 1, "own", 2)
					l.Info("m", "level", "x", "msg", []int{1}, slog.Group("", "time", "inline"), slog.Group("level", "msg", 3))
					l.WithGroup("g").Info("m", "source", "y", "v", map[string]int{"a": 1})
					require.NoError(t, close())
				}
				lines := func(make func(io.Writer, *slog.HandlerOptions) (slog.Handler, func() error)) (string, map[string]int) {
					var out bytes.Buffer
					var mu sync.Mutex
					calls := map[string]int{}
					h, end := make(&out, &slog.HandlerOptions{AddSource: true, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
						mu.Lock()
						defer mu.Unlock()
						calls[strings.Join(append(groups[:len(groups):len(groups)], a.Key), ".")]++
						if a.Key == slog.LevelKey || a.Key == "time" {
							return slog.String(a.Key, "<"+a.Value.String()+">")
						}
						return a
					}})
					run(h, end)
					return out.String(), calls
				}
				want, wantCalls := lines(func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func() error) {
					return f.original(w, ho), func() error { return nil }
				})
				got, calls := lines(func(w io.Writer, ho *slog.HandlerOptions) (slog.Handler, func() error) {
					h := f.make(w, ho, small, o.opt)
					return h, h.Close
				})
				assert.Equal(t, want, got)
				assert.Equal(t, wantCalls, calls)
			})
		}
	}
}

// A function that panics on the worker costs the record that it was asked for.
func TestReplaceAttrThatPanicsOnTheWorker(t *testing.T) { // P4, P8
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			var out testsink.Buffer
			h := f.make(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == "bad" {
					panic("boom")
				}
				return a
			}}, small, quiet)
			slog.New(h).Info("first")
			slog.New(h).Info("second", "bad", 1)
			slog.New(h).Info("third")
			require.NoError(t, h.Flush(t.Context()))
			require.NoError(t, h.Close())
			assert.Equal(t, 2, strings.Count(out.String(), "\n"), out.String())
			assert.NotContains(t, out.String(), "second")
			s := h.Stats()
			assert.EqualValues(t, 2, s.Delivered)
			assert.EqualValues(t, 1, s.Failed)
			assert.EqualValues(t, 1, s.Panics)
		})
	}
}
