package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/latency"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// at returns the time s seconds after start.
func at(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }

func TestQuantileError(t *testing.T) {
	tests := []struct {
		name string
		next func(r *rand.Rand) float64 // nanoseconds
	}{
		{"constant", func(*rand.Rand) float64 { return 1234567 }},
		{"uniform", func(r *rand.Rand) float64 { return 1e3 + r.Float64()*1e6 }},
		{"exponential", func(r *rand.Rand) float64 { return r.ExpFloat64() * 1e7 }},
		{"log-normal", func(r *rand.Rand) float64 { return 1e6 * math.Exp(2*r.NormFloat64()) }},
		{"heavy tail", func(r *rand.Rand) float64 { return 1e4 / math.Pow(1-r.Float64(), 1.5) }},
		{"two modes", func(r *rand.Rand) float64 { return []float64{2e3, 3e9}[r.IntN(2)] * (1 + 0.1*r.Float64()) }},
		{"near the zero bucket", func(r *rand.Rand) float64 { return 60 + 200*r.Float64() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for _, n := range []int{1, 2, 10, 99, 100, 1000, 20000} {
				var h latency.Histogram
				values := make([]time.Duration, n)
				for i := range values {
					values[i] = time.Duration(tt.next(r))
					h.Record(start, values[i])
				}
				slices.Sort(values)
				s := h.Snapshot(start)
				for p, got := range map[int]time.Duration{50: s.P50, 90: s.P90, 95: s.P95, 99: s.P99} {
					exact := values[(n*p+99)/100-1] // nearest rank
					assert.InDelta(t, exact, got, 0.0434*float64(exact)+1, "p%d of %d", p, n)
				}
				assert.Equal(t, values[n-1], s.Max)
				assert.LessOrEqual(t, s.P99, s.Max)
			}
		})
	}
}

func TestSnapshotOfNothing(t *testing.T) {
	var h latency.Histogram
	assert.Equal(t, latency.Snapshot{}, h.Snapshot(start))
	assert.Equal(t, latency.Snapshot{}, h.Snapshot(time.Time{}))
}

func TestExtremeDurations(t *testing.T) {
	tests := []struct {
		name string
		d    time.Duration
		want latency.Snapshot // Count is 1
	}{
		{"zero", 0, latency.Snapshot{}},
		{"negative", -time.Hour, latency.Snapshot{}},
		{"in the zero bucket", 7, latency.Snapshot{Sum: 7, P50: 7, P90: 7, P95: 7, P99: 7, Max: 7}},
		{
			"above the range", 50 * time.Hour,
			latency.Snapshot{Sum: 50 * time.Hour, P50: 50 * time.Hour, P90: 50 * time.Hour, P95: 50 * time.Hour, P99: 50 * time.Hour, Max: 50 * time.Hour},
		},
		{
			"most", math.MaxInt64,
			latency.Snapshot{Sum: math.MaxInt64, P50: math.MaxInt64, P90: math.MaxInt64, P95: math.MaxInt64, P99: math.MaxInt64, Max: math.MaxInt64},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h latency.Histogram
			h.Record(start, tt.d)
			tt.want.Count = 1
			assert.Equal(t, tt.want, h.Snapshot(start))
		})
	}
}

func TestSumStartsAgainRatherThanTurnNegative(t *testing.T) {
	var h latency.Histogram
	h.Record(start, math.MaxInt64)
	h.Record(start, 11)
	assert.Equal(t, time.Duration(10), h.Snapshot(start).Sum)
	assert.Equal(t, uint64(2), h.Snapshot(start).Count)
}

