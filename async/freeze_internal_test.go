package async

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/ring"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// freeze stops a caller that logs msg where it has a place in the queue and has not filled
// it yet, and returns what lets it go on.
func freeze(t *testing.T, h *Handler, msg string) (thaw func()) {
	t.Helper()
	c := h.core
	pos, e, status := c.ring.Reserve()
	require.Equal(t, ring.Reserved, status)
	return func() {
		r := newRecord(msg)
		c.put(pos, e, t.Context(), h, &r, 0)
		c.follow(t.Context(), pos, r.Level)
	}
}

// A caller may be preempted at the worst moment for as long as the scheduler likes. What is
// behind its record waits for it, and so do all who wait for that; nobody goes ahead of it, and
// nobody is woken in vain.
func TestFrozenCaller(t *testing.T) {
	for _, tt := range []struct {
		name string
		wait func(h *Handler) error
	}{
		{"the worker has parked", func(*Handler) error { time.Sleep(time.Minute); return nil }},
		{"flush", func(h *Handler) error { return h.Flush(context.Background()) }},
		{"shutdown", func(h *Handler) error { return h.Shutdown(context.Background()) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := &testsink.Recorder{}
				h := New(rec, Options{})
				defer h.Close()
				require.NoError(t, h.Handle(t.Context(), newRecord("a")))
				thaw := freeze(t, h, "b")
				require.NoError(t, h.Handle(t.Context(), newRecord("c")))
				done := make(chan error, 1)
				go func() { done <- tt.wait(h) }()
				time.Sleep(time.Second)
				assert.Equal(t, []string{"a"}, rec.Messages())
				assert.Equal(t, 2, h.Stats().Depth)
				assert.Empty(t, done)
				if tt.name == "the worker has parked" {
					assert.Equal(t, parked, h.core.sleep.Load())
				}

				thaw()
				require.NoError(t, <-done)
				assert.Equal(t, []string{"a", "b", "c"}, rec.Messages())
				assert.Zero(t, h.Stats().Depth)
			})
		})
	}
}

// What cannot be evicted because the oldest record is not there yet is not waited for but by
// a protected record, and by that not for ever.
func TestEvictionMeetsAFrozenCaller(t *testing.T) {
	for _, tt := range []struct {
		name  string
		level slog.Level
		thaw  time.Duration // after the record was logged; 0: not before that is back
		err   error
		want  []string
	}{
		{"unprotected", slog.LevelInfo, 0, ErrDropped, []string{"a", "b", "c"}},
		{"protected", slog.LevelError, 0, ErrDropped, []string{"a", "b", "c"}},
		{"protected, in time", slog.LevelError, maxWait + 50*time.Millisecond, nil, []string{"a", "c", "d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := &testsink.Recorder{}
				gate := testsink.NewBlocker(rec)
				h := New(gate, Options{Capacity: 2, DropReports: -1})
				defer h.Close()
				require.NoError(t, h.Handle(t.Context(), newRecord("a")))
				<-gate.Entered()
				thaw := freeze(t, h, "b")
				require.NoError(t, h.Handle(t.Context(), newRecord("c")))
				if tt.thaw > 0 {
					time.AfterFunc(tt.thaw, thaw)
				}

				r := newRecord("d")
				r.Level = tt.level
				begun := time.Now()
				require.ErrorIs(t, h.Handle(t.Context(), r), tt.err)
				assert.Less(t, time.Since(begun), 3*maxWait) // of fake time
				if tt.thaw == 0 {
					thaw()
				}
				gate.Release()
				require.NoError(t, h.Flush(t.Context()))
				assert.Equal(t, tt.want, rec.Messages())
				assert.Equal(t, uint64(1), h.Stats().Dropped)
			})
		})
	}
}
