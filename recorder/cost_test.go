package recorder_test

import (
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/recorder"
)

// BenchmarkKeepAgainstFloor calls a handler that does nothing and one that keeps in turns,
// a few hundred times each, so that other programs disturb both alike. It reports the
// medians, and how many times the floor a kept record costs.
func BenchmarkKeepAgainstFloor(b *testing.B) {
	ctx, end := recorder.Begin(b.Context())
	defer end()
	floor := slog.New(nop)
	kept := slog.New(recorder.New(slog.NewJSONHandler(io.Discard, nil), recorder.Options{}))
	const calls = 500
	measure := func(l *slog.Logger) float64 {
		began := time.Now()
		for range calls {
			logQuery(ctx, l, slog.LevelDebug)
		}
		return float64(time.Since(began)) / calls
	}
	var floors, keeps []float64
	for b.Loop() {
		floors = append(floors, measure(floor))
		keeps = append(keeps, measure(kept))
	}
	slices.Sort(floors)
	slices.Sort(keeps)
	mid := len(floors) / 2
	b.ReportMetric(floors[mid], "floor-ns")
	b.ReportMetric(keeps[mid], "kept-ns")
	b.ReportMetric(keeps[mid]/floors[mid], "times-floor")
	low := len(floors) / 10
	b.ReportMetric(keeps[low]/floors[low], "times-floor-p10")
}
