package async_test

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// Eight goroutines log debug records while next hangs and errors have all the bytes: what
// it costs to refuse one must not grow with the number of those that wait.
func BenchmarkFloodOverProtected(b *testing.B) {
	const goroutines = 8
	for _, errs := range []int{512, 4096, 32_768} {
		b.Run(fmt.Sprint(errs), func(b *testing.B) {
			gate := testsink.NewBlocker(&testsink.Recorder{})
			h := async.New(gate, async.Options{
				Capacity: 1 << 16, Budget: membudget.New(int64(errs*unit), membudget.Options{}),
				MaxWait: -1, StallTimeout: -1, DropReports: -1,
			})
			for range errs + 1 {
				logSized(h, "E")
			}
			took := make([][]time.Duration, goroutines)
			var wg sync.WaitGroup
			b.ResetTimer()
			for g := range goroutines {
				wg.Go(func() {
					for range b.N/goroutines + 1 {
						began := time.Now()
						_ = say(h, slog.LevelDebug, "a debug record of a flood")
						took[g] = append(took[g], time.Since(began))
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			all := slices.Concat(took...)
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1e3, "p50-µs")
			b.ReportMetric(float64(all[len(all)*999/1000].Nanoseconds())/1e3, "p99.9-µs")
			gate.Release()
			_ = h.Close()
		})
	}
}
