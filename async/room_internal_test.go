package async

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// However many callers want the place that there is, none of them waits for longer than
// it may.
func TestCallersThatLoseTheRaceForRoom(t *testing.T) {
	for _, policy := range []Overflow{DropOldest, DropNewest} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(testsink.NewSlow(nil, 5*time.Millisecond), Options{Capacity: 1, BatchSize: 1, Overflow: policy})
				var wg sync.WaitGroup
				for range 300 {
					wg.Go(func() {
						began := time.Now()
						_ = h.Handle(t.Context(), newRecord("m"))
						assert.LessOrEqual(t, time.Since(began), lenience*maxWait)
					})
				}
				wg.Wait()
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
