package async_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// floodsWhenAsked is a next that is not enabled for drop reports and, while it is
// asked, gets the queue flooded by another goroutine.
type floodsWhenAsked struct {
	slog.Handler
	flood func()
}

func (f *floodsWhenAsked) Enabled(_ context.Context, level slog.Level) bool {
	if level == slog.LevelWarn && f.flood != nil {
		flood := f.flood
		f.flood = nil
		done := make(chan struct{})
		go func() { defer close(done); flood() }()
		<-done
	}
	return level != slog.LevelWarn
}

// A caller in need of room makes the worker put its drop report back while it asks
// next whether that wants reports at all.
func TestEvictionWhileNextIsAskedForReports(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		rec := &testsink.Recorder{}
		blocker := testsink.NewBlocker(rec)
		next := &floodsWhenAsked{Handler: blocker}
		h := begin(t, next, async.Options{Capacity: 4, BatchSize: 1})
		next.flood = func() { info(h, numbered(21, 40)...) }
		info(h, numbered(1, 20)...)
		blocker.Release()
		time.Sleep(time.Second)
		require.NoError(t, h.Shutdown(context.Background()))
		assertIdentity(t, h)
		assert.Nil(t, next.flood, "it was asked")
		assert.Zero(t, h.Stats().DropReports)
	})
}

// What becomes of a record after the end is told too: slog.Logger throws errors away.
func TestDirectFailureIsTold(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		errs := newJournal()
		h := ended(t, testsink.NewFailer(nil, errDown, testsink.HasMessage("late")), async.Options{ErrorHandler: errs.hear})
		require.ErrorIs(t, late(h, "late"), errDown)
		synctest.Wait()
		assert.Equal(t, []string{"attempt 1: next is down"}, errs.what())
		s := h.Stats()
		assert.EqualValues(t, 1, s.DeliveryErrors)
		assert.Contains(t, s.LastError, "next is down")
	})
}

// A handler that panics at what stands for many errors still hears of the next one.
func TestErrorHandlerThatPanicsHearsOfTheNextError(t *testing.T) { // P8
	synctest.Test(t, func(t *testing.T) {
		told := uint64(0)
		next := testsink.NewFailer(nil, async.ErrPermanent, nil)
		h := async.New(next, async.Options{ErrorHandler: func(err error) {
			var left *async.SuppressedError
			if !errors.As(err, &left) {
				told++
				return
			}
			told += left.Count
			panic("boom")
		}})
		for range 5 {
			sayEach(h, counted("m", 30)...)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		sayEach(h, counted("m", 30)...)
		require.NoError(t, h.Flush(t.Context()))
		require.NoError(t, h.Close())
		assert.Equal(t, h.Stats().DeliveryErrors, told)
	})
}
