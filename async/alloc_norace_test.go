//go:build !race

// The race detector allocates in what it instruments.

package async_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// plain are as many attributes as a slog.Record holds in itself, of kinds that need
// no copy.
func plain() []slog.Attr {
	return []slog.Attr{
		slog.String("s", "text"), slog.Int("i", 1), slog.Bool("b", true),
		slog.Float64("f", 1.5), slog.Duration("d", time.Second),
	}
}

func requireAllocs(t *testing.T, want float64, f func()) {
	t.Helper()
	require.Equal(t, want, testing.AllocsPerRun(1000, f))
}

func TestAllocsOfHandle(t *testing.T) {
	for _, n := range []int{0, 1, 5} {
		for _, opts := range []async.Options{{}, {Capture: async.CaptureReference}, {Format: async.FormatJSON}} {
			h := async.New(testsink.Func(func(context.Context, slog.Record) error { return nil }), opts)
			ctx, cancel := context.WithCancel(t.Context())
			rec := slog.NewRecord(time.Now(), slog.LevelInfo, "request served", 0)
			rec.AddAttrs(plain()[:n]...)
			requireAllocs(t, 0, func() { _ = h.Handle(ctx, rec) })
			cancel()
			require.NoError(t, h.Close())
			require.Zero(t, h.Stats().Dropped)
		}
	}
}

// A refused call allocates nothing, whatever the reason.
func TestAllocsOfRefusedCall(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name  string
		opts  async.Options
		ctx   context.Context
		close bool
		want  error
	}{
		{"DropNewest", async.Options{Overflow: async.DropNewest}, t.Context(), false, async.ErrDropped},
		{"DropNewest with HighWater", async.Options{
			Overflow: async.DropNewest, HighWater: 1, OnHighWater: func(int, int) {},
		}, t.Context(), false, async.ErrDropped},
		{"closed", async.Options{}, t.Context(), true, async.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			gate := testsink.NewBlocker(nil)
			defer gate.Release()
			tt.opts.Capacity = 1
			h := async.New(gate, tt.opts)
			rec := slog.NewRecord(time.Now(), slog.LevelInfo, "inside", 0)
			rec.AddAttrs(plain()...)
			require.NoError(t, h.Handle(tt.ctx, rec))
			<-gate.Entered()
			require.NoError(t, h.Handle(tt.ctx, rec))
			if tt.close {
				require.Error(t, h.Shutdown(ended))
			}
			require.ErrorIs(t, h.Handle(tt.ctx, rec), tt.want) // this one may wait
			requireAllocs(t, 0, func() { _ = h.Handle(tt.ctx, rec) })
			require.ErrorIs(t, h.Handle(tt.ctx, rec), tt.want)
			gate.Release()
			_ = h.Close() // with an error where it was closed before
		})
	}
}
