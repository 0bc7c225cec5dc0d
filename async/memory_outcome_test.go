package async_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// scenarios are all the ways in which a record can end. Each logs with log, which makes
// records of one unit, and leaves the handler with nothing to do.
var scenarios = []struct {
	name string
	opts async.Options
	next func() slog.Handler
	run  func(t *testing.T, h *async.Handler, log func(names ...string))
	want outcomes
}{
	{
		name: "delivered",
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{delivered: 4},
	},
	{
		name: "panic",
		next: func() slog.Handler { return testsink.NewPanicker(nil, "boom", testsink.Every(2)) },
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{delivered: 2, failed: 2},
	},
	{
		name: "exit",
		next: func() slog.Handler { return testsink.NewExiter(nil, testsink.Every(2)) },
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{delivered: 2, failed: 2},
	},
	{
		name: "permanent error",
		next: func() slog.Handler { return testsink.NewFailer(nil, async.ErrPermanent, testsink.Every(2)) },
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{delivered: 2, failed: 2},
	},
	{
		name: "given up",
		next: func() slog.Handler { return testsink.NewFailer(nil, errDown, nil) },
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{failed: 4},
	},
	{
		name: "held and delivered",
		opts: async.Options{MaxAttempts: 100},
		next: func() slog.Handler { return testsink.NewFailer(nil, errDown, testsink.First(5)) },
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{delivered: 4},
	},
	{
		name: "fallback",
		opts: async.Options{Fallback: testsink.NewFailer(nil, nil, testsink.HasMessage(sized("2", unit)))},
		next: func() slog.Handler { return testsink.NewFailer(nil, errDown, nil) },
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(numbered(1, 4)...) },
		want: outcomes{fallback: 3, failed: 1},
	},
	{
		name: "evicted",
		next: hangsFor("hang"),
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log("hang", "1", "2", "3", "4", "5", "6") },
		want: outcomes{delivered: 4, dropped: 3},
	},
	{
		name: "evicted around protected ones",
		next: hangsFor("hang"),
		run: func(_ *testing.T, _ *async.Handler, log func(...string)) {
			log("hang", "1", "E2", "3", "E4", "E5", "E6", "7")
		},
		want: outcomes{delivered: 4, dropped: 4},
	},
	{
		name: "evicted from the worker's hands",
		next: hangsFor("hang", "1"),
		run: func(_ *testing.T, _ *async.Handler, log func(...string)) {
			log("hang", "1", "2", "3")
			time.Sleep(hang) // "1" hangs, the others are in its batch
			log(numbered(4, 9)...)
		},
		want: outcomes{delivered: 5, dropped: 5},
	},
	{
		name: "refused",
		opts: async.Options{Overflow: async.DropNewest},
		next: hangsFor("hang"),
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log("hang", "1", "2", "3", "4", "5") },
		want: outcomes{delivered: 4, dropped: 2},
	},
	{
		name: "wait in vain",
		opts: async.Options{Overflow: async.Block, BlockTimeout: time.Millisecond},
		next: hangsFor("hang"),
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log("hang", "1", "2", "3", "4", "E5") },
		want: outcomes{delivered: 4, dropped: 2},
	},
	{
		name: "oversize",
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log(strings.Repeat("x", 20*unit)) },
		want: outcomes{dropped: 1},
	},
	{
		name: "stalled, the others to the fallback",
		opts: async.Options{StallTimeout: hang / 10, Fallback: testsink.Func(func(context.Context, slog.Record) error { return nil })},
		next: hangsFor("hang"),
		run:  func(_ *testing.T, _ *async.Handler, log func(...string)) { log("hang", "1", "2", "3") },
		want: outcomes{delivered: 1, fallback: 3},
	},
	{
		name: "hung fallback that returns",
		opts: async.Options{StallTimeout: hang / 10, Fallback: hangsFor("2")()},
		next: func() slog.Handler { return testsink.NewFailer(nil, errDown, nil) },
		run: func(t *testing.T, _ *async.Handler, log func(...string)) {
			log(numbered(1, 3)...)
			time.Sleep(2 * hang)
		},
		want: outcomes{fallback: 1, failed: 2},
	},
	{
		name: "shutdown in time",
		run: func(t *testing.T, h *async.Handler, log func(...string)) {
			log(numbered(1, 4)...)
			require.NoError(t, h.Close())
		},
		want: outcomes{delivered: 4},
	},
	{
		name: "straight through",
		next: func() slog.Handler { return testsink.NewPanicker(nil, "boom", testsink.HasMessage(sized("3", unit))) },
		run: func(t *testing.T, h *async.Handler, log func(...string)) {
			log("1")
			require.NoError(t, h.Close())
			log("2", "3", strings.Repeat("x", 20*unit))
		},
		want: outcomes{delivered: 3, failed: 1},
	},
	{
		name: "shutdown in the middle of a hang that ends",
		next: hangsFor("hang"),
		run: func(t *testing.T, h *async.Handler, log func(...string)) {
			log("hang", "1", "2", "E3")
			ctx, cancel := context.WithTimeout(t.Context(), hang/2)
			defer cancel()
			var undelivered *async.ShutdownError
			require.ErrorAs(t, h.Shutdown(ctx), &undelivered)
			log("late")
		},
		want: outcomes{delivered: 1, dropped: 4},
	},
	{
		name: "immediate shutdown of an outage",
		opts: async.Options{MaxAttempts: 100},
		next: func() slog.Handler { return testsink.NewFailer(nil, errDown, nil) },
		run: func(t *testing.T, h *async.Handler, log func(...string)) {
			log(numbered(1, 4)...)
			time.Sleep(time.Second + time.Microsecond) // between two tries
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			require.Error(t, h.Shutdown(ctx))
		},
		want: outcomes{dropped: 4},
	},
}

