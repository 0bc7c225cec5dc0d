package async_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// Callers wait for a fast fallback as they would for a fast next, though next hangs beside it.
func TestFastFallbackBesideAHungNextLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := testsink.NewGate()
		t.Cleanup(hang.Release)
		h := begin(t, testsink.Func(func(context.Context, slog.Record) error { hang.Pass(); return nil }), async.Options{
			Capacity: 64, StallTimeout: time.Second, Gate: newBreaker(),
			Fallback: testsink.NewSlow(nil, 19*time.Microsecond),
		})
		info(h, "hangs")
		time.Sleep(2 * time.Second)
		const records = 50_000 // about a second of the fallback's time
		for range records {
			info(h, "m")
		}
		synctest.Wait()
		time.Sleep(time.Second)
		s := assertIdentity(t, h)
		assert.Zero(t, s.Dropped)
		assert.EqualValues(t, records, s.Fallback)
	})
}
