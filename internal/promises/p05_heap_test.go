package promises_test

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

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

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what is pooled goes with the second
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
