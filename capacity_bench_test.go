package asynchandler_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

var capacities = []int{1 << 10, 1 << 13, 1 << 16, 1 << 18, 1 << 20}

// BenchmarkNew shows what a capacity costs that is not used.
func BenchmarkNew(b *testing.B) {
	for _, n := range capacities {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var made []*asynchandler.Handler
			b.ReportAllocs()
			for b.Loop() {
				made = append(made, asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithCapacity(n)))
			}
			b.StopTimer()
			for _, h := range made {
				_ = h.Close()
			}
		})
	}
}

// BenchmarkCollection shows what a garbage collection takes in a process that has nothing, an
// idle handler, or one whose queue is full, and what memory that has.
func BenchmarkCollection(b *testing.B) {
	run := func(b *testing.B) {
		runtime.GC()
		least := time.Hour
		for b.Loop() {
			start := time.Now()
			runtime.GC()
			least = min(least, time.Since(start))
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(least)/1e3, "least-us")
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB")
	}
	b.Run("nothing", run)
	for _, n := range capacities {
		for _, full := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/full=%v", n, full), func(b *testing.B) {
				gate := testsink.NewBlockingWriter(nil)
				h := asynchandler.NewJSONHandler(gate, nil, asynchandler.WithCapacity(n), asynchandler.WithMemoryLimit(1<<40), asynchandler.WithStallTimeout(0))
				l := slog.New(h)
				for range n * map[bool]int{true: 1}[full] {
					l.LogAttrs(context.Background(), slog.LevelInfo, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Second))
				}
				run(b)
				gate.Release()
				_ = h.Close()
			})
		}
	}
}
