package promises_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// failing is a next that takes its time to fail.
func failing(after time.Duration) slog.Handler {
	return testsink.Func(func(context.Context, slog.Record) error {
		time.Sleep(after)
		return errRefused
	})
}

// Beside a fallback that is well nothing is dropped while next takes long to fail, nor while a
// probe is under way.
func TestNothingOverflowsBesideAFallback(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		var fallback testsink.Recorder
		h := asynchandler.New(failing(3*time.Second), quiet, asynchandler.WithCapacity(1024), asynchandler.WithFallback(&fallback))
		const records = 20_000
		for i := range records {
			slog.New(h).Info("m", "n", i)
			time.Sleep(3 * time.Millisecond)
		}
		require.NoError(t, h.Close())
		s := h.Stats()
		assert.EqualValues(t, records, s.Fallback)
		assert.Zero(t, s.Dropped)
		assert.Len(t, fallback.Messages(), records)
		assert.Greater(t, s.Breaker.HalfOpened, uint64(1))
	})
}

// With a fallback an outage costs the records at the sync level no wait for anything but
// their own outcome.
func TestSyncRecordsBesideAFallback(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		h := asynchandler.New(failing(0), small, quiet, asynchandler.WithFallback(&testsink.Recorder{}), asynchandler.WithSyncLevel(slog.LevelError))
		for range 100 {
			began := time.Now()
			slog.New(h).Error("m")
			assert.Less(t, time.Since(began), 10*time.Millisecond)
			time.Sleep(time.Second)
		}
		require.NoError(t, h.Close())
		assert.EqualValues(t, 100, h.Stats().Fallback)
	})
}

// A shutdown gives next what it takes: bad records at the front do not look like an outage.
func TestShutdownBehindBadRecordsBesideAFallback(t *testing.T) { // P7, P9
	for _, bad := range []int{2, 64} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next, fallback := &choosy{}, &testsink.Recorder{}
				blocker := testsink.NewBlocker(testsink.Func(next.handle))
				h := asynchandler.New(blocker, quiet, asynchandler.WithFallback(fallback))
				logger := slog.New(h)
				logger.Info("in next")
				<-blocker.Entered()
				for i := range bad {
					logger.Info(fmt.Sprint("bad ", i))
				}
				for i := range 100 {
					logger.Info(fmt.Sprint("good ", i))
				}
				closed := make(chan error)
				go func() { closed <- h.Close() }()
				synctest.Wait()
				blocker.Release()
				require.NoError(t, <-closed)
				assert.Len(t, next.taken, 101)
				assert.Len(t, fallback.Messages(), bad)
			})
		})
	}
}
