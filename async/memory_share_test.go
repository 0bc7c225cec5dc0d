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

// A greedy handler over a next that hangs and a modest one over a good next share a
// budget: the modest one always has limit/(2*2), and neither evicts what the other holds.
func TestGreedyAndModestHandlerShareABudget(t *testing.T) {
	const limit, guarantee = 16 * unit, 4
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		bubble(t, policy.String(), func(t *testing.T) {
			b := limited(t, limit)
			opts := async.Options{Overflow: policy, BlockTimeout: time.Second, DropReports: -1, StallTimeout: -1}
			hung, blocked := testsink.NewBlocker(nil), &testsink.Recorder{}
			opts.Budget = b.Join()
			greedy := begin(t, hung, opts)
			t.Cleanup(hung.Release)
			opts.Budget = b.Join()
			next := testsink.NewBlocker(blocked)
			modest := begin(t, next, opts)
			t.Cleanup(next.Release)

			for range 100 {
				logSized(greedy, "1")
			}
			assert.EqualValues(t, limit-guarantee*unit, greedy.Stats().MemoryUsed, "all but what is kept for the other")
			for i := range 3 {
				msgs := numbered(i*guarantee, i*guarantee+guarantee-1)
				start := time.Now()
				assert.Empty(t, logSized(modest, msgs...))
				assert.Zero(t, time.Since(start), "within the guarantee nobody waits")
				for range 10 {
					logSized(greedy, "1")
				}
				assert.EqualValues(t, guarantee*unit, modest.Stats().MemoryUsed)
				assert.EqualValues(t, limit, b.Used())
				next.Release()
				untilNapsAreOver()
				next.Block()
				for range 10 {
					logSized(greedy, "1")
				}
			}
			assert.Equal(t, numbered(0, 3*guarantee-1), names(blocked.Messages()))
			assert.Empty(t, drops(modest))
		})
	}
}

// A caller that waits for bytes which another handler holds goes on when that one
// releases them, though nobody can tell it so.
func TestBlockedCallerGoesOnWhenAnotherHandlerReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := limited(t, 16*unit)
		opts := async.Options{Overflow: async.Block, StallTimeout: -1}
		first, second := testsink.NewBlocker(nil), testsink.NewBlocker(nil)
		opts.Budget = b.Join()
		greedy := begin(t, first, opts)
		opts.Budget = b.Join()
		waiting := begin(t, second, opts)
		t.Cleanup(second.Release)
		require.Empty(t, logSized(greedy, numbered(1, 12)...))
		require.Empty(t, logSized(waiting, numbered(1, 4)...))

		var released time.Time
		var waited [8]time.Duration
		var callers sync.WaitGroup
		for i := range waited {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 777 * time.Microsecond)
				assert.Empty(t, logSized(waiting, "5"))
				waited[i] = time.Since(released)
			})
		}
		time.Sleep(time.Minute)
		released = time.Now()
		first.Release()
		callers.Wait()
		for _, d := range waited {
			assert.LessOrEqual(t, d, 10*time.Millisecond)
		}
		assert.EqualValues(t, 12*unit, waiting.Stats().MemoryUsed)
	})
}

// The share of a handler that has ended is for the others; what it still holds
// inside a hung next is so when that returns.
func TestClosedHandlerLeavesTheBudget(t *testing.T) {
	tests := []struct {
		name string
		hang bool
		want int64 // that the other can use after the Close
	}{
		{"clean", false, 16 * unit},
		{"with a record inside next", true, 15 * unit},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			b := limited(t, 16*unit)
			leaving, staying := b.Join(), leavingShare{Share: b.Join()}
			next := testsink.NewBlocker(nil)
			h := begin(t, next, async.Options{Budget: leaving, CloseTimeout: time.Second, StallTimeout: -1})
			t.Cleanup(next.Release)
			if !tt.hang {
				next.Release()
			}
			require.Empty(t, logSized(h, numbered(1, 4)...))
			assert.Equal(t, tt.hang, h.Close() != nil)
			assert.Equal(t, tt.want, staying.all())
			next.Release()
			synctest.Wait()
			assert.EqualValues(t, 16*unit, staying.all())
			assert.ErrorIs(t, map[bool]error{true: async.ErrClosed}[tt.hang], h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "late", 0)))
		})
	}
}

