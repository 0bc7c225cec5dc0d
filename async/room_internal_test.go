package async

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// However many callers want the place that there is, they get it in the order in which
// they came, and none waits for longer than it may.
func TestCallersThatWaitAreServedInOrder(t *testing.T) {
	for _, policy := range []Overflow{DropOldest, DropNewest, Block} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := &testsink.Recorder{}
				h := New(testsink.NewSlow(rec, 5*time.Millisecond), Options{Capacity: 1, BatchSize: 1, Overflow: policy})
				const callers, inTime = 300, 15
				var wg sync.WaitGroup
				for i := range callers {
					wg.Go(func() {
						began := time.Now()
						_ = h.Handle(t.Context(), newRecord(testsink.Message(0, i)))
						if policy != Block {
							assert.LessOrEqual(t, time.Since(began), maxWait)
						}
					})
					synctest.Wait()
				}
				wg.Wait()
				require.NoError(t, h.Close())
				want := make([]string, callers)
				for i := range want {
					want[i] = testsink.Message(0, i)
				}
				if policy != Block {
					want = want[:inTime]
				}
				require.GreaterOrEqual(t, len(rec.Messages()), len(want))
				assert.Equal(t, want, rec.Messages()[:len(want)])
			})
		})
	}
}

// A caller that waits gets the room that the worker makes, also if somebody else is
// quicker to take what there is: here next itself, which logs before the caller has even
// woken up.
func TestWhoWaitsDoesNotStarve(t *testing.T) {
	size := membudget.SizeOf(newRecord("m"))
	for name, opts := range map[string]func() Options{
		"slots": func() Options { return Options{Capacity: 1} },
		"bytes": func() Options { return Options{Budget: membudget.New(size*5/2, membudget.Options{}).Join()} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const each = 5 * time.Millisecond
				var h *Handler
				opts := opts()
				opts.BatchSize = 1
				var quiet atomic.Bool
				h = New(testsink.Func(func(ctx context.Context, _ slog.Record) error {
					if !quiet.Load() {
						_ = h.Handle(ctx, newRecord("m"))
					}
					time.Sleep(each)
					return nil
				}), opts)
				require.NoError(t, h.Handle(t.Context(), newRecord("m")))
				for range 20 {
					time.Sleep(each * 3 / 2)
					began := time.Now()
					require.NoError(t, h.Handle(t.Context(), newRecord("m")))
					assert.LessOrEqual(t, time.Since(began), 2*each)
				}
				quiet.Store(true)
				require.NoError(t, h.Close())
			})
		})
	}
}

// hooked is a budget that calls functions, once, when it is asked.
type hooked struct {
	*membudget.Share
	onTry, onTryAgain atomic.Pointer[func()]
}

func (b *hooked) TryAcquire(n int64) bool {
	ok := b.Share.TryAcquire(n)
	callOnce(&b.onTry)
	return ok
}

func (b *hooked) TryAgain(n int64) bool {
	ok := b.Share.TryAgain(n)
	callOnce(&b.onTryAgain)
	return ok
}

func callOnce(p *atomic.Pointer[func()]) {
	if f := p.Swap(nil); f != nil {
		(*f)()
	}
}

// What happens while the worker takes bytes and a place for a caller that waits does not
// make bytes vanish.
func TestWorkerAcquiresForWhoWaits(t *testing.T) {
	size := membudget.SizeOf(newRecord("m"))
	tests := map[string]struct {
		limit     int64
		meanwhile func(b *hooked, h *Handler, next *testsink.Blocker)
		delivered int
	}{
		"nothing": {2*size - 1, func(_ *hooked, _ *Handler, next *testsink.Blocker) { next.Release() }, 2},
		"another takes the place": {2*size - 1, func(b *hooked, h *Handler, next *testsink.Blocker) {
			b.onTryAgain.Store(new(func() { _ = h.Handle(context.Background(), newRecord("")) }))
			next.Release()
		}, 3},
		"the caller has them too": {3 * size, func(b *hooked, _ *Handler, next *testsink.Blocker) {
			b.onTry.Store(new(func() { next.Release(); time.Sleep(time.Millisecond) }))
			b.Release(size + 1)
		}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := &hooked{Share: membudget.New(tt.limit, membudget.Options{}).Join()}
				require.True(t, budget.TryAcquire(tt.limit-2*size+1))
				next := testsink.NewBlocker(nil)
				h := New(next, Options{Capacity: 1, BatchSize: 1, Budget: budget, Overflow: Block, StallTimeout: -1})
				require.NoError(t, h.Handle(t.Context(), newRecord("m")))
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				done := make(chan struct{})
				go func() { _ = h.Handle(ctx, newRecord("m")); close(done) }()
				synctest.Wait()
				tt.meanwhile(budget, h, next)
				<-done
				require.NoError(t, h.Close())
				assert.Nil(t, budget.onTry.Load())
				assert.Nil(t, budget.onTryAgain.Load())
				assert.EqualValues(t, tt.delivered, h.Stats().Delivered)
				assert.Zero(t, budget.Used())
			})
		})
	}
}

