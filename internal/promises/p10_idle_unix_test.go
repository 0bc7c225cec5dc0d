//go:build unix

package promises_test

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cpuTime returns the processor time that the process has used.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var use syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// A hundred handlers that have worked, and now have nothing to do, use no processor time.
// If each of them looked for records now and then they would use, of one processor, 16 %
// for looks each millisecond and 5 % for looks each ten (measured). The runtime may have
// something to do of its own, so there are some tries.
func TestIdleHandlersUseNoProcessorTime(t *testing.T) { // P10
	const total, idle, bound = 100, 300 * time.Millisecond, 6 * time.Millisecond
	for i := range total {
		file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		require.NoError(t, err)
		defer file.Close()
		h := flavors[i%len(flavors)].make(file, nil, small)
		defer h.Close()
		slog.New(h).Info("m")
		require.NoError(t, h.Flush(t.Context()))
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection costs more than all handlers
	used := bound
	for try := 0; try < 5 && used >= bound; try++ {
		time.Sleep(20 * time.Millisecond) // naps are over
		before := cpuTime(t)
		time.Sleep(idle)
		used = cpuTime(t) - before
	}
	t.Logf("%d idle handlers used %v of processor time in %v", total, used, idle)
	assert.Less(t, used, bound)
}
