package recorder_test

import (
	"io"
	"log/slog"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/recorder"
)

func heap() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// 100,000 requests of 20 DEBUG records, of which one in a thousand fails; under the race
// detector 10,000.
func TestRequestsThatEndWellLeaveNothing(t *testing.T) {
	h := recorder.New(slog.NewJSONHandler(io.Discard, all), recorder.Options{})
	l := slog.New(h)
	requests := 100_000
	if raceEnabled {
		requests = 10_000
	}
	before := heap()
	most := int64(0)
	for request := range requests {
		ctx, end := recorder.Begin(t.Context())
		for range 20 {
			logQuery(ctx, l, slog.LevelDebug)
		}
		most = max(most, h.Stats().Bytes)
		if request%1000 == 999 {
			logQuery(ctx, l, slog.LevelError)
		}
		end()
	}
	s := law(t, h)
	assert.Equal(t, uint64(20*requests), s.Kept)
	assert.Equal(t, uint64(20*requests/1000), s.Emitted)
	assert.Equal(t, uint64(20*requests)-s.Emitted, s.Forgotten)
	assert.Less(t, most, int64(20*512), "one request at a time")
	grown := heap() - before
	assert.Less(t, grown, int64(64<<10))
	t.Logf("most bytes kept: %d, heap grown by: %d", most, grown)
}

// What Stats says is kept is what the heap holds.
func TestBytesAreThoseOfTheHeap(t *testing.T) {
	h := recorder.New(slog.NewJSONHandler(io.Discard, all), recorder.Options{MaxBytes: 8 << 20, MaxRecords: 100})
	l := slog.New(h)
	contexts := begin(t, 1000)
	before := heap()
	for i := range 100_000 {
		text := make([]byte, 100)
		l.DebugContext(contexts[i%1000], "kept", "text", string(text))
	}
	s := law(t, h)
	grown := heap() - before
	assert.LessOrEqual(t, s.Bytes, int64(8<<20))
	assert.InEpsilon(t, s.Bytes, grown, 0.25)
	runtime.KeepAlive(l)
}
