package async_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
)

// The shutdown goes on when the goroutine that began it ends early, here by the methods of
// its context, and other callers get its result (P9).
func TestShutdownOutlivesTheGoroutineThatBeganIt(t *testing.T) {
	for name, do := range map[string]func(){"exits": runtime.Goexit, "panics": func() { panic("boom") }} {
		bubble(t, name, func(t *testing.T) {
			ran := false
			h, gate, rec := newStuck(t, async.Options{OnShutdown: []func(context.Context) error{func(context.Context) error { ran = true; return nil }}})
			require.NoError(t, say(h, slog.LevelInfo, "waits"))
			u := &userCode{kind: "Err", do: do}
			var wg sync.WaitGroup
			wg.Go(func() {
				defer func() { _ = recover() }()
				_ = h.Shutdown(userContext{u})
			})
			wg.Wait()
			gate.Release()
			_ = h.Shutdown(t.Context())
			synctest.Wait()
			assert.EqualValues(t, 1, u.calls.Load(), "the code ran")
			assert.True(t, ran)
			assert.NotEmpty(t, rec.Messages())
			requireBalanced(t, h.Stats())
		})
	}
}

// An immediate shutdown of a full queue of 262,144 returns in no time, says how many are
// lost, and the law holds at the next quiet moment (P9).
func TestImmediateShutdownOfALargeQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 262_144
		h, _, _ := newStuck(t, async.Options{Capacity: n})
		for range n - 1 {
			require.NoError(t, say(h, slog.LevelInfo, "m"))
		}
		began := time.Now()
		var err *async.ShutdownError
		require.ErrorAs(t, h.Shutdown(canceled()), &err)
		assert.LessOrEqual(t, time.Since(began), 10*time.Millisecond)
		assert.Equal(t, n, err.Undelivered)
		synctest.Wait()
		s := h.Stats()
		requireBalanced(t, s)
		assert.EqualValues(t, n-1, s.Dropped)
	})
}
