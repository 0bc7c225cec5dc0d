package async_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// inside returns a next that calls f on the worker with each record called "in".
func inside(next slog.Handler, f func()) slog.Handler {
	return testsink.Func(func(ctx context.Context, r slog.Record) error {
		if r.Message == "in" {
			f()
		}
		return next.Handle(ctx, r)
	})
}

// deep calls f with a stack of n more frames.
//
//go:noinline
func deep(n int, f func()) {
	if n > 0 {
		deep(n-1, f)
		return
	}
	f()
}

// What next logs through the same handler is queued like anything else.
func TestNextLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		var h *async.Handler
		h, plug := plugged(t, inside(rec, func() { info(h, "from next") }), async.Options{})
		info(h, "in", "1", "in", "2")
		plug.Release()
		assertOutcomes(t, h, outcomes{delivered: 7})
		assert.Equal(t, []string{"plug", "in", "1", "in", "2", "from next", "from next"}, rec.Messages())
	})
}

// With a full queue it is dropped: it would wait for the room that only its own
// return makes.
func TestNextLogsIntoFullQueue(t *testing.T) {
	for _, tt := range []struct {
		name  string
		opts  async.Options
		level slog.Level
		depth int // frames between next and the log call
	}{
		{"DropOldest", async.Options{Overflow: async.DropOldest}, slog.LevelInfo, 0},
		{"DropNewest", async.Options{Overflow: async.DropNewest}, slog.LevelInfo, 0},
		{"DropOldest, and nobody waits", async.Options{Overflow: async.DropOldest, MaxWait: -1}, slog.LevelInfo, 0},
		{"DropNewest, and nobody waits", async.Options{Overflow: async.DropNewest, MaxWait: -1}, slog.LevelInfo, 0},
		{"DropNewest, a protected record", async.Options{Overflow: async.DropNewest, MaxWait: -1}, slog.LevelError, 0},
		{"Block", async.Options{Overflow: async.Block}, slog.LevelInfo, 0},
		{"Block with a timeout", async.Options{Overflow: async.Block, BlockTimeout: time.Hour}, slog.LevelInfo, 0},
		{"a protected record", async.Options{Overflow: async.Block}, slog.LevelError, 0},
		{"from a deep stack", async.Options{Overflow: async.Block}, slog.LevelInfo, 500},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			const capacity = 4
			rec := &testsink.Recorder{}
			tt.opts.Capacity, tt.opts.DropReports, tt.opts.StallTimeout = capacity, -1, -1
			var h *async.Handler
			var err error
			began, took := testsink.NewGate(), time.Duration(-1)
			h = begin(t, inside(rec, func() {
				began.Pass()
				start := time.Now()
				deep(tt.depth, func() { err = h.Handle(t.Context(), slog.NewRecord(start, tt.level, "from next", 0)) })
				took = time.Since(start)
			}), tt.opts)
			info(h, "in")
			<-began.Entered()
			info(h, numbered(1, capacity)...)
			began.Release()
			assertOutcomes(t, h, outcomes{delivered: capacity + 1, dropped: 1})
			require.ErrorIs(t, err, async.ErrDropped)
			assert.Zero(t, took, "it never waits")
			for _, d := range h.Stats().Drops {
				assert.Equal(t, d.Reason == async.DropReentrant && d.Level == tt.level, d.Count == 1, "%+v", d)
			}
			assert.Equal(t, append([]string{"in"}, numbered(1, capacity)...), rec.Messages())
		})
	}
}

