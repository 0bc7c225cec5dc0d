package asynchandler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

func TestMemoryInStats(t *testing.T) {
	tests := []struct {
		name  string
		opts  []asynchandler.Option
		limit int64
	}{
		{"default", nil, 64 << 20},
		{"limit", []asynchandler.Option{asynchandler.WithMemoryLimit(1 << 20)}, 1 << 20},
		{"budget", []asynchandler.Option{asynchandler.WithBudget(membudget.New(1000, membudget.Options{}))}, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := testsink.NewBlockingWriter(nil)
				h := asynchandler.NewJSONHandler(w, nil, tt.opts...)
				r := slog.NewRecord(time.Now(), slog.LevelInfo, "hello", 0)
				r.Add("key", "value", "list", []string{"a", "b"})
				for range 3 {
					require.NoError(t, h.Handle(t.Context(), r))
				}
				s := h.Stats()
				assert.Equal(t, tt.limit, s.MemoryLimit)
				assert.GreaterOrEqual(t, s.MemoryUsed, 3*int64(len("hellokeyvaluelistab")))
				data, err := json.Marshal(s)
				require.NoError(t, err)
				assert.Contains(t, string(data), `"memory_limit_bytes":`)
				assert.Contains(t, string(data), `"memory_used_bytes":`)
				w.Release()
				require.NoError(t, h.Close())
				assert.Zero(t, h.Stats().MemoryUsed)
			})
		})
	}
}

// No handler evicts what another holds, and each can use limit/(2 × handlers); what a
// closed one had is for the others.
func TestHandlersShareABudget(t *testing.T) {
	const limit = 1 << 20
	for _, policy := range []asynchandler.Overflow{asynchandler.DropOldest, asynchandler.DropNewest, asynchandler.Block} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := membudget.New(limit, membudget.Options{})
				hung, slow := testsink.NewBlockingWriter(nil), testsink.NewBlockingWriter(nil)
				opts := []asynchandler.Option{
					asynchandler.WithBudget(b), asynchandler.WithOverflow(policy),
					asynchandler.WithBlockTimeout(time.Second), asynchandler.WithCloseTimeout(time.Second), quiet,
				}
				greedy, modest := asynchandler.NewTextHandler(hung, nil, opts...), asynchandler.NewTextHandler(slow, nil, opts...)
				kilobyte := strings.Repeat("x", 1024-8)
				for range limit / 1024 {
					slog.New(greedy).Info(kilobyte)
				}
				assert.EqualValues(t, limit*3/4, greedy.Stats().MemoryUsed)
				start := time.Now()
				for range limit / 4 / 1024 {
					slog.New(modest).Info(kilobyte)
				}
				assert.Zero(t, time.Since(start))
				assert.Zero(t, modest.Stats().Dropped)
				assert.EqualValues(t, limit/4, modest.Stats().MemoryUsed)

				require.Error(t, greedy.Close(), "its writer hangs")
				for range limit / 1024 {
					slog.New(modest).Info(kilobyte)
				}
				assert.Greater(t, modest.Stats().MemoryUsed, int64(limit*7/8), "all but what hangs in the writer")
				slow.Release()
				require.NoError(t, modest.Close())
				hung.Release()
				synctest.Wait()
				assert.Zero(t, b.Used())
			})
		})
	}
}

func TestMaxRecordSize(t *testing.T) {
	replace := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	long := strings.Repeat("€uro, ", 500) // runes of three bytes and of one
	constructors := []struct {
		name string
		make func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler
		mark string
	}{
		{"JSON", func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.NewJSONHandler(w, nil, opts...)
		}, `"truncated":true`},
		{"text", func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.NewTextHandler(w, nil, opts...)
		}, "truncated=true"},
		{"JSON with ReplaceAttr", func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: replace}, opts...)
		}, `"truncated":true`},
		{"text with ReplaceAttr", func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: replace}, opts...)
		}, "truncated=true"},
		{"a handler of somebody else's", func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.New(slog.NewTextHandler(w, nil), opts...)
		}, "truncated=true"},
	}
	records := []struct {
		name  string
		cut   bool
		msg   string
		attrs []slog.Attr
	}{
		{"short", false, "hello", []slog.Attr{slog.String("k", "v")}},
		{"message", true, long, []slog.Attr{slog.String("k", "kept")}},
		{"attribute", true, "kept", []slog.Attr{slog.Int("n", 1), slog.String("body", long)}},
		{"group", true, "kept", []slog.Attr{slog.Group("req", slog.String("body", long), slog.Group("in", slog.String("deep", long)))}},
		{"LogValuer", true, "kept", []slog.Attr{slog.Any("v", valuer(slog.StringValue(long)))}},
		{"many attributes", true, "kept", numberedAttrs(10, long)},
	}
	for _, c := range constructors {
		for _, r := range records {
			t.Run(c.name+"/"+r.name, func(t *testing.T) {
				const most = 1000
				out := &testsink.Buffer{}
				h := c.make(out, asynchandler.WithMaxRecordSize(most))
				rec := slog.NewRecord(when, slog.LevelInfo, r.msg, 0)
				rec.AddAttrs(r.attrs...)
				before := shown(rec)
				require.NoError(t, h.Handle(t.Context(), rec))
				assert.Equal(t, before, shown(rec), "the caller's record is as it was")
				require.NoError(t, h.Close())

				line := out.String()
				assert.Equal(t, r.cut, strings.Contains(line, c.mark), line)
				assert.Equal(t, r.cut, strings.Count(line, "€") < strings.Count(before, "€"))
				assert.Less(t, len(line), most+250, "keys, time and punctuation come on top")
				assert.True(t, utf8.ValidString(line))
				assert.NotContains(t, line, `�`)
				assert.NotContains(t, line, `\x`)
				if strings.Contains(c.name, "JSON") {
					assert.True(t, json.Valid([]byte(line)), line)
				}
				if r.cut {
					assert.Greater(t, len(line), most/2, "no more is cut than needed")
					assert.Contains(t, line, "€uro")
				}
			})
		}
	}
}

