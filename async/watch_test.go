package async_test

import (
	"errors"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// The watch of a call ends with the call: an idle handler wakes nobody. A timer that
// went on would start a goroutine each time.
func TestWatchEndsWithTheCall(t *testing.T) {
	created := func() uint64 {
		sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	synctest.Test(t, func(t *testing.T) {
		h := begin(t, testsink.NewFailer(nil, errors.New("x"), testsink.Every(7)), async.Options{StallTimeout: time.Second})
		const deliveries = 300
		before := created()
		for range deliveries {
			info(h, "a")
			time.Sleep(time.Minute)
		}
		assert.Less(t, created()-before, uint64(deliveries/3))
	})
}
