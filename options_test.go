package asynchandler_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

func TestOptionOutOfRangePanics(t *testing.T) {
	highWater := func(int, int) {}
	tests := []struct {
		opt  asynchandler.Option
		want string
	}{
		{asynchandler.WithName(""), `WithName(""): want a name`},
		{asynchandler.WithCapacity(0), "WithCapacity(0): want >= 1"},
		{asynchandler.WithCapacity(-1), "WithCapacity(-1): want >= 1"},
		{asynchandler.WithCapacity(1<<30 + 1), "WithCapacity(1073741825): want <= 2^30"},
		{asynchandler.WithOverflow(3), "WithOverflow(Overflow(3)): want DropOldest, DropNewest or Block"},
		{asynchandler.WithBlockTimeout(-1), "WithBlockTimeout(-1ns): want >= 0"},
		{asynchandler.WithBatchSize(0), "WithBatchSize(0): want >= 1"},
		{asynchandler.WithBatchSize(math.MinInt), "WithBatchSize(-9223372036854775808): want >= 1"},
		{asynchandler.WithLinger(-time.Second), "WithLinger(-1s): want >= 0"},
		{asynchandler.WithMaxWrite(-1), "WithMaxWrite(-1): want >= 0"},
		{asynchandler.WithContextFunc(nil), "WithContextFunc(nil): want a value"},
		{asynchandler.WithHighWater(0, highWater), "WithHighWater(0): want a fraction in (0,1]"},
		{asynchandler.WithHighWater(1.5, highWater), "WithHighWater(1.5): want a fraction in (0,1]"},
		{asynchandler.WithHighWater(-0.5, highWater), "WithHighWater(-0.5): want a fraction in (0,1]"},
		{asynchandler.WithHighWater(math.NaN(), highWater), "WithHighWater(NaN): want a fraction in (0,1]"},
		{asynchandler.WithHighWater(0.5, nil), "WithHighWater(nil): want a value"},
		{asynchandler.WithOnDrop(nil), "WithOnDrop(nil): want a value"},
		{asynchandler.WithErrorHandler(nil), "WithErrorHandler(nil): want a value"},
		{asynchandler.WithDropReports(-time.Minute), "WithDropReports(-1m0s): want >= 0"},
		{asynchandler.WithCapture(3), "WithCapture(Capture(3)): want CaptureSnapshot, CaptureReference or CaptureCopy"},
		{asynchandler.WithFormat(3), "WithFormat(3): want FormatUnknown, FormatJSON or FormatText"},
		{asynchandler.WithReplaceAttr(nil), "WithReplaceAttr(nil): want a value"},
		{asynchandler.WithBreaker(gobreaker.Settings{Timeout: -1}), "WithBreaker: Timeout(-1ns): want >= 0"},
		{asynchandler.WithBreaker(gobreaker.Settings{Interval: -1}), "WithBreaker: Interval(-1ns): want >= 0"},
		{asynchandler.WithBreaker(gobreaker.Settings{BucketPeriod: -1}), "WithBreaker: BucketPeriod(-1ns): want >= 0"},
		{asynchandler.WithFallback(nil), "WithFallback(nil): want a value"},
		{asynchandler.WithMaxAttempts(0), "WithMaxAttempts(0): want >= 1"},
		{asynchandler.WithStallTimeout(-time.Second), "WithStallTimeout(-1s): want >= 0"},
		{asynchandler.WithMemoryLimit(0), "WithMemoryLimit(0): want >= 1"},
		{asynchandler.WithMemoryLimit(math.MinInt64), "WithMemoryLimit(-9223372036854775808): want >= 1"},
		{asynchandler.WithBudget(nil), "WithBudget(nil): want a budget"},
		{nil, "Option(nil): want an option"},
		{asynchandler.WithMaxRecordSize(-1), "WithMaxRecordSize(-1): want >= 0"},
		{asynchandler.WithCloseTimeout(0), "WithCloseTimeout(0s): want > 0"},
		{asynchandler.WithCloseTimeout(-time.Hour), "WithCloseTimeout(-1h0m0s): want > 0"},
		{asynchandler.WithOnShutdown(nil), "WithOnShutdown(nil): want a value"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			for name, f := range map[string]func(){
				"New":            func() { asynchandler.New(slog.DiscardHandler, tt.opt) },
				"NewJSONHandler": func() { asynchandler.NewJSONHandler(io.Discard, nil, tt.opt) },
				"NewTextHandler": func() { asynchandler.NewTextHandler(io.Discard, nil, tt.opt) },
				"NewWriterHandler": func() {
					asynchandler.NewWriterHandler(io.Discard, func(io.Writer) slog.Handler { return slog.DiscardHandler }, tt.opt)
				},
			} {
				assert.PanicsWithValue(t, "asynchandler: "+tt.want, f, name)
			}
		})
	}
}

