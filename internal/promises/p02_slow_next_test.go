package promises_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// Callers are not slowed down to the pace of a next that is slow and alive: each loses 100 ms
// once, and after the first second no call waits.
func TestCallersOfASlowNext(t *testing.T) { // P2
	for _, each := range []time.Duration{100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond} {
		t.Run(each.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := asynchandler.New(testsink.Func(func(context.Context, slog.Record) error {
					time.Sleep(each)
					return nil
				}), asynchandler.WithCapacity(64), quiet)
				began := time.Now()
				var callers sync.WaitGroup
				for range 50 {
					callers.Go(func() {
						var lost time.Duration
						for time.Since(began) < 3*time.Second {
							called := time.Now()
							slog.New(h).Info("m")
							took := time.Since(called)
							lost += took
							if called.Sub(began) > time.Second {
								assert.Zero(t, took)
							}
							time.Sleep(4 * time.Millisecond)
						}
						assert.LessOrEqual(t, lost, 100*time.Millisecond)
					})
				}
				callers.Wait()
				assert.NotZero(t, h.Stats().Dropped, "next is too slow for all")
				_ = h.Close()
			})
		})
	}
}

// A call that waits shows while it does, and its time counts as it passes.
func TestWaitingShowsAtOnce(t *testing.T) { // P2
	synctest.Test(t, func(t *testing.T) {
		hung := testsink.NewBlocker(nil)
		h := asynchandler.New(hung, asynchandler.WithCapacity(1), asynchandler.WithOverflow(asynchandler.Block))
		logger := slog.New(h)
		var callers sync.WaitGroup
		logger.Info("in next")
		<-hung.Entered()
		for range 4 {
			callers.Go(func() { logger.Info("m") })
		}
		synctest.Wait()
		time.Sleep(3 * time.Second)
		s := h.Stats()
		assert.Equal(t, 4-s.Depth+1, s.Waiting)
		assert.Equal(t, time.Duration(s.Waiting)*3*time.Second, s.Blocked)
		hung.Release()
		callers.Wait()
		assert.NoError(t, h.Close())
		assert.Zero(t, h.Stats().Waiting)
	})
}

// hangs returns a next that hangs with one record inside, and a handler over it that is full:
// it has one ERROR more, and no bytes for another.
func hangs(t *testing.T, size int, opts ...asynchandler.Option) *asynchandler.Handler {
	t.Helper()
	hung := testsink.NewBlocker(nil)
	h := asynchandler.New(hung, append(opts, quiet)...)
	t.Cleanup(func() {
		hung.Release()
		_ = h.Close()
	})
	slog.New(h).Error(strings.Repeat("x", size))
	<-hung.Entered()
	time.Sleep(gathers)
	slog.New(h).Error("waits")
	return h
}

// What no eviction can free is waited for as long as the credit says, and no longer: an ERROR
// is like any other record in that.
func TestErrorsDoNotWaitForBytes(t *testing.T) { // P2
	for _, policy := range []asynchandler.Overflow{asynchandler.DropNewest, asynchandler.DropOldest} {
		for _, wait := range []time.Duration{0, 100 * time.Millisecond} {
			t.Run(fmt.Sprint(policy, wait), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := hangs(t, 6000, asynchandler.WithOverflow(policy), asynchandler.WithMaxWait(wait), asynchandler.WithMemoryLimit(10_000))
					began := time.Now()
					for range 100 {
						slog.New(h).Error(strings.Repeat("x", 6000))
					}
					assert.LessOrEqual(t, time.Since(began), wait)
					assert.EqualValues(t, 100, h.Stats().Dropped)
				})
			})
		}
	}
}

// The same holds for bytes that another handler has.
func TestErrorsDoNotWaitForBytesOfOthers(t *testing.T) { // P2
	synctest.Test(t, func(t *testing.T) {
		shared := asynchandler.WithBudget(membudget.New(10_000, membudget.Options{}))
		greedy := hangs(t, 1, shared)
		h := hangs(t, 1, shared)
		for range 200 {
			slog.New(greedy).Info(strings.Repeat("x", 100))
		}
		began := time.Now()
		for range 20 {
			slog.New(h).Error(strings.Repeat("x", 4900))
		}
		assert.LessOrEqual(t, time.Since(began), 100*time.Millisecond)
	})
}

// A call under Block waits no longer than it may, also if there are places but no bytes.
func TestBlockTimeoutIsTheLongestWait(t *testing.T) { // P2
	synctest.Test(t, func(t *testing.T) {
		const timeout = 50 * time.Millisecond
		h := hangs(t, 1, asynchandler.WithOverflow(asynchandler.Block), asynchandler.WithBlockTimeout(timeout), asynchandler.WithMemoryLimit(1000))
		for range 20 {
			began := time.Now()
			slog.New(h).Error(strings.Repeat("x", 100))
			assert.LessOrEqual(t, time.Since(began), timeout)
		}
		assert.NotZero(t, h.Stats().Dropped)
	})
}
