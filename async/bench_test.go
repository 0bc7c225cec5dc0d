package async_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// benchmarks are what the call costs are compared by: the best that a handler can do
// and the one that would be called directly.
var benchmarks = []struct {
	name string
	next func() slog.Handler
}{
	{"no-op", func() slog.Handler { return testsink.Func(func(context.Context, slog.Record) error { return nil }) }},
	{"JSON", func() slog.Handler { return slog.NewJSONHandler(io.Discard, nil) }},
}

func logOne(ctx context.Context, log *slog.Logger) {
	log.LogAttrs(ctx, slog.LevelInfo, "request served",
		slog.String("path", "/"), slog.Int("status", 200), slog.Duration("took", time.Millisecond))
}

func benchmark(b *testing.B, run func(b *testing.B, log *slog.Logger)) {
	for _, bb := range benchmarks {
		b.Run("direct/"+bb.name, func(b *testing.B) {
			b.ReportAllocs()
			run(b, slog.New(bb.next()))
		})
		b.Run("async/"+bb.name, func(b *testing.B) {
			h := async.New(bb.next(), async.Options{Format: async.FormatJSON})
			b.ReportAllocs()
			run(b, slog.New(h))
			b.StopTimer()
			if err := h.Close(); err != nil {
				b.Fatal(err)
			}
			s := h.Stats()
			b.ReportMetric(float64(s.Dropped)/float64(s.Received), "dropped/op")
		})
	}
}

func BenchmarkCall(b *testing.B) {
	benchmark(b, func(b *testing.B, log *slog.Logger) {
		ctx := b.Context()
		for b.Loop() {
			logOne(ctx, log)
		}
	})
}

func BenchmarkCallParallel(b *testing.B) {
	benchmark(b, func(b *testing.B, log *slog.Logger) {
		ctx := b.Context()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				logOne(ctx, log)
			}
		})
	})
}

// What a call costs during an outage, when the queue is full.
func BenchmarkCallOverflow(b *testing.B) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		b.Run(policy.String(), func(b *testing.B) {
			gate := testsink.NewBlocker(nil)
			h := async.New(gate, async.Options{Overflow: policy, StallTimeout: -1})
			log := slog.New(h)
			ctx := b.Context()
			logOne(ctx, log)
			<-gate.Entered()
			for range h.Stats().Capacity + 1 { // the last one waits
				logOne(ctx, log)
			}
			b.ReportAllocs()
			for b.Loop() {
				logOne(ctx, log)
			}
			b.StopTimer()
			gate.Release()
			if err := h.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// What a call costs that is refused: while next hangs it could come from within next; while
// next is left alone, as in an outage, it could not.
func BenchmarkCallRefused(b *testing.B) {
	for name, gate := range map[string]async.Gate{"next hangs": nil, "next is left alone": &fakeGate{retry: time.Hour}} {
		b.Run(name, func(b *testing.B) {
			next := testsink.NewBlocker(nil)
			h := async.New(next, async.Options{Overflow: async.DropNewest, Gate: gate, MaxWait: -1, StallTimeout: -1})
			log, ctx := slog.New(h), b.Context()
			for h.Stats().Dropped == 0 {
				logOne(ctx, log)
			}
			time.Sleep(10 * time.Millisecond) // the worker finds out
			b.ReportAllocs()
			for b.Loop() {
				logOne(ctx, log)
			}
			b.StopTimer()
			next.Release()
			end, cancel := context.WithCancel(ctx)
			cancel()
			_ = h.Shutdown(end)
		})
	}
}
