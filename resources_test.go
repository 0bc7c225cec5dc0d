package asynchandler_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
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
	eventually(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines+1 })
	assert.LessOrEqual(t, openFiles(), files)
	eventually(t, "all sinks are garbage", func() bool {
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

// The heap is where it was after a million records, of which some had to be copied and
// some were large; the handler is still in use.
func TestHeapAfterAMillionRecords(t *testing.T) { // P5
	total := 1_000_000
	if raceEnabled {
		total = 50_000
	}
	for _, f := range flavors[:2] {
		t.Run(f.name, func(t *testing.T) {
			h := f.make(io.Discard, nil, asynchandler.WithOverflow(asynchandler.Block))
			defer h.Close()
			l := slog.New(h).With("a", 1)
			round := func(n int) {
				for i := range n {
					if i%64 == 0 {
						l.Info("large", "ids", []int{i}, "pad", fmt.Sprintf("%2000d", i))
						continue
					}
					l.Info("request served", "id", i, "path", "/", "took", time.Millisecond)
				}
				require.NoError(t, h.Flush(t.Context()))
			}
			round(20_000) // now all is as large as it becomes
			before := liveHeap()
			round(total / 2)
			grown := int64(liveHeap()) - int64(before)
			t.Logf("live heap %+.3f MiB after %d records", mib(grown), total/2)
			assert.Less(t, grown, int64(1<<20))
			assert.Zero(t, h.Stats().MemoryUsed)
			assert.Equal(t, h.Stats().Received, h.Stats().Delivered)
		})
	}
}

// With Block no record is lost or out of order, on however many processors, though the
// queue is small. Somebody who looks on or flushes must not hurt, nor be what keeps it
// going.
func TestLosslessFlow(t *testing.T) { // P1, P3
	const goroutines, each = 8, 300
	for _, procs := range []int{1, 2, 4, 16} {
		for _, f := range []flavor{flavors[0], flavors[3]} { // over a writer, and over a handler
			for _, watched := range []bool{false, true} {
				t.Run(fmt.Sprintf("GOMAXPROCS %d/%s/watched %t", procs, f.name, watched), func(t *testing.T) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
					var out testsink.Buffer
					h := f.make(&out, nil, asynchandler.WithOverflow(asynchandler.Block), small)
					if watched {
						defer watch(t, h)()
					}
					time.Sleep(5 * time.Millisecond) // the worker sleeps
					logAll(slog.New(h), goroutines, each)
					require.NoError(t, h.Close())

					require.NoError(t, testsink.Check(testsink.Messages(out.String()), goroutines, each).Err())
					s := h.Stats()
					assert.EqualValues(t, goroutines*each, s.Received)
					assert.Equal(t, s.Received, s.Delivered)
					assert.Zero(t, s.Depth+int(s.Dropped+s.Failed+s.Fallback))
				})
			}
		}
	}
}

// With the other policies, what is dropped while next hangs is counted, and all else arrives
// once and in order. Later drops are possible too: the worker may get no processor.
func TestFlowIsAccountedFor(t *testing.T) { // P1, P3
	const goroutines, each = 8, 300
	for _, procs := range []int{1, 2, 4, 16} {
		for _, policy := range []asynchandler.Overflow{asynchandler.DropOldest, asynchandler.DropNewest} {
			t.Run(fmt.Sprintf("GOMAXPROCS %d/%v", procs, policy), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				var out testsink.Buffer
				gate := testsink.NewBlockingWriter(&out)
				h := asynchandler.NewTextHandler(gate, nil, asynchandler.WithOverflow(policy), small, asynchandler.WithDropReports(0))
				var wg sync.WaitGroup
				wg.Go(func() {
					eventually(t, "drops", func() bool { return h.Stats().Dropped >= 100 })
					gate.Release()
				})
				logAll(slog.New(h), goroutines, each)
				wg.Wait()
				require.NoError(t, h.Close())

				arrived := testsink.Check(testsink.Messages(out.String()), goroutines, each)
				s := h.Stats()
				assert.EqualValues(t, goroutines*each, s.Received)
				assert.EqualValues(t, arrived.Arrived, s.Delivered)
				assert.Len(t, arrived.Missing, int(s.Dropped))
				assert.Positive(t, s.Dropped)
				assert.Empty(t, arrived.Duplicates)
				assert.Empty(t, arrived.Unordered)
				assert.Empty(t, arrived.Unknown)
				assert.Zero(t, s.Depth+int(s.Failed+s.Fallback))
			})
		}
	}
}

// watch flushes the handler and looks at its statistics until stop is called.
func watch(t *testing.T, h *asynchandler.Handler) (stop func()) {
	var stopped atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stopped.Load() {
			s := h.Stats()
			assert.Equal(t, s.Received, s.Delivered+uint64(s.Depth))
			runtime.Gosched()
		}
	})
	wg.Go(func() {
		for !stopped.Load() {
			assert.NoError(t, h.Flush(t.Context()))
			runtime.Gosched()
		}
	})
	return func() {
		stopped.Store(true)
		wg.Wait()
	}
}
