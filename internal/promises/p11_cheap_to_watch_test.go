package promises_test

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestStatsWaitForNoDelivery(t *testing.T) { // P11, P13
	synctest.Test(t, func(t *testing.T) {
		w := testsink.NewBlockingWriter(nil)
		h := asynchandler.NewJSONHandler(w, nil, quiet)
		logEach(h, "hangs")
		<-w.Entered()
		logEach(h, "waits")
		time.Sleep(time.Minute)
		began := time.Now()
		s := h.Stats()
		assert.Zero(t, time.Since(began))
		assert.EqualValues(t, 2, s.Received)
		assert.Equal(t, 2, s.Depth)
		assert.Equal(t, time.Minute, s.InFlight)
		w.Release()
		require.NoError(t, h.Close())
	})
}

// Each line that a slow writer has taken counts at once, also in what a shutdown says.
func TestStatsShowEachLine(t *testing.T) { // P3, P9, P11
	synctest.Test(t, func(t *testing.T) {
		var out testsink.Buffer
		w := testsink.NewFaultWriter(&out)
		w.Always(func(w io.Writer, p []byte) (int, error) {
			time.Sleep(20 * time.Millisecond)
			return w.Write(p)
		})
		h := asynchandler.NewJSONHandler(w, nil, quiet, asynchandler.WithCloseTimeout(time.Second))
		logEach(h, numbered(1000, 10)...)
		for range 10 {
			time.Sleep(200*time.Millisecond + time.Microsecond)
			synctest.Wait()
			s := h.Stats()
			assert.EqualValues(t, len(out.Writes()), s.Delivered)
			assert.Equal(t, 1000-len(out.Writes()), s.Depth)
		}
		var e *asynchandler.ShutdownError
		require.ErrorAs(t, h.Close(), &e)
		synctest.Wait()
		assert.Equal(t, 1000-len(out.Writes()), e.Undelivered)
		time.Sleep(time.Minute)
		s := h.Stats()
		assert.EqualValues(t, len(out.Writes()), s.Delivered)
		assert.EqualValues(t, 1000-len(out.Writes()), s.Dropped)
	})
}

// With a fallback nothing waits for a probe: the open breaker stays open until there is
// a record to try with, however often somebody looks.
func TestStatsLeaveTheBreakerAlone(t *testing.T) { // P11, P7
	synctest.Test(t, func(t *testing.T) {
		var fallback testsink.Recorder
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, asynchandler.WithFallback(&fallback))
		defer h.Close()
		logEach(h, numbered(10, 5)...)
		require.NoError(t, h.Flush(t.Context()))
		next.Heal()
		for range 100 {
			time.Sleep(time.Minute)
			require.Equal(t, asynchandler.BreakerStats{State: "open", Opened: 1}, h.Stats().Breaker)
		}
		assert.Equal(t, numbered(10, 5), fallback.Messages())
		logEach(h, "probe")
		require.NoError(t, h.Flush(t.Context()))
		assert.Equal(t, []string{"probe"}, next.got.Messages())
		assert.Equal(t, asynchandler.BreakerStats{State: "closed", Opened: 1, HalfOpened: 1, Closed: 1}, h.Stats().Breaker)
	})
}
