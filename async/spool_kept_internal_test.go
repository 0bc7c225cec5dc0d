package async

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

// When the disk is empty again nothing is left of the memory that loading it took.
func TestTheMemoryOfAnOutageIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(t.TempDir(), spool.Options{SyncInterval: -1})
		require.NoError(t, err)
		var up atomic.Bool
		next := testsink.Func(func(context.Context, slog.Record) error {
			if up.Load() {
				return nil
			}
			return errors.New("down")
		})
		h := New(next, Options{Capacity: 16, BatchSize: 8, Spool: s, MaxWait: -1, ErrorHandler: func(error) {}})
		for range 50 {
			_ = h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0))
			time.Sleep(100 * time.Millisecond)
		}
		up.Store(true)
		time.Sleep(time.Hour)
		require.Zero(t, h.Stats().Spooled)
		require.NoError(t, h.Close())
		require.Positive(t, h.Stats().SpooledTotal)
		require.Zero(t, cap(h.engine.disk.held), "it is kept for ever")
	})
}
