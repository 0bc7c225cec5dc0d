package promises_test

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// openFiles returns how many files the process has open, 0 where that cannot be known.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd") // only Linux has it
	return len(entries)
}

// life is all that becomes of a handler: it is made, used and ended. It returns what
// would live on with anything that is left of the handler.
func life(t *testing.T, i int, f flavor) weak.Pointer[fileSink] {
	file, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(t, err)
	sink := &fileSink{file, i%10 == 9}
	h := f.make(sink, nil, quiet, asynchandler.WithCapacity(16), asynchandler.WithStallTimeout(time.Hour),
		asynchandler.WithOnShutdown(func(context.Context) error { return sink.Close() }))
	l := slog.New(h)
	l.Info("first")
	l.With("a", 1).WithGroup("g").Warn("second", "b", 2)
	if !sink.broken {
		require.NoError(t, h.Flush(t.Context()))
		require.NoError(t, h.Close())
		return weak.Make(sink)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what waits is not waited for
	require.Error(t, h.Shutdown(ctx))
	return weak.Make(sink)
}

// fileSink is a file, perhaps one that takes nothing.
type fileSink struct {
	*os.File
	broken bool
}

func (s *fileSink) Write(p []byte) (int, error) {
	if s.broken {
		return 0, testsink.ErrFault
	}
	return s.File.Write(p)
}

// Nothing is left of handlers that have ended: no goroutine, no file, no memory. A timer
// that were left would keep the handler, and so the sink, alive.
func TestNothingIsLeftOfTenThousandHandlers(t *testing.T) { // P9
	total := 10_000
	if raceEnabled {
		total = 2000 // enough for the race detector
	}
	goroutines, files, heap := runtime.NumGoroutine(), openFiles(), liveHeap()
	sinks := make([]weak.Pointer[fileSink], total)
	for i := range sinks {
		sinks[i] = life(t, i, flavors[i%len(flavors)])
	}
	// One more is that of the condition.
	testsink.Eventually(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+1 })
	assert.LessOrEqual(t, openFiles(), files)
	testsink.Eventually(t, "all sinks are garbage", func() bool {
		runtime.GC()
		for _, s := range sinks {
			if s.Value() != nil {
				return false
			}
		}
		return true
	})
	grown := int64(liveHeap()) - int64(heap)
	runtime.KeepAlive(sinks)
	t.Logf("%d handlers: %d goroutines, %d files before and after; live heap %+.2f MiB", total, goroutines, files, mib(grown))
	assert.Less(t, grown, int64(4<<20), "a handler with 16 places takes 6 KiB or more")
}
