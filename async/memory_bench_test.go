package async_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// The log call with and without a budget, for a record of five attributes. The sink is
// so fast that the queue is hardly ever full; nothing else is measured but the calls.
func BenchmarkHandleWithBudget(b *testing.B) {
	budgets := []struct {
		name string
		make func() async.Budget
	}{
		{"None", func() async.Budget { return nil }},
		{"Share", func() async.Budget { return membudget.New(64<<20, membudget.Options{}).Join() }},
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request done", 0)
	r.Add("method", "GET", "status", 200, "path", "/users", "cached", false, "took", time.Second)
	for _, bb := range budgets {
		b.Run(bb.name, func(b *testing.B) {
			opts := async.Options{Capacity: 1 << 14, Overflow: async.Block, Format: async.FormatJSON}
			opts.Budget = bb.make()
			h := async.New(testsink.Func(func(context.Context, slog.Record) error { return nil }), opts)
			ctx, i := context.Background(), 0
			b.ReportAllocs()
			for b.Loop() {
				if i++; i%(1<<13) == 0 {
					b.StopTimer()
					_ = h.Flush(ctx)
					b.StartTimer()
				}
				_ = h.Handle(ctx, r)
			}
			_ = h.Close()
		})
	}
}