// plain is a budget with the methods that it must have, and no others.
type plain struct{ Budget }

func TestWaitForBytesOfAPlainBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		size := membudget.SizeOf(newRecord("m"))
		rec := &testsink.Recorder{}
		h := New(testsink.NewSlow(rec, time.Second), Options{Budget: plain{membudget.New(size, membudget.Options{})}, Overflow: Block})
		began := time.Now()
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { assert.NoError(t, h.Handle(t.Context(), newRecord("m"))) })
		}
		wg.Wait()
		require.NoError(t, h.Close())
		assert.Equal(t, 5, rec.Len())
		assert.Equal(t, 5*time.Second, time.Since(began).Truncate(time.Second))
	})
}

// Who panics does not stay in the queue.
func TestBudgetThatPanicsOnWhoWaits(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("budget") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := &hooked{Share: membudget.New(membudget.SizeOf(newRecord("m")), membudget.Options{}).Join()}
				next := testsink.NewBlocker(nil)
				h := New(next, Options{Budget: budget, Overflow: Block, StallTimeout: -1})
				require.NoError(t, h.Handle(t.Context(), newRecord("m")))
				synctest.Wait()
				go func() {
					defer func() { _ = recover() }()
					_ = h.Handle(t.Context(), newRecord("m"))
				}()
				synctest.Wait()
				require.EqualValues(t, 1, h.core.room.waiting.Load())
				budget.onTry.Store(&end)
				time.Sleep(slice)
				synctest.Wait()
				assert.Zero(t, h.core.room.waiting.Load())
				next.Release()
				require.NoError(t, h.Close())
				assert.EqualValues(t, 1, h.Stats().Delivered)
				assert.Zero(t, budget.Used())
			})
		})
	}
}

// The worker does not run OnExceeded, which may hang.
func TestOnExceededIsNotCalledByTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var armed atomic.Bool
		release := make(chan struct{})
		budget := membudget.New(100_000, membudget.Options{OnExceeded: func(_, _ int64) {
			if armed.Load() {
				<-release
			}
		}})
		other := budget.Join()
		next := testsink.NewBlocker(nil)
		h := New(next, Options{Budget: budget.Join(), Overflow: Block, StallTimeout: -1})
		handle := func(size int) { _ = h.Handle(t.Context(), newRecord(strings.Repeat("m", size))) }
		handle(20_000)
		synctest.Wait()
		require.True(t, other.TryAcquire(45_000))
		done := make(chan struct{})
		go func() { handle(60_000); close(done) }()
		synctest.Wait()
		armed.Store(true)
		next.Release() // 45,000 are in use then, and 60,000 are refused again
		time.Sleep(time.Second)
		handle(100)
		synctest.Wait()
		assert.EqualValues(t, 2, h.Stats().Delivered)
		close(release)
		other.Release(45_000)
		<-done
		require.NoError(t, h.Close())
		assert.EqualValues(t, 3, h.Stats().Delivered)
	})
}

