//go:build unix

package promises_test

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// slowWriter takes so long for a Write, whatever its size.
type slowWriter time.Duration

func (w slowWriter) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(w))
	return len(p), nil
}

// What a record costs under Block, in processor time, while ten wait for room and while ten
// thousand do: P2 says hardly more, and the ratio is to be at most 2.
func BenchmarkWaitersForRoom(b *testing.B) {
	few, many := time.Duration(0), time.Duration(0)
	for b.Loop() {
		few += cpuOfBlocked(b, 10)
		many += cpuOfBlocked(b, 10_000)
	}
	records := float64(b.N * blockedRecords)
	b.ReportMetric(float64(few.Nanoseconds())/records, "ns-CPU/record-of-10")
	b.ReportMetric(float64(many.Nanoseconds())/records, "ns-CPU/record-of-10000")
	b.ReportMetric(float64(many)/float64(few), "ratio")
}

const blockedRecords = 50_000

// cpuOfBlocked returns the processor time that records of so many goroutines take, once each
// of these has waited.
func cpuOfBlocked(tb testing.TB, goroutines int) time.Duration {
	h := asynchandler.NewJSONHandler(slowWriter(5*time.Millisecond), nil,
		asynchandler.WithOverflow(asynchandler.Block), asynchandler.WithCapacity(256), gathered)
	l := slog.New(h)
	total := blockedRecords + 2*goroutines
	var left atomic.Int64
	left.Store(int64(total))
	var before time.Duration
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for {
				switch n := left.Add(-1); {
				case n < 0:
					return
				case n == blockedRecords:
					before = cpuTime(tb)
				}
				l.Info("request served", "status", 200)
			}
		})
	}
	all.Wait()
	used := cpuTime(tb) - before
	if err := h.Close(); err != nil {
		tb.Fatal(err)
	}
	if s := h.Stats(); s.Delivered != uint64(total) {
		tb.Fatalf("%d records delivered", s.Delivered)
	}
	return used
}

// What it takes, in processor time, to let one log call go that waits for its record
// (WithSyncLevel), while so many do: the same, however many.
func BenchmarkWaitersForTheirRecords(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var took time.Duration
			gone := int64(0) // after a second they wait no longer
			for b.Loop() {
				next := testsink.NewBlocker(nil)
				h := asynchandler.New(next, asynchandler.WithSyncLevel(slog.LevelInfo), asynchandler.WithCapacity(1<<14), asynchandler.WithoutBreaker())
				l := slog.New(h)
				var all sync.WaitGroup
				var back atomic.Int64
				for range n {
					all.Go(func() {
						l.Info("request served")
						back.Add(1)
					})
				}
				for h.Stats().Depth < n {
					time.Sleep(time.Millisecond)
				}
				gone += back.Load()
				before := cpuTime(b)
				next.Release()
				all.Wait()
				took += cpuTime(b) - before
				if err := h.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N*n), "ns-CPU/waiter")
			b.ReportMetric(float64(gone)/float64(b.N), "gone/op")
		})
	}
}
