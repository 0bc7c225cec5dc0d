package async_test

import (
	"context"
	"errors"
	"fmt"
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

// What waits beside a next that hangs goes to a fallback that is well, whatever the time that
// there is and whatever counts as a stall.
func TestShutdownBesideAHungNext(t *testing.T) {
	for _, tt := range []struct {
		name    string
		opts    async.Options
		timeout time.Duration
		most    time.Duration // until the fallback has all
	}{
		{"the hang is no stall yet", async.Options{}, 3 * time.Second, time.Second},
		{"with a gate", async.Options{Gate: &fakeGate{}}, 3 * time.Second, time.Second},
		{"a stall is longer", async.Options{StallTimeout: time.Minute}, 10 * time.Second, time.Second},
		{"no stall", async.Options{StallTimeout: -1}, 10 * time.Second, time.Second},
		{"little time", async.Options{}, 500 * time.Millisecond, 400 * time.Millisecond},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			fallback := &testsink.Recorder{}
			tt.opts.Fallback = fallback
			h, _ := plugged(t, &testsink.Recorder{}, tt.opts)
			info(h, numbered(1, 10)...)
			began := time.Now()
			time.AfterFunc(tt.most, func() {
				synctest.Wait()
				assert.Equal(t, numbered(1, 10), fallback.Messages())
			})
			var e *async.ShutdownError
			require.ErrorAs(t, shutdownIn(h, tt.timeout), &e)
			assert.Equal(t, tt.timeout, time.Since(began))
			assert.Equal(t, 1, e.Undelivered, "the one inside next")
			assertOutcomes(t, h, outcomes{fallback: 10, depth: 1})
		})
	}
}

// Who asks for an earlier end of a shutdown under way has its records out by then, too.
func TestSecondShutdownIsInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := plugged(t, &testsink.Recorder{}, async.Options{Fallback: &testsink.Recorder{}})
		info(h, numbered(1, 10)...)
		go func() { _ = h.Shutdown(context.Background()) }()
		synctest.Wait()
		require.Error(t, shutdownIn(h, 100*time.Millisecond))
		assertOutcomes(t, h, outcomes{fallback: 10, depth: 1})
	})
}

// A next that is slow and gets on has four fifths of the time; the fallback gets the rest, in
// order, also between two calls.
func TestShutdownBesideASlowNext(t *testing.T) {
	for _, batch := range []int{1, 256} {
		bubble(t, fmt.Sprint(batch), func(t *testing.T) {
			rec, fallback := &testsink.Recorder{}, &testsink.Recorder{}
			h := begin(t, testsink.NewSlow(rec, 300*time.Millisecond), async.Options{Fallback: fallback, BatchSize: batch})
			info(h, numbered(1, 100)...)
			began := time.Now()
			require.NoError(t, shutdownIn(h, 10*time.Second))
			assert.Equal(t, 8100*time.Millisecond, time.Since(began))
			assert.Equal(t, numbered(1, 27), rec.Messages())
			assert.Equal(t, numbered(28, 100), fallback.Messages())
		})
	}
}

// The same holds if another worker has the role already.
func TestShutdownBesideAHungNextAndAStandIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, fallback := newHanging(t), &testsink.Recorder{}
		next := testsink.NewFailer(hung.handler(), errDown, testsink.HasMessage("bad"))
		h := begin(t, next, async.Options{Fallback: fallback, Capacity: 4})
		info(h, "bad")
		untilNapsAreOver()
		info(h, "hang")
		untilNapsAreOver()
		info(h, "1", "2")
		time.Sleep(500 * time.Millisecond)
		assert.Equal(t, []string{"bad", "1", "2"}, fallback.Messages(), "half of the queue")
		info(h, "3")
		time.AfterFunc(time.Second, func() { assert.Equal(t, []string{"bad", "1", "2", "3"}, fallback.Messages()) })
		require.Error(t, shutdownIn(h, 3*time.Second))
	})
}
