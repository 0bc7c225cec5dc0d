package async_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A next that always takes longer than the stall timeout is slow, not down: the call that
// returns well is the probe (P13).
func TestNextSlowerThanTheStallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		h := begin(t, testsink.NewSlow(nil, 2*time.Second), async.Options{Gate: b, StallTimeout: time.Second, BatchSize: 1})
		info(h, numbered(1, 20)...)
		time.Sleep(41 * time.Second)
		assertOutcomes(t, h, outcomes{delivered: 20})
		assert.Equal(t, "closed", b.Stats().State)
	})
}

// slowToHear is a gate that takes its time over what it is told.
type slowToHear struct{ async.Gate }

func (g slowToHear) Done(ticket uint64, succeeded bool, err error) {
	time.Sleep(time.Millisecond)
	g.Gate.Done(ticket, succeeded, err)
}

// The worker that has the role learns that the gate is open again, also if it asked before
// the gate was told.
func TestGateIsAskedAgainWhenItHasHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		h := begin(t, testsink.NewSlow(nil, 2*time.Second), async.Options{Gate: slowToHear{b}, StallTimeout: time.Second, BatchSize: 1})
		info(h, numbered(1, 3)...)
		time.Sleep(7 * time.Second)
		assertOutcomes(t, h, outcomes{delivered: 3})
	})
}

// With next down, Close tries it once and gives the rest to the fallback (P7, P9).
func TestCloseInAnOutageWithAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		next := testsink.Func(func(context.Context, slog.Record) error {
			calls.Add(1)
			time.Sleep(time.Second)
			return errDown
		})
		h := begin(t, next, async.Options{Gate: newBreaker(), Fallback: testsink.Func(func(context.Context, slog.Record) error { return nil })})
		info(h, numbered(1, 10)...)
		time.Sleep(20 * time.Second)
		calls.Store(0)
		info(h, numbered(1, 30)...)
		began := time.Now()
		require.NoError(t, h.Close())
		assert.LessOrEqual(t, calls.Load(), int32(2))
		assert.LessOrEqual(t, time.Since(began), 2*time.Second)
		assert.EqualValues(t, 40, h.Stats().Fallback)
	})
}
