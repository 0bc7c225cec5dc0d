package promises_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A record that could not fit, whatever lower records made room, costs no other its place.
func TestWhatCannotFitEvictsNothing(t *testing.T) { // P6
	synctest.Test(t, func(t *testing.T) {
		var rec testsink.Recorder
		gate := testsink.NewGate()
		h := asynchandler.New(testsink.Func(func(ctx context.Context, r slog.Record) error {
			gate.Pass()
			return rec.Handle(ctx, r)
		}), quiet, asynchandler.WithMemoryLimit(1<<20), asynchandler.WithStallTimeout(0), asynchandler.WithDropReports(0))
		l := slog.New(h)
		pad := strings.Repeat("x", 900)
		for range 1000 {
			l.Error("kept", "pad", strings.Clone(pad))
		}
		before := h.Stats().Dropped
		l.Debug("too large", "pad", strings.Repeat("x", 900_000))
		s := h.Stats()
		assert.Equal(t, before+1, s.Dropped, "itself alone")
		gate.Release()
		require.NoError(t, h.Close())
	})
}

// A record below the protected level that was tried and is held makes room for ERRORs, as one
// that waits does.
func TestHeldRecordsMakeRoomForErrors(t *testing.T) { // P6, P7
	synctest.Test(t, func(t *testing.T) {
		h := asynchandler.New(failing(0), quiet, asynchandler.WithMemoryLimit(1<<20), asynchandler.WithDropReports(0), asynchandler.WithCloseTimeout(time.Second))
		l := slog.New(h)
		l.Debug("held", "pad", strings.Repeat("x", 900_000))
		time.Sleep(time.Second)
		for range 76 {
			l.Error("kept", "pad", strings.Repeat("x", 4000))
		}
		synctest.Wait()
		var errors, debug uint64
		for _, d := range h.Stats().Drops {
			switch d.Level {
			case slog.LevelError:
				errors += d.Count
			case slog.LevelDebug:
				debug += d.Count
			}
		}
		assert.Zero(t, errors)
		assert.EqualValues(t, 1, debug)
		_ = h.Close()
	})
}
