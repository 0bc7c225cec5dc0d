//go:build !race

// With the race detector, on a busy machine, one batch into a JSON handler takes so
// long that callers are right not to wait for it.

package async_test

import (
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
)

// A tight loop into a healthy handler loses nothing at default options (P2). In real
// time, for it is about the scheduler. A machine so busy that the worker's thread gets
// no CPU time for 100 ms is not what is meant, and makes callers right to drop: so the
// loop has some tries, and must lose nothing in one.
func TestTightLoopLosesNothing(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	for _, procs := range []int{1, 2, 4} {
		t.Run("GOMAXPROCS="+strconv.Itoa(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			var s async.Stats
			for range 5 {
				if s = tightLoop(t, n); s.Dropped == 0 {
					break
				}
				t.Logf("dropped: %v", dropCounts(s))
			}
			assert.Equal(t, n, int(s.Delivered))
		})
	}
}

func tightLoop(t *testing.T, n int) async.Stats {
	h := async.New(slog.NewJSONHandler(io.Discard, nil), async.Options{Format: async.FormatJSON})
	log := slog.New(h)
	for i := range n {
		log.Info("request served", "path", "/", "status", 200, "i", i)
	}
	require.NoError(t, h.Close())
	s := h.Stats()
	requireBalanced(t, s)
	return s
}
