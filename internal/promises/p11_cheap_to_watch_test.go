package promises_test

import (
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