// To wait for the handler from within it would be to wait for oneself.
func TestCalledFromWithin(t *testing.T) {
	var h *async.Handler
	calls := []struct {
		name string
		call func() error
	}{
		{"Flush", func() error { return h.Flush(context.Background()) }},
		{"Shutdown", func() error { return h.Shutdown(context.Background()) }},
		{"Close", func() error { return h.Close() }},
		{"Flush of a derived handler", func() error { return h.WithGroup("g").(*async.Handler).Flush(context.Background()) }},
	}
	for _, tt := range []struct {
		name string
		opts func(f func()) (next slog.Handler, opts async.Options)
		end  bool // the handler is ended
	}{
		{name: "next", opts: func(f func()) (slog.Handler, async.Options) {
			return inside(&testsink.Recorder{}, f), async.Options{}
		}},
		{name: "next, from a deep stack", opts: func(f func()) (slog.Handler, async.Options) {
			return inside(&testsink.Recorder{}, func() { deep(500, f) }), async.Options{}
		}},
		{name: "fallback", opts: func(f func()) (slog.Handler, async.Options) {
			return testsink.NewFailer(nil, nil, nil), async.Options{Fallback: inside(&testsink.Recorder{}, f)}
		}},
		{name: "error handler", opts: func(f func()) (slog.Handler, async.Options) {
			return testsink.NewFailer(nil, nil, testsink.First(1)), async.Options{ErrorHandler: func(error) { f() }}
		}},
		{name: "error handler, of a stall", opts: func(f func()) (slog.Handler, async.Options) {
			slow := testsink.NewSlow(nil, 2*time.Second)
			return slow, async.Options{StallTimeout: time.Second, ErrorHandler: func(error) { f() }}
		}},
		{name: "next, after a stall", opts: func(f func()) (slog.Handler, async.Options) {
			return inside(&testsink.Recorder{}, func() { time.Sleep(2 * time.Second); f() }), async.Options{StallTimeout: time.Second}
		}},
		{name: "shutdown function", end: true, opts: func(f func()) (slog.Handler, async.Options) {
			return &testsink.Recorder{}, async.Options{OnShutdown: []func(context.Context) error{func(context.Context) error { f(); return nil }}}
		}},
		{name: "next, for a record after the end", end: true, opts: func(f func()) (slog.Handler, async.Options) {
			return inside(&testsink.Recorder{}, f), async.Options{}
		}},
		{name: "fallback, for a record after the end", end: true, opts: func(f func()) (slog.Handler, async.Options) {
			return testsink.NewFailer(nil, nil, nil), async.Options{Fallback: inside(&testsink.Recorder{}, f)}
		}},
	} {
		for _, c := range calls {
			bubble(t, tt.name+"/"+c.name, func(t *testing.T) {
				called := 0
				next, opts := tt.opts(func() {
					called++
					start := time.Now()
					assert.True(t, h.Reentrant())
					require.ErrorIs(t, c.call(), async.ErrReentrant)
					assert.Zero(t, time.Since(start))
				})
				h = begin(t, next, opts)
				if tt.end {
					require.NoError(t, h.Shutdown(context.Background()))
				}
				info(h, "in")
				time.Sleep(time.Minute)
				synctest.Wait()
				assertIdentity(t, h)
				assert.Equal(t, 1, called)
				assert.False(t, h.Reentrant())
			})
		}
	}
}

// A record at or above SyncLevel that next logs is not waited for.
func TestNextLogsSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, took := &testsink.Recorder{}, time.Duration(-1)
		var h *async.Handler
		h = begin(t, inside(rec, func() {
			start := time.Now()
			errorLevel(h, "from next")
			took = time.Since(start)
		}), async.Options{SyncLevel: slog.LevelError})
		errorLevel(h, "in")
		assert.Zero(t, took)
		assertOutcomes(t, h, outcomes{delivered: 2})
	})
}

// A goroutine that next starts is no part of the worker, though next waits for it.
func TestGoroutineOfNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		var h *async.Handler
		h = begin(t, inside(rec, func() {
			done := make(chan struct{})
			go func() {
				defer close(done)
				assert.False(t, h.Reentrant())
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				assert.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded)
				info(h, numbered(1, 6)...) // evicts two
			}()
			<-done
		}), async.Options{Capacity: 4, DropReports: -1, StallTimeout: -1})
		info(h, "in")
		time.Sleep(time.Minute)
		assertOutcomes(t, h, outcomes{delivered: 5, dropped: 2})
		assert.Equal(t, append([]string{"in"}, numbered(3, 6)...), rec.Messages())
	})
}

// What the worker of one handler does with another handler is nothing special.
func TestTwoHandlers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		policy  async.Overflow
		blocked bool // until there is room
		dropped int
	}{
		{"Block", async.Block, true, 0},
		{"DropOldest", async.DropOldest, false, 1},
		{"DropNewest", async.DropNewest, false, 1},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			recA, recB := &testsink.Recorder{}, &testsink.Recorder{}
			b, plug := plugged(t, recB, async.Options{Capacity: 4, Overflow: tt.policy, DropReports: -1, StallTimeout: -1})
			info(b, numbered(1, 4)...)
			a := begin(t, inside(recA, func() {
				assert.False(t, b.Reentrant())
				info(b, "from a")
			}), async.Options{StallTimeout: -1})
			info(a, "in")
			time.Sleep(time.Second)
			assert.Equal(t, tt.blocked, recA.Len() == 0)
			assertOutcomes(t, b, outcomes{dropped: tt.dropped, depth: 5})
			plug.Release()
			assertOutcomes(t, a, outcomes{delivered: 1})
			assertOutcomes(t, b, outcomes{delivered: 6 - tt.dropped, dropped: tt.dropped})
			assert.Zero(t, drops(b)[async.DropReentrant])
		})
	}
}

// Two handlers that log into each other may flush each other.
func TestFlushOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recB := &testsink.Recorder{}
		b := begin(t, recB, async.Options{})
		a := begin(t, inside(&testsink.Recorder{}, func() {
			info(b, "from a")
			assert.NoError(t, b.Flush(t.Context()))
			assert.Equal(t, []string{"from a"}, recB.Messages())
		}), async.Options{})
		info(a, "in")
		require.NoError(t, a.Flush(t.Context()))
		assertOutcomes(t, a, outcomes{delivered: 1})
	})
}
