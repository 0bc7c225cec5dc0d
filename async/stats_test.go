package async_test

import (
	"encoding/json"
	"log/slog"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestStatsDoNotWaitForNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, _ := newStuck(t, async.Options{Capacity: 8})
		sayEach(h, "a", "b")
		time.Sleep(3 * time.Second)
		s := h.Stats()
		assert.Equal(t, 3*time.Second, s.InFlight, "finds a next that hangs")
		assert.Equal(t, 3, s.Depth)
		assert.Equal(t, s, h.Stats(), "looking changes nothing")
		drain(t, h, gate)
		s = h.Stats()
		assert.Zero(t, s.InFlight)
		assert.Zero(t, s.Depth)
		assert.Equal(t, 3, s.PeakDepth)
	})
}

// PeakDepth sees what nobody asked for at the time.
func TestPeakDepth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		gate := testsink.NewBlocker(rec)
		h := async.New(gate, async.Options{Capacity: 16})
		sayEach(h, "inside")
		<-gate.Entered()
		sayEach(h, counted("m", 12)...)
		drain(t, h, gate)
		sayEach(h, "one more")
		require.NoError(t, h.Close())
		assert.Equal(t, 13, h.Stats().PeakDepth)
	})
}

// In real time: there is no monotonic clock in a bubble.
func TestLatency(t *testing.T) {
	const delay = 5 * time.Millisecond
	h := async.New(testsink.NewSlow(nil, delay), async.Options{BatchSize: 1})
	slog.New(h).Info("a")
	slog.New(h).Info("b")
	require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelInfo, "without a time", 0)))
	require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now().Add(time.Hour), slog.LevelInfo, "of the future", 0)))
	require.NoError(t, h.Close())
	l := h.Stats().Latency
	assert.Equal(t, uint64(3), l.Count)
	assert.GreaterOrEqual(t, l.Sum, 3*delay, "the second one waited for the first")
	assert.GreaterOrEqual(t, l.Max, 2*delay)
	assert.True(t, slices.IsSorted([]time.Duration{0, l.P50, l.P90, l.P95, l.P99}), "%+v", l)
	assert.Positive(t, l.P90)
}

func TestLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, async.ErrPermanent, testsink.First(1))
		h := async.New(next, async.Options{ErrorHandler: func(error) {}, Linger: 1})
		assert.Empty(t, h.Stats().LastError)
		assert.Zero(t, h.Stats().LastErrorTime)
		time.Sleep(time.Minute)
		failed := time.Now()
		sayEach(h, "bad")
		time.Sleep(time.Minute)
		sayEach(h, "good")
		require.NoError(t, h.Close())
		s := h.Stats()
		assert.Equal(t, async.ErrPermanent.Error(), s.LastError)
		assert.True(t, s.LastErrorTime.Equal(failed), "%v", s.LastErrorTime)
		assert.Equal(t, uint64(1), s.DeliveryErrors)
	})
}

func TestStatsAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := async.New(&testsink.Recorder{}, async.Options{Name: "audit"})
		require.NoError(t, h.Close())
		text, err := json.Marshal(h.Stats())
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got))
		assert.Subset(t, keys(got), []string{
			"name", "received", "delivered", "fallback", "failed", "dropped", "drops", "depth", "capacity",
			"peak_depth", "memory_used_bytes", "memory_limit_bytes", "delivery_errors", "panics", "stalls",
			"drop_reports", "written_bytes", "in_flight_ns", "blocked_ns", "waiting", "latency", "breaker",
		})
		assert.NotContains(t, got, "last_error", "there was none")
		assert.NotContains(t, got, "last_error_time")
		assert.Equal(t, "audit", got["name"])
		assert.ElementsMatch(t, []string{"count", "sum_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns"}, keys(got["latency"]))
		assert.ElementsMatch(t, []string{"state", "opened", "half_opened", "closed"}, keys(got["breaker"]))
		assert.Equal(t, map[string]any{"reason": "overflow", "level": "DEBUG", "count": 0.0}, got["drops"].([]any)[0])
	})
}

func keys(object any) (names []string) {
	for name := range object.(map[string]any) {
		names = append(names, name)
	}
	return names
}

// Derived handlers start nothing: they share the queue and the worker.
func TestDerivedHandlersShareTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := async.New(rec, async.Options{})
		synctest.Wait()
		before := runtime.NumGoroutine()
		var derived slog.Handler = h
		for range 100 {
			derived = derived.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g")
		}
		require.Empty(t, sayEach(derived, "m"))
		synctest.Wait()
		assert.LessOrEqual(t, runtime.NumGoroutine(), before) // one of an earlier test may have ended
		assert.Same(t, h, h.WithGroup(""))
		assert.Same(t, h, h.WithAttrs(nil))
		assert.Equal(t, 200, rec.Derived(), "at once, on the caller")
		require.NoError(t, h.Close())
		assert.Equal(t, uint64(1), h.Stats().Delivered)
	})
}

// A breaker needs no adapter to be seen.
func TestStatsShowTheStateOfABreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		h := async.New(testsink.NewFailer(nil, nil, testsink.First(6)), async.Options{Gate: b, ErrorHandler: func(error) {}})
		assert.Equal(t, async.BreakerStats{State: "closed"}, h.Stats().Breaker)
		sayEach(h, "m", "n", "o", "p", "q")
		time.Sleep(time.Minute)
		assert.Equal(t, async.BreakerStats{State: "closed", Opened: 1, HalfOpened: 1, Closed: 1}, h.Stats().Breaker)
		require.NoError(t, h.Close())
	})
}

// A gate without a state shows as none.
func TestStatsOfAnotherGate(t *testing.T) {
	h := async.New(&testsink.Recorder{}, async.Options{Gate: &fakeGate{}})
	defer h.Close()
	assert.Equal(t, async.BreakerStats{State: "off"}, h.Stats().Breaker)
}

func TestExponentialBucketsOfDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := async.New(testsink.NewSlow(nil, 2*time.Second), async.Options{BatchSize: 1})
		sayEach(h, "a", "b", "c")
		require.NoError(t, h.Close())
		shortest, buckets := h.Stats().DeliveryDuration.Exponential()
		assert.Zero(t, shortest)
		assert.Equal(t, map[int]int64{8: 3}, buckets, "2^(8/8) seconds")
	})
	shortest, buckets := async.DurationStats{Count: 5}.Exponential()
	assert.Zero(t, shortest)
	assert.Nil(t, buckets, "not known")
}
