//go:build !race

package async_test // the race detector allows 8,128 goroutines

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// Many goroutines that log one error each at the same moment lose none of them (P2).
func TestHerdOfErrorsLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := async.New(testsink.NewSlow(rec, 10*time.Microsecond), async.Options{Capacity: 1024})
		var wg sync.WaitGroup
		for range 30_000 {
			wg.Go(func() { assert.NoError(t, say(h, slog.LevelError, "m")) })
		}
		wg.Wait()
		require.NoError(t, h.Close())
		assert.Equal(t, 30_000, rec.Len())
		assert.Zero(t, h.Stats().Dropped)
	})
}