// leavingShare can tell how much it could use.
type leavingShare struct{ *membudget.Share }

func (s leavingShare) all() (n int64) {
	for s.TryAcquire(1) {
		n++
	}
	s.Release(n)
	return n
}

// Eight goroutines log records of all sizes and levels over a next that fails,
// panics, exits and stops now and then: the limit holds, all adds up, and in the end
// all bytes are back.
func TestBudgetUnderChaosConcurrentSafe(t *testing.T) {
	const producers, each, limit = 8, 120, 8 << 10
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		for _, fallback := range []slog.Handler{nil, testsink.NewFailer(nil, nil, testsink.Every(3))} {
			t.Run(fmt.Sprintf("%v, fallback %t", policy, fallback != nil), func(t *testing.T) {
				b := limited(t, limit)
				var next slog.Handler = testsink.NewExiter(nil, testsink.Every(131))
				next = testsink.NewPanicker(next, "boom", testsink.Every(67))
				next = testsink.NewFailer(next, async.ErrPermanent, testsink.Every(31))
				next = testsink.NewFailer(next, errDown, testsink.Every(97))
				h := begin(t, next, async.Options{
					Budget: b, Overflow: policy, BlockTimeout: 5 * time.Millisecond, Capacity: 64, Fallback: fallback,
					ProtectedLevel: slog.LevelError, MaxAttempts: 1, DropReports: time.Nanosecond,
				})
				var wg sync.WaitGroup
				for g := range producers {
					wg.Go(func() {
						l := slog.New(h)
						for i := range each {
							size := 20 + (g*each+i)*37%1000
							if i%101 == 100 {
								size = limit + 1
							}
							l.Log(t.Context(), slog.Level(4*((g+i)%4-1)), sized("", size))
							if used := b.Used(); used > limit {
								t.Errorf("%d bytes are used", used)
							}
						}
					})
				}
				wg.Wait()
				_ = h.Close() // some records fail
				s := assertIdentity(t, h)
				assert.EqualValues(t, producers*each, s.Received)
				assert.Zero(t, s.Depth)
				assert.Zero(t, b.Used())
				assert.Equal(t, producers*(each/101), drops(h)[async.DropOversize])
				assert.LessOrEqual(t, b.Peak(), int64(limit))
			})
		}
	}
}

// Evictions race with the deliveries and with the end: no byte is released twice, which
// would panic, and none is kept.
func TestEvictionRacesConcurrentSafe(t *testing.T) {
	const producers, each = 8, 500
	for _, immediate := range []bool{false, true} {
		t.Run(fmt.Sprintf("immediate shutdown %t", immediate), func(t *testing.T) {
			b := limited(t, 20*unit)
			h := begin(t, testsink.NewSlow(nil, 10*time.Microsecond), async.Options{Budget: b, Capacity: 16, BatchSize: 4, DropReports: time.Nanosecond})
			var wg sync.WaitGroup
			for g := range producers {
				wg.Go(func() {
					for i := range each {
						logSized(h, [...]string{"D", "I", "E"}[(g+i)%3])
					}
				})
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if immediate {
				cancel()
			} else {
				wg.Wait()
			}
			err := h.Shutdown(ctx)
			wg.Wait()
			if immediate {
				var undelivered *async.ShutdownError
				require.True(t, err == nil || assert.ErrorAs(t, err, &undelivered))
			} else {
				require.NoError(t, err)
			}
			require.Eventually(t, func() bool { return b.Used() == 0 }, time.Minute, time.Millisecond, "one record may be inside next")
			s := assertIdentity(t, h)
			assert.EqualValues(t, producers*each, s.Received)
			assert.Zero(t, strings.Count(s.LastError, "membudget"))
		})
	}
}