func numberedAttrs(n int, value string) (attrs []slog.Attr) {
	for i := range n {
		attrs = append(attrs, slog.String("key"+string(rune('a'+i)), value))
	}
	return attrs
}

// shown returns what slog itself shows of a record.
func shown(r slog.Record) string {
	var out bytes.Buffer
	_ = slog.NewTextHandler(&out, nil).Handle(context.Background(), r) // a buffer takes it
	return out.String()
}

// Groups that the caller still holds are not cut in place.
func TestMaxRecordSizeLeavesTheCallersSlicesAlone(t *testing.T) {
	for _, capture := range []asynchandler.Capture{asynchandler.CaptureSnapshot, asynchandler.CaptureReference} {
		t.Run(capture.String(), func(t *testing.T) {
			long := strings.Repeat("x", 5000)
			inner := []slog.Attr{slog.String("a", long), slog.Int("n", 1)}
			outer := []slog.Attr{slog.String("b", long), {Key: "inner", Value: slog.GroupValue(inner...)}}
			args := []any{slog.String("c", long), slog.Attr{Key: "outer", Value: slog.GroupValue(outer...)}, "d", long}
			out := &testsink.Buffer{}
			h := asynchandler.NewJSONHandler(out, nil, asynchandler.WithMaxRecordSize(500), asynchandler.WithCapture(capture))
			slog.New(h).Info("hello", args...)
			require.NoError(t, h.Close())
			assert.Less(t, len(out.String()), 1000)
			assert.Equal(t, long, inner[0].Value.String())
			assert.Equal(t, long, outer[0].Value.String())
			assert.Equal(t, long, outer[1].Value.Group()[0].Value.String())
			assert.Equal(t, long, args[0].(slog.Attr).Value.String())
		})
	}
}

// Eight goroutines log a million records at DEBUG with a thousand ERRORs among them over
// a writer that hangs: when it is back, all the errors come out, in the order of their
// goroutine's calls, whether the capacity is the bound or the bytes.
func TestErrorsSurviveAFloodConcurrentSafe(t *testing.T) { // P6
	const goroutines, errorsEach = 8, 125
	for i, tt := range []struct {
		name string
		opts []asynchandler.Option
	}{
		{"capacity", []asynchandler.Option{asynchandler.WithCapacity(4096)}},
		{"bytes", []asynchandler.Option{asynchandler.WithMemoryLimit(128 << 10)}},
		{"bytes, DropNewest", []asynchandler.Option{asynchandler.WithMemoryLimit(128 << 10), asynchandler.WithOverflow(asynchandler.DropNewest)}},
	} {
		each := 1_000_000 / goroutines
		if i > 0 || raceEnabled {
			each /= 10 // as many would take long
		}
		t.Run(tt.name, func(t *testing.T) {
			out := &testsink.Buffer{}
			w := testsink.NewBlockingWriter(out)
			h := asynchandler.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}, append(tt.opts, quiet)...)
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					l := slog.New(h)
					for i := range each {
						if i%(each/errorsEach) == 0 {
							l.Error(testsink.Message(g, i/(each/errorsEach)))
						}
						l.Debug("debug", "n", i)
					}
				})
			}
			wg.Wait()
			used := h.Stats().MemoryUsed
			w.Release()
			require.NoError(t, h.Close())
			require.NoError(t, testsink.Check(testsink.Messages(out.String()), goroutines, errorsEach).Err())
			debugs := strings.Count(out.String(), "msg=debug")
			t.Logf("%d ERROR came out, and %d of %d DEBUG (%.2f%%); %d bytes were waiting", goroutines*errorsEach, debugs, each*goroutines, 100*float64(debugs)/float64(each*goroutines), used)
			s := h.Stats()
			assert.Equal(t, s.Received, s.Delivered+s.Dropped)
			for _, d := range s.Drops {
				assert.True(t, d.Level == slog.LevelDebug || d.Count == 0, "%d dropped at %v: %s", d.Count, d.Level, d.Reason)
			}
		})
	}
}