// hang is how long the calls hang that do not hang for ever.
const hang = 10 * time.Second

// hangsFor returns what makes a handler that hangs for a while with these records.
func hangsFor(names ...string) func() slog.Handler {
	for i := range names {
		names[i] = sized(names[i], unit)
	}
	is := testsink.HasMessage(names...)
	return func() slog.Handler {
		return testsink.Func(func(_ context.Context, r slog.Record) error {
			if is(r) {
				time.Sleep(hang)
			}
			return nil
		})
	}
}

// beginScenario makes the handler of a scenario, with room for four records.
func beginScenario(t *testing.T, i int) *async.Handler {
	sc := &scenarios[i]
	opts := sc.opts
	opts.Budget = limited(t, 4*unit)
	opts.DropReports = -1
	var next slog.Handler = testsink.Func(func(context.Context, slog.Record) error { return nil })
	if sc.next != nil {
		next = sc.next()
	}
	return begin(t, next, opts)
}

// Whatever becomes of a record, its bytes are released when it does.
func TestBytesAreReleasedAtTheOutcome(t *testing.T) {
	for i, sc := range scenarios {
		bubble(t, sc.name, func(t *testing.T) {
			h := beginScenario(t, i)
			sc.run(t, h, func(names ...string) {
				for _, name := range names {
					if len(name) < unit {
						logSized(h, name)
					} else {
						info(h, name)
					}
					time.Sleep(time.Nanosecond)
					synctest.Wait()
				}
			})
			time.Sleep(time.Hour)
			assertOutcomes(t, h, sc.want)
			assert.Zero(t, h.Stats().MemoryUsed)
		})
	}
}

// Bytes inside a next that hangs stay in use, also after a shutdown that timed out.
func TestBytesInsideAHungNextStayInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limited(t, 4*unit)
		next := testsink.NewBlocker(nil)
		h := begin(t, next, async.Options{Budget: b, StallTimeout: -1})
		t.Cleanup(func() { synctest.Wait() })
		t.Cleanup(next.Release)
		require.Empty(t, logSized(h, "1"))
		synctest.Wait()
		require.Empty(t, logSized(h, "2", "3"))
		assert.EqualValues(t, 3*unit, b.Used())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, h.Shutdown(ctx))
		assert.EqualValues(t, unit, b.Used())
		assertOutcomes(t, h, outcomes{dropped: 2, depth: 1})
		next.Release()
		assertOutcomes(t, h, outcomes{delivered: 1, dropped: 2})
		assert.Zero(t, b.Used())
	})
}
