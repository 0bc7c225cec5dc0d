package promises_test

import (
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// pourFor is how long TestHeapIsBoundedWhileTheSinkHangs pours records in, at least.
// It needs no time, as the bound is reached after 256 records: ASYNCHANDLER_POUR=10s is
// for those who want to see, with -run and -v, what the whole process takes.
func pourFor(t *testing.T) time.Duration {
	s := os.Getenv("ASYNCHANDLER_POUR")
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	require.NoError(t, err)
	return d
}

// The memory of a process whose sink hangs is bounded, though eight goroutines pour
// in records of 64 KiB: what is alive is the limit and the queue itself, and while
// they pour one record for each caller.
func TestHeapIsBoundedWhileTheSinkHangs(t *testing.T) { // P5
	const goroutines, size, limit = 8, 64 << 10, 16 << 20
	before := liveHeap()
	w := testsink.NewBlockingWriter(nil)
	h := asynchandler.NewJSONHandler(w, nil, asynchandler.WithMemoryLimit(limit), asynchandler.WithCloseTimeout(time.Minute), quiet)
	var stop atomic.Bool
	var poured atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			l := slog.New(h)
			for !stop.Load() {
				l.Info(strings.Repeat("x", size-100), "a", 1)
				poured.Add(1)
			}
		})
	}
	var peak uint64 // with what is garbage already
	var m runtime.MemStats
	for end := time.Now().Add(pourFor(t)); poured.Load() < 4*limit/size || time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	stop.Store(true)
	wg.Wait()
	live := int64(liveHeap() - before)
	used := h.Stats().MemoryUsed
	resident := status("VmRSS:") + ", at most " + status("VmHWM:")
	t.Logf("%d records; live heap %.1f MiB more than before, heap with garbage at most %.1f MiB, resident %s, MemoryUsed %.1f MiB",
		poured.Load(), mib(live), mib(int64(peak)), resident, mib(used))
	assert.Greater(t, used, int64(limit-size), "the limit was reached")
	assert.LessOrEqual(t, used, int64(limit))
	const queue, rest = 2 * limit / size * 328, 2 << 20 // the rest is what the test and the runtime have
	assert.Less(t, live, int64(limit+queue+rest))
	w.Release()
	require.NoError(t, h.Close())
	assert.Less(t, int64(liveHeap()-before), int64(queue+rest), "nothing is kept after the end")
	runtime.KeepAlive(h)
}

// status returns a line of /proc/self/status, "unknown" where there is none.
func status(key string) string {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
