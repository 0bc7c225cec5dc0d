package async_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestSyncLevelWaitsForTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		sink := &flushableSink{}
		h := async.New(testsink.NewSlow(rec, 30*time.Millisecond), async.Options{SyncLevel: slog.LevelError, Sink: sink})
		defer h.Close()
		began := time.Now()
		require.NoError(t, say(h, slog.LevelWarn, "w"))
		assert.Zero(t, time.Since(began))
		require.NoError(t, say(h, slog.LevelError, "e"))
		assert.Equal(t, 60*time.Millisecond, time.Since(began), "of the one before, too")
		assert.Equal(t, []string{"w", "e"}, rec.Messages())
		assert.Zero(t, sink.unflushed.Load())
	})
}

func TestSyncLevelWaitsForAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, async.ErrPermanent, nil)
		h := async.New(next, async.Options{SyncLevel: slog.LevelError, ErrorHandler: func(error) {}})
		defer h.Close()
		require.NoError(t, say(h, slog.LevelError, "e"), "it was taken; what next says is for the error handler")
		assert.Equal(t, uint64(1), h.Stats().Failed)
	})
}

func TestSyncLevelEndsWait(t *testing.T) {
	tests := []struct {
		name     string
		deadline time.Duration
		want     time.Duration
	}{
		{"after a second", time.Hour, time.Second},
		{"whatever becomes of the context", 50 * time.Millisecond, time.Second},
		{"also with a context that has ended", 0, time.Second},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			h, gate, rec := newStuck(t, async.Options{SyncLevel: slog.LevelError})
			ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
			defer cancel()
			began := time.Now()
			require.NoError(t, h.Handle(ctx, slog.NewRecord(began, slog.LevelError, "e", 0)), "it was taken")
			assert.Equal(t, tt.want, time.Since(began))
			drain(t, h, gate)
			assert.Equal(t, []string{"inside", "e"}, rec.Messages())
		})
	}
}

func TestSyncLevelIsDynamic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.LevelVar
		h, _, _ := newStuck(t, async.Options{SyncLevel: &level})
		elapsed := func() time.Duration {
			began := time.Now()
			require.NoError(t, say(h, slog.LevelInfo, "m"))
			return time.Since(began)
		}
		assert.Equal(t, time.Second, elapsed())
		level.Set(slog.LevelWarn)
		assert.Zero(t, elapsed())
		level.Set(slog.LevelInfo)
		assert.Equal(t, time.Second, elapsed())
	})
}

// A caller that waits for its record's outcome goes on when the shutdown has ended.
func TestSyncLevelEndsWithTheShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := newStuck(t, async.Options{SyncLevel: slog.LevelError})
		done := make(chan time.Time, 1)
		go func() {
			_ = say(h, slog.LevelError, "e")
			done <- time.Now()
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		began := time.Now()
		require.Error(t, h.Shutdown(ctx))
		assert.Equal(t, 20*time.Millisecond, (<-done).Sub(began))
	})
}
