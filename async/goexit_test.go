package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// exitBudget ends the goroutine in the next call once it is armed.
type exitBudget struct {
	*membudget.Budget
	armed atomic.Bool
}

func (b *exitBudget) TryAcquire(n int64) bool {
	if b.armed.CompareAndSwap(true, false) {
		runtime.Goexit()
	}
	return b.Budget.TryAcquire(n)
}

// A budget may end the worker's goroutine when that has records in its hands.
func TestBudgetEndsTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &exitBudget{Budget: limited(t, plugSize+2*unit)}
		h, plug := plugged(t, &testsink.Recorder{}, async.Options{Budget: b, Overflow: async.Block})
		logSized(h, "1", "2")
		go logSized(h, "3")
		synctest.Wait()
		b.armed.Store(true)
		plug.Release()
		assertOutcomes(t, h, outcomes{delivered: 4})
		assert.False(t, b.armed.Load())
	})
}

// exitLeaver ends the goroutine when it hears of the end.
type exitLeaver struct{ *membudget.Budget }

func (exitLeaver) Leave() { runtime.Goexit() }

func TestLeaveEndsTheGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := begin(t, &testsink.Recorder{}, async.Options{Budget: exitLeaver{limited(t, unit)}})
		require.NoError(t, h.Close())
		assert.EqualValues(t, 1, h.Stats().Panics)
	})
}

// Records of which a sink says nothing after the end of the drain have failed.
func TestSilentSinkAfterTheDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := testsink.NewGate()
		t.Cleanup(hang.Release)
		s := &batchSink{}
		s.deliver = func(_ *async.Batch, msgs []string) (int, error) {
			hang.Pass()
			return len(msgs) - 1, nil
		}
		h := begin(t, s.handler(), async.Options{Sink: s})
		info(h, "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, h.Shutdown(ctx))
		hang.Release()
		assertOutcomes(t, h, outcomes{failed: 1})
	})
}

// exitContext ends the goroutines that ask whether it is done, all but the first.
type exitContext struct {
	context.Context
	calls atomic.Int32
}

func (c *exitContext) Done() <-chan struct{} {
	if c.calls.Add(1) > 1 {
		runtime.Goexit()
	}
	return nil
}

// The context of a shutdown may end the goroutine that goes on with it.
func TestDoneEndsTheShutdownsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var funcs shutdownFuncs
		h := begin(t, &testsink.Recorder{}, async.Options{OnShutdown: funcs.add("f", nil).list})
		ctx := &exitContext{Context: context.Background()}
		go func() { assert.NoError(t, h.Shutdown(ctx)) }()
		synctest.Wait()
		assert.Equal(t, []string{"f"}, funcs.called())
		require.NoError(t, h.Close())
		assert.EqualValues(t, 1, h.Stats().Panics)
	})
}

// exitEnabled ends the goroutine that asks it for WARN, once: that is the question whether it
// wants drop reports.
type exitEnabled struct {
	slog.Handler
	asked atomic.Bool
}

func (h *exitEnabled) Enabled(ctx context.Context, level slog.Level) bool {
	if level == slog.LevelWarn && h.asked.CompareAndSwap(false, true) {
		runtime.Goexit()
	}
	return h.Handler.Enabled(ctx, level)
}

// The gate gets its ticket back though next ends the goroutine before a drop report.
func TestEnabledEndsTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := testsink.NewGate()
		t.Cleanup(hold.Release)
		next := &exitEnabled{Handler: testsink.Func(func(context.Context, slog.Record) error { hold.Pass(); return nil })}
		gate := &fakeGate{}
		h := begin(t, next, async.Options{Gate: gate, Capacity: 1, MaxWait: -1, StallTimeout: -1})
		for range 4 { // one is in next, one waits, two are dropped
			require.NoError(t, ignoreDrop(h.Handle(t.Context(), slog.Record{})))
			synctest.Wait()
		}
		hold.Release()
		time.Sleep(time.Minute)
		assert.True(t, next.asked.Load())
		require.NoError(t, h.Close())
		gate.assertSettled(t)
	})
}

// ignoreDrop returns err unless it says that this very record was dropped.
func ignoreDrop(err error) error {
	if errors.Is(err, async.ErrDropped) {
		return nil
	}
	return err
}
