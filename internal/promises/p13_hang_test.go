package promises_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// stuckFlusher is a writer whose Flush hangs.
type stuckFlusher struct {
	io.Writer
	gate *testsink.Gate
}

func (w stuckFlusher) Flush() error {
	w.gate.Pass()
	return nil
}

// A Flush that hangs is an outage like a delivery that hangs.
func TestAHungFlushOpensTheBreaker(t *testing.T) { // P13
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		h := asynchandler.NewJSONHandler(stuckFlusher{io.Discard, gate}, nil, small, quiet)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded)
		assert.Equal(t, "open", h.Stats().Breaker.State)
		assert.EqualValues(t, 1, h.Stats().Stalls)
		gate.Release()
		synctest.Wait()
		assert.Equal(t, "closed", h.Stats().Breaker.State, "it has returned well")
		require.NoError(t, h.Close())
	})
}

// When a call that hung returns well, that was the probe: what waits goes on at once.
func TestAHungCallThatReturnsWellWasTheProbe(t *testing.T) { // P13
	synctest.Test(t, func(t *testing.T) {
		var rec testsink.Recorder
		gate := testsink.NewGate()
		h := asynchandler.New(testsink.Func(func(ctx context.Context, r slog.Record) error {
			gate.Pass()
			return rec.Handle(ctx, r)
		}), small, quiet)
		logEach(h, "1")
		time.Sleep(time.Minute)
		assert.Equal(t, "open", h.Stats().Breaker.State)
		logEach(h, "2", "3")
		gate.Release()
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, []string{"1", "2", "3"}, rec.Messages())
		assert.Equal(t, "closed", h.Stats().Breaker.State)
		require.NoError(t, h.Close())
	})
}
