package async_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// While a call is under way for long, the fallback gets what waits as soon as half of the
// bytes are taken, at first and each time after that.
func TestPressureOfBytesDuringALongCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		h, plug := plugged(t, &testsink.Recorder{}, async.Options{
			Budget: limited(t, plugSize+9*unit), Fallback: fallback, StallTimeout: -1,
		})
		for i := range 3 {
			logSized(h, "1", "2")
			time.Sleep(2 * time.Second)
			assertOutcomes(t, h, outcomes{fallback: 5 * i, depth: 3})
			logSized(h, "3", "4", "5")
			time.Sleep(time.Second)
			assertOutcomes(t, h, outcomes{fallback: 5 * (i + 1), depth: 1})
		}
		plug.Release()
		assertOutcomes(t, h, outcomes{delivered: 1, fallback: 15})
	})
}