func TestLimitAndBudgetExcludeEachOther(t *testing.T) {
	limit, budget := asynchandler.WithMemoryLimit(7), asynchandler.WithBudget(membudget.New(1<<20, membudget.Options{}))
	for _, opts := range [][]asynchandler.Option{{limit, budget}, {budget, limit}} {
		assert.PanicsWithValue(t, "asynchandler: WithMemoryLimit(7): want no WithBudget beside it", func() {
			asynchandler.New(slog.DiscardHandler, opts...)
		})
	}
}

func TestLastOfTwoCounts(t *testing.T) {
	budget := membudget.New(3<<20, membudget.Options{})
	tests := []struct {
		name        string
		first, last asynchandler.Option
		of          func(asynchandler.Stats) any
		want        any
	}{
		{
			"name", asynchandler.WithName("a"), asynchandler.WithName("b\xff"),
			func(s asynchandler.Stats) any { return s.Name }, "b\uFFFD",
		},
		{
			"capacity", asynchandler.WithCapacity(1024), asynchandler.WithCapacity(9),
			func(s asynchandler.Stats) any { return s.Capacity }, 16,
		},
		{
			"no breaker", asynchandler.WithBreaker(gobreaker.Settings{}), asynchandler.WithoutBreaker(),
			func(s asynchandler.Stats) any { return s.Breaker.State }, "off",
		},
		{
			"breaker", asynchandler.WithoutBreaker(), asynchandler.WithBreaker(gobreaker.Settings{}),
			func(s asynchandler.Stats) any { return s.Breaker.State }, "closed",
		},
		{
			"memory limit", asynchandler.WithMemoryLimit(1 << 20), asynchandler.WithMemoryLimit(2 << 20),
			func(s asynchandler.Stats) any { return s.MemoryLimit }, int64(2 << 20),
		},
		{
			"budget", asynchandler.WithBudget(membudget.New(1, membudget.Options{})), asynchandler.WithBudget(budget),
			func(s asynchandler.Stats) any { return s.MemoryLimit }, int64(3 << 20),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := asynchandler.New(slog.DiscardHandler, tt.first, tt.last)
			defer h.Close()
			assert.Equal(t, tt.want, tt.of(h.Stats()))
		})
	}
}

func TestLastOfTwoBehaviorsCounts(t *testing.T) {
	onDrop := func(context.Context, slog.Record, asynchandler.DropReason) {}
	tests := []struct {
		name        string
		first, last asynchandler.Option
		want        []string // what arrives of "hands", "a" and "b" with room for one
	}{
		{"drop oldest", asynchandler.WithOverflow(asynchandler.DropNewest), asynchandler.WithOverflow(asynchandler.DropOldest), []string{"hands", "b"}},
		{"drop newest", asynchandler.WithOverflow(asynchandler.DropOldest), asynchandler.WithOverflow(asynchandler.DropNewest), []string{"hands", "a"}},
		{"reports", asynchandler.WithDropReports(0), asynchandler.WithDropReports(time.Second), []string{"hands", "log records dropped", "b"}},
		{"no reports", asynchandler.WithDropReports(time.Second), asynchandler.WithDropReports(0), []string{"hands", "b"}},
		{"protection", asynchandler.WithProtectedLevel(nil), asynchandler.WithProtectedLevel(slog.LevelWarn), []string{"hands", "a"}},
		{"no protection", asynchandler.WithProtectedLevel(slog.LevelWarn), asynchandler.WithProtectedLevel(nil), []string{"hands", "b"}},
		{"callbacks", asynchandler.WithOnDrop(func(context.Context, slog.Record, asynchandler.DropReason) { panic("not this one") }), asynchandler.WithOnDrop(onDrop), []string{"hands", "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var rec testsink.Recorder
				next := testsink.NewBlocker(&rec)
				h := asynchandler.New(next, asynchandler.WithCapacity(1), asynchandler.WithDropReports(0), tt.first, tt.last)
				l := slog.New(h)
				l.Info("hands")
				synctest.Wait()
				l.Warn("a")
				l.Info("b")
				next.Release()
				require.NoError(t, h.Close())
				assert.Equal(t, tt.want, rec.Messages())
				assert.Zero(t, h.Stats().Panics)
			})
		})
	}
}

// Functions for the end are the one option that adds up.
func TestOnShutdownAddsUp(t *testing.T) {
	var order []string
	f := func(name string) asynchandler.Option {
		return asynchandler.WithOnShutdown(func(context.Context) error {
			order = append(order, name)
			return nil
		})
	}
	h := asynchandler.New(slog.DiscardHandler, small, f("first"), f("second"))
	require.NoError(t, h.Close())
	assert.Equal(t, []string{"second", "first"}, order)
}
