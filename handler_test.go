package asynchandler_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// TestMain fails if a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is room enough for most tests; the default takes more.
var small = asynchandler.WithCapacity(64)

// quiet keeps expected errors from standard error.
var quiet = asynchandler.WithErrorHandler(func(error) {})

func logEach(h slog.Handler, msgs ...string) {
	for _, msg := range msgs {
		slog.New(h).Info(msg)
	}
}

// numbered returns n messages of that size.
func numbered(n, size int) []string {
	msgs := make([]string, n)
	for i := range msgs {
		msgs[i] = fmt.Sprintf("%0*d", size-1, i)
	}
	return msgs
}

func TestNothingToWriteToPanics(t *testing.T) {
	tests := []struct {
		name string
		make func()
	}{
		{"New: next is nil", func() { asynchandler.New(nil) }},
		{"NewJSONHandler: w is nil", func() { asynchandler.NewJSONHandler(nil, nil) }},
		{"NewTextHandler: w is nil", func() { asynchandler.NewTextHandler(nil, nil) }},
		{"NewWriterHandler: w is nil", func() {
			asynchandler.NewWriterHandler(nil, func(io.Writer) slog.Handler { return slog.DiscardHandler })
		}},
		{"NewWriterHandler: build is nil", func() { asynchandler.NewWriterHandler(io.Discard, nil) }},
		{"NewWriterHandler: build returned nil", func() {
			asynchandler.NewWriterHandler(io.Discard, func(io.Writer) slog.Handler { return nil })
		}},
		{"NewMultiHandler: a handler is nil", func() { asynchandler.NewMultiHandler(nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.PanicsWithValue(t, "asynchandler: "+tt.name, tt.make)
		})
	}
}

func TestDefaults(t *testing.T) {
	h := asynchandler.New(slog.DiscardHandler)
	defer h.Close()
	s := h.Stats()
	assert.Equal(t, "default", s.Name)
	assert.Equal(t, 65_536, s.Capacity)
	assert.Equal(t, int64(64<<20), s.MemoryLimit)
	assert.Equal(t, asynchandler.BreakerStats{State: "closed"}, s.Breaker)
}

// flushEvery is after how many calls a benchmark flushes, outside of its time: so
// that the queue is never full, and a call is all that is measured.
const flushEvery = 4096

func logRequest(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelInfo, "request served",
		slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Millisecond))
}

// BenchmarkLog measures a whole log call. "floor" is what slog takes by itself.
func BenchmarkLog(b *testing.B) {
	nop := testsink.Func(func(context.Context, slog.Record) error { return nil })
	handlers := []struct {
		name string
		make func() slog.Handler
	}{
		{"floor", func() slog.Handler { return nop }},
		{"nop", func() slog.Handler { return asynchandler.New(nop) }},
		{"json", func() slog.Handler { return asynchandler.NewJSONHandler(io.Discard, nil) }},
		{"sync json", func() slog.Handler { return slog.NewJSONHandler(io.Discard, nil) }},
	}
	for _, hh := range handlers {
		b.Run(hh.name, func(b *testing.B) { benchmarkSerial(b, hh.make()) })
		b.Run(hh.name+"/parallel", func(b *testing.B) { benchmarkParallel(b, hh.make()) })
	}
}

// BenchmarkAddedCost measures what a handler adds to slog's own cost of a call: calls to
// both in turns, a few hundred at a time. Of these times a low percentile is taken, the
// tenth, in which nothing else was in the way: neither the worker, which may have to
// share a core with the caller, nor other programs. The medians are reported beside it.
func BenchmarkAddedCost(b *testing.B) {
	nop := testsink.Func(func(context.Context, slog.Record) error { return nil })
	for name, h := range map[string]*asynchandler.Handler{
		"nop":  asynchandler.New(nop),
		"json": asynchandler.NewJSONHandler(io.Discard, nil),
	} {
		b.Run(name, func(b *testing.B) {
			const calls = 400
			floors, ours := []float64{}, []float64{}
			timeCalls := func(l *slog.Logger) float64 {
				began := time.Now()
				for range calls {
					logRequest(b.Context(), l)
				}
				return float64(time.Since(began)) / calls
			}
			for n := 0; b.Loop(); n++ {
				floors = append(floors, timeCalls(slog.New(nop)))
				ours = append(ours, timeCalls(slog.New(h)))
				if n%(flushEvery/calls) == 0 {
					h.Flush(b.Context())
				}
			}
			slices.Sort(floors)
			slices.Sort(ours)
			for _, percent := range []int{10, 50} {
				floor, our := floors[len(floors)*percent/100], ours[len(ours)*percent/100]
				b.ReportMetric(floor, fmt.Sprintf("floor-p%d-ns", percent))
				b.ReportMetric(our-floor, fmt.Sprintf("added-p%d-ns", percent))
			}
		})
		h.Close()
	}
}

func benchmarkSerial(b *testing.B, h slog.Handler) {
	async, _ := h.(*asynchandler.Handler)
	if async != nil {
		defer async.Close()
	}
	l, ctx := slog.New(h), b.Context()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		logRequest(ctx, l)
		if async != nil && n%flushEvery == flushEvery-1 {
			b.StopTimer()
			async.Flush(ctx)
			b.StartTimer()
		}
	}
	reportDrops(b, async)
}

// benchmarkParallel cannot stop the time for a Flush: callers that outrun the worker
// wait for it.
func benchmarkParallel(b *testing.B, h slog.Handler) {
	async, _ := h.(*asynchandler.Handler)
	if async != nil {
		defer async.Close()
	}
	l, ctx := slog.New(h), b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			logRequest(ctx, l)
		}
	})
	reportDrops(b, async)
}

func reportDrops(b *testing.B, h *asynchandler.Handler) {
	if h == nil {
		return
	}
	b.ReportMetric(float64(h.Stats().Dropped)/float64(b.N), "drops/op")
}
