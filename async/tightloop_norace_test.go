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
// time, for it is about the scheduler.
func TestTightLoopLosesNothing(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	for _, procs := range []int{1, 2, 4} {
		t.Run("GOMAXPROCS="+strconv.Itoa(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			h := async.New(slog.NewJSONHandler(io.Discard, nil), async.Options{Format: async.FormatJSON})
			log := slog.New(h)
			for i := range n {
				log.Info("request served", "path", "/", "status", 200, "i", i)
			}
			require.NoError(t, h.Close())
			s := h.Stats()
			requireBalanced(t, s)
			assert.Equal(t, n, int(s.Delivered), "dropped: %v", dropCounts(s))
		})
	}
}
