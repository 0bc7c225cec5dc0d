package async_test

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
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// maxWait is how long calls wait, all together, for a worker that makes no progress.
const maxWait = 100 * time.Millisecond

// An outage costs the callers one wait, not one each (P2).
func TestOneWaitPerStall(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		for _, goroutines := range []int{1, 8} {
			bubble(t, fmt.Sprintf("%v/%d", policy, goroutines), func(t *testing.T) {
				h, _, _ := newStuck(t, async.Options{Capacity: 4, Overflow: policy})
				began := time.Now()
				var wg sync.WaitGroup
				for range goroutines {
					wg.Go(func() {
						for range 10_000 / goroutines {
							_ = say(h, slog.LevelInfo, "m")
						}
					})
				}
				wg.Wait()
				assert.Equal(t, maxWait, time.Since(began))
				assert.LessOrEqual(t, h.Stats().Blocked, time.Duration(goroutines)*maxWait)
				s := h.Stats()
				requireBalanced(t, s)
				assert.Equal(t, 10_000-4, int(s.Dropped))
			})
		}
	}
}

// After fast deliveries the next outage costs a wait again, as long as they have earned,
// and until then none.
func TestFastDeliveriesEarnTheNextWait(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		bubble(t, policy.String(), func(t *testing.T) {
			h, gate, _ := newStuck(t, async.Options{Capacity: 2, BatchSize: 1, Overflow: policy})
			elapsed := func() time.Duration {
				began := time.Now()
				_ = say(h, slog.LevelInfo, "m")
				return time.Since(began)
			}
			assert.Zero(t, elapsed())
			assert.Zero(t, elapsed())
			assert.Equal(t, maxWait, elapsed(), "full for the first time")
			assert.Zero(t, elapsed(), "found stalled")
			gate.Release()
			for range 1000 { // at no time each
				assert.Zero(t, elapsed())
				synctest.Wait()
			}
			gate.Block()
			for range 3 {
				assert.Zero(t, elapsed())
			}
			synctest.Wait()
			assert.InDelta(t, 20*time.Millisecond, elapsed(), float64(3*time.Millisecond), "1000 records of 20 µs")
			assert.Zero(t, elapsed())
		})
	}
}

// A caller that waits goes on when there is room, not when its time is over.
func TestWaitEndsWithRoom(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		bubble(t, policy.String(), func(t *testing.T) {
			h, gate, rec := newStuck(t, async.Options{Capacity: 1, BatchSize: 1, Overflow: policy})
			require.NoError(t, say(h, slog.LevelInfo, "waits"))
			time.AfterFunc(35*time.Millisecond, gate.Release)
			began := time.Now()
			require.NoError(t, say(h, slog.LevelInfo, "m"))
			assert.Equal(t, 35*time.Millisecond, time.Since(began))
			assert.Equal(t, 35*time.Millisecond, h.Stats().Blocked)
			require.NoError(t, h.Flush(t.Context()))
			assert.Equal(t, []string{"inside", "waits", "m"}, rec.Messages())
			assert.Zero(t, h.Stats().Dropped)
		})
	}
}

// Next is slower than the callers, but fast: they wait for it rather than drop.
func TestFastNextLosesNothing(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		bubble(t, policy.String(), func(t *testing.T) {
			rec := &testsink.Recorder{}
			h := async.New(testsink.NewSlow(rec, 20*time.Microsecond), async.Options{Capacity: 16, Overflow: policy})
			const each = 2000
			for i := range each {
				require.NoError(t, say(h, slog.LevelInfo, testsink.Message(0, i)))
			}
			require.NoError(t, h.Close())
			require.NoError(t, testsink.Check(rec.Messages(), 1, each).Err())
		})
	}
}

// Bursts that find no room cost credit for as long as somebody waits, which is no time here.
func TestBurstsIntoASmallQueueLoseNothing(t *testing.T) { // P2, P7
	for _, isDown := range []bool{false, true} {
		bubble(t, fmt.Sprint("down ", isDown), func(t *testing.T) {
			next, opts := testsink.Func(func(context.Context, slog.Record) error { return nil }), async.Options{Capacity: 1}
			if isDown {
				gate := &fakeGate{}
				gate.shut(time.Hour)
				opts.Gate, opts.Fallback = gate, next
			}
			h := begin(t, next, opts)
			for range 1000 {
				var burst sync.WaitGroup
				for range 4 {
					burst.Go(func() { assert.NoError(t, say(h, slog.LevelInfo, "m")) })
				}
				burst.Wait()
				time.Sleep(time.Millisecond)
			}
			untilNapsAreOver()
			s := assertIdentity(t, h)
			assert.Zero(t, s.Dropped)
			assert.Zero(t, s.Blocked)
		})
	}
}

func TestTightLoopInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := 0 // of the worker's
		next := testsink.Func(func(context.Context, slog.Record) error { count++; return nil })
		h := async.New(next, async.Options{Capacity: 64})
		for range 20_000 {
			require.NoError(t, say(h, slog.LevelInfo, "m"))
		}
		require.NoError(t, h.Close())
		assert.Equal(t, 20_000, count)
	})
}

// Who waits for a slot holds no bytes: who came before would wait for these, and the two for
// each other.
func TestWaitersDoNotHoldBytesFromEachOther(t *testing.T) { // P2, P5
	synctest.Test(t, func(t *testing.T) {
		large := strings.Repeat("x", 10_000)
		limit := membudget.SizeOf(slog.NewRecord(time.Now(), slog.LevelInfo, large, 0))
		h, gate, rec := newStuck(t, async.Options{Overflow: async.Block, Capacity: 2, Budget: membudget.New(limit, membudget.Options{})})
		require.Empty(t, sayEach(h, "a", "b"))
		var callers sync.WaitGroup
		callers.Go(func() { sayEach(h, large) })
		synctest.Wait()
		callers.Go(func() { sayEach(h, "small") })
		synctest.Wait()
		gate.Release()
		callers.Wait()
		require.NoError(t, h.Close())
		require.Len(t, rec.Messages(), 5)
	})
}

// Callers of a next that is slow but alive lose 100 ms in all, each of them, and the
// credit does not come back while next stays slow (P2).
func TestSlowNextIsNotWaitedFor(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		bubble(t, policy.String(), func(t *testing.T) {
			h := async.New(testsink.NewSlow(nil, time.Millisecond), async.Options{Capacity: 64, Overflow: policy})
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					var waited time.Duration
					for range 1000 {
						began := time.Now()
						_ = say(h, slog.LevelInfo, "m")
						waited += time.Since(began)
						time.Sleep(5 * time.Millisecond)
					}
					assert.LessOrEqual(t, waited, maxWait)
				})
			}
			wg.Wait()
			require.NoError(t, h.Close())
			requireBalanced(t, h.Stats())
			assert.Positive(t, h.Stats().Dropped, "next was too slow")
		})
	}
}
