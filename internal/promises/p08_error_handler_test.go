package promises_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
)

// An error handler that logs through its own handler is paced while nothing is delivered:
// each of its records fails too. So it is after the end, when records go straight through.
func TestAnErrorHandlerThatLogsIsPaced(t *testing.T) { // P8
	synctest.Test(t, func(t *testing.T) {
		var h *asynchandler.Handler
		var calls atomic.Int64
		var silent atomic.Bool
		h = asynchandler.New(failing(0), small, asynchandler.WithFallback(failing(0)), asynchandler.WithErrorHandler(func(err error) {
			if calls.Add(1); silent.Load() {
				return
			}
			slog.New(h).Error("the log fails", "err", err)
		}))
		slog.New(h).Info("m")
		time.Sleep(time.Minute)
		synctest.Wait()
		// For each one told the handler may get a SuppressedError beside it.
		assert.Greater(t, calls.Load(), int64(10))
		assert.LessOrEqual(t, calls.Load(), int64(2*(10+5*60+1)), "ten, then five a second")
		_ = h.Close()

		calls.Store(0)
		slog.New(h).Info("late")
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.LessOrEqual(t, calls.Load(), int64(2*(10+5*60+1)))
		silent.Store(true)
		time.Sleep(time.Second)
	})
}
