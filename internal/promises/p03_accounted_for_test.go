package promises_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

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
					testsink.Eventually(t, "drops", func() bool { return h.Stats().Dropped >= 100 })
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
