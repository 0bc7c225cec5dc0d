package async_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// shutdownIn calls Shutdown with a context that ends after d.
func shutdownIn(h *async.Handler, d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return h.Shutdown(ctx)
}

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestShutdownDeliversWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := async.New(testsink.NewSlow(rec, time.Minute), async.Options{StallTimeout: -1, BatchSize: 7})
		for i := range 100 {
			require.NoError(t, say(h, slog.LevelInfo, testsink.Message(0, i)))
		}
		began := time.Now()
		require.NoError(t, h.Shutdown(context.Background()), "waits for all, however long")
		assert.Equal(t, 100*time.Minute, time.Since(began))
		require.NoError(t, testsink.Check(rec.Messages(), 1, 100).Err())
		s := h.Stats()
		requireBalanced(t, s)
		assert.Zero(t, s.Depth)
	})
}

func TestShutdownTwice(t *testing.T) {
	bubble(t, "clean", func(t *testing.T) {
		calls := 0
		h := async.New(&testsink.Recorder{}, async.Options{OnShutdown: []func(context.Context) error{
			func(context.Context) error { calls++; return nil },
		}})
		require.NoError(t, h.Close())
		require.NoError(t, h.Close())
		require.NoError(t, h.Shutdown(t.Context()))
		require.NoError(t, h.Shutdown(canceled()), "it has ended already")
		assert.Equal(t, 1, calls)
	})
	bubble(t, "timed out", func(t *testing.T) {
		h, gate, _ := newStuck(t, async.Options{})
		first := shutdownIn(h, time.Second)
		require.Error(t, first)
		began := time.Now()
		assert.Equal(t, first, h.Close(), "the same error")
		assert.Equal(t, first, h.Shutdown(canceled()))
		assert.Zero(t, time.Since(began))
		gate.Release()
		synctest.Wait()
		assert.Equal(t, first, h.Close(), "also when next has returned")
	})
}

// Calls that race with the shutdown are delivered or refused, from whatever side, and
// each Shutdown returns after the drain.
func TestShutdownRacesWithCallsConcurrentSafe(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		bubble(t, policy.String(), func(t *testing.T) {
			const goroutines, each = 100, 20
			rec := &testsink.Recorder{}
			h := async.New(rec, async.Options{Capacity: 4096, Overflow: policy, DropReports: -1})
			var accepted, refused atomic.Int32
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					for i := range each {
						switch err := say(h, slog.LevelInfo, testsink.Message(g, i)); {
						case err == nil:
							accepted.Add(1)
						case assert.ErrorIs(t, err, async.ErrClosed):
							refused.Add(1)
						}
						if i == g%each {
							assert.NoError(t, h.Shutdown(context.Background()))
							assert.Zero(t, h.Stats().Depth, "the drain has ended")
						}
					}
				})
			}
			wg.Wait()
			s := h.Stats()
			requireBalanced(t, s)
			assert.Equal(t, goroutines*each, int(s.Received))
			assert.Equal(t, int(accepted.Load()), int(s.Delivered))
			assert.Equal(t, int(refused.Load()), int(s.Dropped))
			ledger := testsink.Check(rec.Messages(), goroutines, each)
			assert.Equal(t, int(accepted.Load()), ledger.Arrived)
			assert.Len(t, ledger.Missing, int(refused.Load()))
			assert.Empty(t, ledger.Duplicates)
			assert.Empty(t, ledger.Unordered)
		})
	}
}

func TestShutdownWakesBlockedCallers(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		bubble(t, policy.String(), func(t *testing.T) {
			h, gate, rec := newStuck(t, async.Options{Capacity: 2, Overflow: policy})
			require.Empty(t, sayEach(h, "a", "b"))
			const callers = 10
			errs := make(chan error, callers)
			for range callers {
				go func() { errs <- say(h, slog.LevelWarn, "m") }()
			}
			synctest.Wait()
			require.Empty(t, errs, "they wait")
			done := make(chan error, 1)
			go func() { done <- h.Shutdown(context.Background()) }()
			began := time.Now()
			for range callers {
				assert.ErrorIs(t, <-errs, async.ErrClosed)
			}
			assert.Zero(t, time.Since(began))
			assert.Equal(t, map[string]uint64{"closed WARN": callers}, dropCounts(h.Stats()))
			require.Empty(t, done, "the drain goes on")
			gate.Release()
			require.NoError(t, <-done, "what was refused did not wait in the queue")
			assert.Equal(t, []string{"inside", "a", "b"}, rec.Messages())
			requireBalanced(t, h.Stats())
		})
	}
}

func TestShutdownTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Name: "audit", Capacity: 4})
		require.Empty(t, sayEach(h, "a", "b"))
		began := time.Now()
		err := shutdownIn(h, time.Second)
		assert.LessOrEqual(t, time.Since(began), time.Second+10*time.Millisecond)

		require.ErrorIs(t, err, context.DeadlineExceeded)
		shutdown, ok := errors.AsType[*async.ShutdownError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, &async.ShutdownError{
			Handler: "audit", Undelivered: 3, Err: context.DeadlineExceeded,
			Drops: []async.DropCount{{Reason: async.DropShutdown, Level: slog.LevelInfo, Count: 2}},
		}, shutdown)
		assert.ErrorContains(t, err, `"audit"`)
		assert.ErrorContains(t, err, "3 records")

		s := h.Stats()
		requireBalanced(t, s)
		assert.Equal(t, map[string]uint64{"shutdown INFO": 2}, dropCounts(s))
		assert.Equal(t, 1, s.Depth, "the one inside next has no outcome yet")
		assert.Equal(t, time.Second, s.InFlight)
		require.ErrorIs(t, say(h, slog.LevelError, "late"), async.ErrClosed)
		require.ErrorIs(t, h.Flush(t.Context()), async.ErrClosed)

		gate.Release()
		synctest.Wait()
		s = h.Stats()
		requireBalanced(t, s)
		assert.Equal(t, uint64(1), s.Delivered, "it returned after all")
		assert.Zero(t, s.Depth)
		assert.Zero(t, s.InFlight)
		assert.Equal(t, map[string]uint64{"shutdown INFO": 2, "closed ERROR": 1}, dropCounts(s))
		assert.Equal(t, []string{"inside"}, rec.Messages())
	})
}

// The records of a batch that next was not given yet are dropped, too.
func TestShutdownTimesOutInABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{})
		require.Empty(t, sayEach(h, "a", "b", "c"))
		gate.Step()
		synctest.Wait()
		err, ok := errors.AsType[*async.ShutdownError](shutdownIn(h, time.Second))
		require.True(t, ok)
		assert.Equal(t, 3, err.Undelivered)
		assert.Equal(t, 1, h.Stats().Depth)
		gate.Release()
		synctest.Wait()
		assert.Equal(t, []string{"inside", "a"}, rec.Messages())
		requireBalanced(t, h.Stats())
	})
}

func TestShutdownImmediately(t *testing.T) {
	bubble(t, "next hangs", func(t *testing.T) {
		h, _, _ := newStuck(t, async.Options{})
		require.Empty(t, sayEach(h, "a", "b"))
		began := time.Now()
		err := h.Shutdown(canceled())
		require.ErrorIs(t, err, context.Canceled)
		shutdown, ok := errors.AsType[*async.ShutdownError](err)
		require.True(t, ok)
		assert.Equal(t, 3, shutdown.Undelivered)
		assert.Zero(t, time.Since(began))
		assert.Equal(t, map[string]uint64{"shutdown INFO": 2}, dropCounts(h.Stats()))
	})
	// Nothing waits, so every record that does was delivered.
	bubble(t, "nothing waits", func(t *testing.T) {
		for range 100 {
			h := async.New(&testsink.Recorder{}, async.Options{})
			require.Empty(t, sayEach(h, "m"))
			untilNapsAreOver()
			require.NoError(t, h.Shutdown(canceled()))
		}
	})
}

func TestFirstContextToEndEndsTheDrainForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := newStuck(t, async.Options{})
		began := time.Now()
		var wg sync.WaitGroup
		for _, d := range []time.Duration{time.Hour, 30 * time.Millisecond, 50 * time.Millisecond} {
			wg.Go(func() {
				err := shutdownIn(h, d)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, 30*time.Millisecond, time.Since(began))
			})
		}
		wg.Wait()
	})
}

func TestCloseIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name     string
		opts     async.Options
		duration time.Duration
	}{
		{"default", async.Options{}, 10 * time.Second},
		{"CloseTimeout", async.Options{CloseTimeout: time.Minute}, time.Minute},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			h, _, _ := newStuck(t, tt.opts)
			began := time.Now()
			require.ErrorIs(t, h.Close(), context.DeadlineExceeded)
			assert.Equal(t, tt.duration, time.Since(began))
		})
	}
}

// What failed or was dropped before the call is no business of the shutdown.
func TestShutdownErrorIsAboutTheDrain(t *testing.T) {
	boom := errors.New("boom")
	newFailing := func(when testsink.When) *async.Handler {
		next := testsink.NewFailer(nil, boom, when)
		return async.New(next, async.Options{MaxAttempts: 2, ErrorHandler: func(error) {}})
	}
	bubble(t, "failed before", func(t *testing.T) {
		h := newFailing(testsink.HasMessage("bad"))
		sayEach(h, "bad", "good")
		require.NoError(t, h.Flush(t.Context()))
		require.Equal(t, uint64(1), h.Stats().Failed)
		assert.NoError(t, h.Close())
	})
	bubble(t, "failed during the drain", func(t *testing.T) {
		h := newFailing(nil)
		sayEach(h, "a", "b")
		err := h.Close()
		require.ErrorIs(t, err, boom)
		assert.ErrorContains(t, err, "2 records")
		requireBalanced(t, h.Stats())
		assert.Equal(t, uint64(2), h.Stats().Failed)
	})
	bubble(t, "dropped before", func(t *testing.T) {
		h, gate, _ := newStuck(t, async.Options{Capacity: 1})
		sayEach(h, "a", "b", "c")
		require.Equal(t, uint64(2), h.Stats().Dropped)
		gate.Release()
		assert.NoError(t, h.Close())
	})
	bubble(t, "flush fails", func(t *testing.T) {
		h := async.New(&testsink.Recorder{}, async.Options{Sink: &flushableSink{err: boom}})
		sayEach(h, "a")
		assert.ErrorIs(t, h.Close(), boom)
	})
}
