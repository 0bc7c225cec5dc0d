package promises_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestPermanentErrorIsNoFailureOfNext(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		next := newClockedNext(fmt.Errorf("too long: %w", asynchandler.ErrPermanent))
		h := asynchandler.New(next, quiet)
		logEach(h, numbered(100, 5)...)
		require.NoError(t, h.Flush(t.Context()))
		s := h.Stats()
		assert.Equal(t, uint64(100), s.Failed)
		assert.Equal(t, uint64(100), s.DeliveryErrors)
		assert.Equal(t, asynchandler.BreakerStats{State: "closed"}, s.Breaker)
		assert.Equal(t, 100, next.Calls())
		require.NoError(t, h.Close())
	})
}

func TestBatchesGrowAfterAProbe(t *testing.T) { // P7, P12
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty()
		defer f.Close()
		f.writer.Always(testsink.NoSpace(0))
		msgs := numbered(1500, 10)
		go together(t, f.Handler, f.gate, msgs...)
		time.Sleep(time.Second)
		f.writer.Heal()
		time.Sleep(time.Minute)
		assert.Equal(t, "first\n"+joined(msgs...), f.out.String())
		assert.Equal(t, []int{1, 4, 16, 64, 171, 256}, linesPerWrite(f.out)[:6], "those that failed together are not mixed with later ones")
	})
}

// The last error is kept, with its time; what is under way shows as InFlight.
func TestLastErrorAndInFlight(t *testing.T) { // P13
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewBlocker(nil)
		h := asynchandler.New(gate, quiet, asynchandler.WithStallTimeout(time.Minute))
		s := h.Stats()
		assert.Zero(t, s.LastErrorTime)
		assert.Zero(t, s.InFlight)
		logEach(h, "a", "b")
		time.Sleep(59 * time.Second)
		s = h.Stats()
		assert.Equal(t, 59*time.Second, s.InFlight)
		assert.Empty(t, s.LastError)
		time.Sleep(time.Hour)
		s = h.Stats()
		assert.Equal(t, time.Hour+59*time.Second, s.InFlight)
		assert.Equal(t, `asynchandler: handler "default": delivery has not returned for 1m0s`, s.LastError)
		assert.Equal(t, time.Hour-time.Second, time.Since(s.LastErrorTime))
		assert.Equal(t, asynchandler.BreakerStats{State: "open", Opened: 1}, s.Breaker)
		gate.Release()
		require.NoError(t, h.Close())
		assert.Zero(t, h.Stats().InFlight)
	})
}

func TestStallTimeoutOff(t *testing.T) { // P13
	synctest.Test(t, func(t *testing.T) {
		var got, fallback testsink.Recorder
		gate := testsink.NewBlocker(&got)
		h := asynchandler.New(gate, asynchandler.WithStallTimeout(0), asynchandler.WithFallback(&fallback))
		logEach(h, "a", "b", "c")
		time.Sleep(24 * time.Hour)
		s := h.Stats()
		assert.Zero(t, s.Stalls)
		assert.Equal(t, asynchandler.BreakerStats{State: "closed"}, s.Breaker)
		assert.Equal(t, 24*time.Hour, s.InFlight)
		gate.Release()
		synctest.Wait() // a shutdown would not wait for a call that has not got on for long
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"a", "b", "c"}, got.Messages())
		assert.Zero(t, fallback.Len())
	})
}

func TestFallbackMustNotBeNext(t *testing.T) { // P7
	var next testsink.Recorder
	for name, h := range map[string]slog.Handler{"pointer": &next, "slog's default": slog.Default().Handler(), "value": slog.DiscardHandler} {
		t.Run(name, func(t *testing.T) {
			assert.PanicsWithValue(t, "asynchandler: WithFallback(next): want another handler than next", func() {
				asynchandler.New(h, asynchandler.WithFallback(h))
			})
		})
	}
	nothing := testsink.Func(func(context.Context, slog.Record) error { return nil })
	h := asynchandler.New(nothing, asynchandler.WithFallback(nothing), small) // functions cannot be compared
	require.NoError(t, h.Close())
}

// A record that is at fault, as its error says, is no verdict on next in a probe either.
func TestPermanentErrorInAProbe(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		fallback, taken := &testsink.Recorder{}, 0
		h := asynchandler.New(testsink.Func(func(_ context.Context, r slog.Record) error {
			switch {
			case down.Load():
				return testsink.ErrFault
			case r.Message == "poison":
				return asynchandler.ErrPermanent
			}
			taken++
			return nil
		}), quiet, asynchandler.WithFallback(fallback))
		logger := slog.New(h)
		for range 5 {
			logger.Info("m")
		}
		time.Sleep(6 * time.Second)
		down.Store(false)
		for _, m := range []string{"poison", "good"} {
			logger.Info(m)
			time.Sleep(time.Second)
		}
		assert.EqualValues(t, 1, h.Stats().Breaker.Opened)
		require.NoError(t, h.Close())
		assert.Equal(t, 1, taken)
	})
}

// A Write of several lines that is refused for good says nothing of next either.
func TestPermanentErrorOfAWrite(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		w := testsink.NewFaultWriter(nil)
		w.Always(testsink.Short(0, asynchandler.ErrPermanent))
		h := asynchandler.NewWriterHandler(w, messages, quiet, asynchandler.WithMaxWrite(64<<10),
			asynchandler.WithBreaker(gobreaker.Settings{ReadyToTrip: atOnce}))
		for range 3 {
			slog.New(h).Info("poison")
		}
		require.NoError(t, h.Flush(t.Context()))
		assert.Zero(t, h.Stats().Breaker.Opened)
		require.NoError(t, h.Close())
	})
}
