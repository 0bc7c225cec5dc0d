package promises_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
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
		{"New over one with ReplaceAttr", func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: replace}), opts...)
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
		// Of the values from here on only strings are cut before the ReplaceAttr of a next of
		// New, which may go by types; others are removed.
		{"error", true, "kept", []slog.Attr{slog.Any("err", errors.New(long))}},
		{"wrapping error", true, "kept", []slog.Attr{slog.Any("err", fmt.Errorf("call: %w", errors.New(long)))}},
		{"struct", true, "kept", []slog.Attr{slog.Any("v", struct{ Text string }{long})}},
		{"slice", true, "kept", []slog.Attr{slog.Any("v", []string{long, long})}},
		{"map", true, "kept", []slog.Attr{slog.Any("v", map[string]any{"body": long})}},
		{"raw JSON", true, "kept", []slog.Attr{slog.Any("v", json.RawMessage(`{"body":"`+long+`"}`))}},
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
				if removed := c.name == "New over one with ReplaceAttr" && r.attrs[0].Value.Kind() == slog.KindAny; r.cut && !removed {
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
