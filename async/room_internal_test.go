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

// hooked is a budget that calls functions, once, around the next TryAcquire.
type hooked struct {
	*membudget.Share
	hooked        bool
	before, after func()
}

func (b *hooked) TryAcquire(n int64) bool {
	if !b.hooked {
		return b.Share.TryAcquire(n)
	}
	b.hooked = false
	b.before()
	ok := b.Share.TryAcquire(n)
	b.after()
	return ok
}

// What happens while the worker asks the budget for a caller that waits does not make
// bytes vanish, nor kill the worker.
func TestWorkerAcquiresForWhoWaits(t *testing.T) {
	size := membudget.SizeOf(newRecord("m"))
	type parties struct {
		h     *Handler
		leave func() // ends the context of who waits
	}
	nothing := func(parties) {}
	tests := map[string]struct {
		before, after func(p parties)
		delivered     int
	}{
		"nothing happens":   {nothing, nothing, 2},
		"the caller leaves": {nothing, func(p parties) { p.leave(); time.Sleep(time.Millisecond) }, 1},
		"the slot is taken": {nothing, func(p parties) { _ = p.h.Handle(context.Background(), newRecord("")) }, 3},
		"a panic":           {func(parties) { panic("budget") }, nothing, 2},
		"Goexit":            {func(parties) { runtime.Goexit() }, nothing, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := &hooked{Share: membudget.New(2*size-1, membudget.Options{}).Join()}
				next := testsink.NewBlocker(nil)
				h := New(next, Options{Capacity: 1, BatchSize: 1, Budget: budget, Overflow: Block, StallTimeout: -1})
				require.NoError(t, h.Handle(t.Context(), newRecord("m")))
				synctest.Wait()
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				done := make(chan struct{})
				go func() { _ = h.Handle(ctx, newRecord("m")); close(done) }()
				synctest.Wait()
				p := parties{h, leave}
				budget.before, budget.after, budget.hooked = func() { tt.before(p) }, func() { tt.after(p) }, true
				next.Release()
				<-done
				require.NoError(t, h.Flush(t.Context()))
				assert.False(t, budget.hooked)
				assert.EqualValues(t, tt.delivered, h.Stats().Delivered)
				assert.Zero(t, budget.Used())
				require.NoError(t, h.Close())
			})
		})
	}
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