// One record each at the seconds given; the maximum says which of them a later snapshot
// still sees.
func TestWindows(t *testing.T) {
	type rec struct {
		at float64
		d  time.Duration
	}
	tests := []struct {
		name    string
		records []rec
		at      float64
		want    time.Duration // Max
	}{
		{"same instant", []rec{{0, 5}}, 0, 5},
		{"last moment of the minute", []rec{{0, 5}}, 59.999, 5},
		{"a minute later", []rec{{0, 5}}, 60, 0},
		{"end of its window", []rec{{0, 1}, {9.999, 5}}, 59.999, 5},
		{"windows begin with the first record", []rec{{0, 1}, {9.999, 5}}, 60, 0},
		{"next window", []rec{{0, 5}, {10, 1}}, 60, 1},
		{"next window's end", []rec{{0, 5}, {10, 1}}, 70, 0},
		{"each window leaves by itself", []rec{{0, 9}, {10, 8}, {20, 7}, {30, 6}, {40, 5}, {50, 4}, {60, 3}, {70, 2}}, 70, 7},
		{"all of the last minute", []rec{{0, 9}, {10, 8}, {20, 7}, {30, 6}, {40, 5}, {50, 4}}, 50, 9},
		{"quiet windows are skipped", []rec{{0, 9}, {35, 5}}, 65, 5},
		{"a record after a long silence", []rec{{0, 9}, {1000, 5}}, 1000, 5},
		{"its window begins then", []rec{{0, 9}, {1005, 5}}, 1064.999, 5},
		{"and ends a minute later", []rec{{0, 9}, {1005, 5}}, 1065, 0},
		{"a year of silence", []rec{{0, 9}}, 365 * 86400, 0},
		{"backwards within the window", []rec{{5, 9}, {3, 10}}, 5, 10},
		{"backwards counts as the current window", []rec{{0, 1}, {30, 2}, {1, 9}}, 89.999, 9},
		{"and leaves with it", []rec{{0, 1}, {30, 2}, {1, 9}}, 90, 0},
		{"far backwards", []rec{{0, 1}, {-1e6, 9}}, 0, 9},
		{"a snapshot from before", []rec{{30, 9}}, 0, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h latency.Histogram
			var sum time.Duration
			for _, r := range tt.records {
				h.Record(at(r.at), r.d)
				sum += r.d
			}
			s := h.Snapshot(at(tt.at))
			assert.Equal(t, tt.want, s.Max)
			assert.Equal(t, tt.want > 0, s.P50 > 0)
			assert.Equal(t, uint64(len(tt.records)), s.Count, "since the start")
			assert.Equal(t, sum, s.Sum, "since the start")
		})
	}
}

// A scrape turns the windows too; the worker's batch may have read its clock just before.
func TestSnapshotBetweenRecords(t *testing.T) {
	var h latency.Histogram
	h.Record(at(0), 5)
	assert.Equal(t, time.Duration(5), h.Snapshot(at(10)).Max)
	h.Record(at(9.999), 7)
	assert.Equal(t, time.Duration(7), h.Snapshot(at(69.999)).Max)
	assert.Zero(t, h.Snapshot(at(70)).Max)
}

func TestWindowsAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var h latency.Histogram
	windows := make(map[int]time.Duration) // maximum by ten seconds since start
	h.Record(start, 0)
	now := 0.0
	for range 3000 {
		now += r.ExpFloat64() * 6
		d := time.Duration(1 + r.IntN(1e6))
		h.Record(at(now), d)
		current := int(now / 10)
		windows[current] = max(windows[current], d)
		var want time.Duration
		for w := current - 5; w <= current; w++ {
			want = max(want, windows[w])
		}
		if !assert.Equal(t, want, h.Snapshot(at(now)).Max, "at %g s", now) {
			break
		}
	}
}

func TestRecordAllocatesNothing(t *testing.T) {
	var h latency.Histogram
	var c latency.Cumulative
	now := start
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		now = now.Add(time.Second)
		h.Record(now, time.Millisecond)
		_ = h.Snapshot(now)
		c.Record(time.Millisecond)
	}))
}

// The caller may copy under its lock and read the copy outside.
func TestCopyIsIndependent(t *testing.T) {
	var h latency.Histogram
	h.Record(start, 5)
	frozen := h
	h.Record(at(10), 9)
	assert.Equal(t, time.Duration(5), frozen.Snapshot(at(10)).Max)
	assert.Equal(t, uint64(1), frozen.Snapshot(at(10)).Count)
	assert.Equal(t, time.Duration(9), h.Snapshot(at(10)).Max)
}

func TestSizes(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(latency.Histogram{}), uintptr(7400), "the doc says 7.2 KiB")
	assert.LessOrEqual(t, unsafe.Sizeof(latency.Cumulative{}), uintptr(2600), "the doc says 2.5 KiB")
}

func BenchmarkHistogramRecord(b *testing.B) {
	var h latency.Histogram
	now := time.Now()
	b.ReportAllocs()
	d := time.Duration(100)
	for b.Loop() {
		d = (d*5 + 77) & (1<<33 - 1) // anywhere up to 8 s, so that branches are not learned
		h.Record(now, d)
	}
}

func BenchmarkHistogramSnapshot(b *testing.B) {
	var h latency.Histogram
	now := time.Now()
	r := rand.New(rand.NewPCG(1, 2))
	for s := range 60 {
		for range 100 {
			h.Record(now.Add(time.Duration(s)*time.Second), time.Duration(r.ExpFloat64()*1e6))
		}
	}
	now = now.Add(time.Minute - 1)
	b.ReportAllocs()
	for b.Loop() {
		_ = h.Snapshot(now)
	}
}