// The mark counts when the record that reaches it gets in, though its caller hears of that
// when the worker is past it.
func TestHighWaterOfThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		size := membudget.SizeOf(newRecord("m"))
		var depths []int
		next := testsink.NewBlocker(nil)
		h := New(next, Options{
			Capacity: 8, Budget: membudget.New(10*size, membudget.Options{}).Join(), Overflow: Block,
			HighWater: 0.5, OnHighWater: func(depth, _ int) { depths = append(depths, depth) },
		})
		require.NoError(t, h.Handle(t.Context(), newRecord(strings.Repeat("m", int(9*size)))))
		synctest.Wait()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { assert.NoError(t, h.Handle(t.Context(), newRecord("m"))) })
		}
		synctest.Wait()
		require.Empty(t, depths)
		next.Release()
		wg.Wait()
		require.NoError(t, h.Close())
		assert.Equal(t, []int{4}, depths)
	})
}

// A little room is not announced at once. A caller whose time is up looks for itself.
func TestRoomThatWasNotAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const capacity, batch = 1024, 8
		takes := []time.Duration{10 * time.Millisecond, 200 * time.Microsecond, batch: 0, batch + 1: 200 * time.Millisecond}
		h := New(testsink.Func(func(context.Context, slog.Record) error {
			if len(takes) > 0 {
				time.Sleep(takes[0])
				takes = takes[1:]
			}
			return nil
		}), Options{Capacity: capacity, BatchSize: batch, Overflow: Block, BlockTimeout: 50 * time.Millisecond})
		require.NoError(t, h.Handle(t.Context(), newRecord("plug")))
		synctest.Wait()
		for range capacity {
			require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		}
		var wg sync.WaitGroup
		for range batch + 1 { // one more than the first signal is good for
			wg.Go(func() { assert.NoError(t, h.Handle(t.Context(), newRecord("m"))) })
		}
		wg.Wait()
		require.NoError(t, h.Close())
	})
}

// A record that waits for bytes which another handler keeps from now on is refused.
func TestAnotherHandlerJoinsTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := membudget.New(10_000, membudget.Options{})
		next := testsink.NewBlocker(nil)
		h := New(next, Options{Budget: budget.Join(), Overflow: Block, StallTimeout: -1})
		require.NoError(t, h.Handle(t.Context(), newRecord(strings.Repeat("x", 2000))))
		synctest.Wait()
		refused := make(chan error, 1)
		go func() { refused <- h.Handle(context.Background(), newRecord(strings.Repeat("x", 8500))) }()
		synctest.Wait()
		other := budget.Join()
		next.Release()
		require.ErrorIs(t, <-refused, ErrDropped)
		assert.EqualValues(t, 1, h.core.refused[oversize][levelIndex(slog.LevelInfo)])
		other.Leave()
		require.NoError(t, h.Close())
	})
}

// A report remembers the one before it, not all of them.
func TestOldDropReportsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(&testsink.Recorder{}, Options{DropReports: time.Millisecond})
		for range 10 {
			h.core.mu.Lock()
			h.core.refused.count(overflow, slog.LevelInfo)
			h.core.report.noteLocked(h.core.ring.Tail())
			h.core.mu.Unlock()
			require.NoError(t, h.Handle(t.Context(), newRecord("m")))
			time.Sleep(time.Second)
		}
		require.EqualValues(t, 10, h.Stats().DropReports)
		require.NotNil(t, h.core.report.undo)
		assert.Nil(t, h.core.report.undo.undo)
		require.NoError(t, h.Close())
	})
}

// A nap as long as FlushInterval must not hold up a Flush or a shutdown, also if the
// record they wait for is published while the worker naps.
func TestNapDuringFlushAndClose(t *testing.T) {
	for name, wait := range map[string]func(*Handler) error{
		"Flush": func(h *Handler) error { return h.Flush(context.Background()) },
		"Close": (*Handler).Close,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(&testsink.Recorder{}, Options{FlushInterval: time.Minute})
				for range 2 { // in quick succession: many naps follow
					require.NoError(t, h.Handle(t.Context(), newRecord("m")))
					require.NoError(t, h.Flush(t.Context()))
				}
				thaw := freeze(t, h, "late")
				began, done := time.Now(), make(chan error, 1)
				go func() { done <- wait(h) }()
				synctest.Wait()
				thaw()
				require.NoError(t, <-done)
				assert.LessOrEqual(t, time.Since(began), nap)
				require.NoError(t, h.Close())
			})
		})
	}
}
