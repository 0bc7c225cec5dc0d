package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/latency"
)

func TestCumulativeOfNothing(t *testing.T) {
	var c latency.Cumulative
	assert.Equal(t, latency.CumulativeSnapshot{Buckets: map[int]int64{}}, c.Snapshot())
}

func TestCumulativeCounts(t *testing.T) {
	var c latency.Cumulative
	for _, d := range []time.Duration{-5, 0, 59, 100 * time.Microsecond, time.Second, time.Second, time.Second + 1, 10 * time.Second, 11 * time.Second} {
		c.Record(d)
	}
	s := c.Snapshot()
	assert.Equal(t, uint64(9), s.Count)
	assert.Equal(t, 24*time.Second+100*time.Microsecond+60, s.Sum)
	assert.Equal(t, uint64(3), s.Zero)
	// log2(100e-6)*8 = -106.3, log2(10)*8 = 26.6, log2(11)*8 = 27.7
	assert.Equal(t, map[int]int64{-106: 1, 0: 2, 1: 1, 27: 1, 28: 1}, s.Buckets)
	assert.Equal(t, [...]uint64{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6, 7, 7, 8}, s.Classic)
}

func TestClassicLimitsAreSorted(t *testing.T) {
	assert.True(t, slices.IsSorted(latency.ClassicLimits[:]))
	assert.Equal(t, 100*time.Microsecond, latency.ClassicLimits[0])
	assert.Equal(t, 10*time.Second, latency.ClassicLimits[len(latency.ClassicLimits)-1])
}

func TestClassicBucketsAreExact(t *testing.T) {
	var c latency.Cumulative
	var want [len(latency.ClassicLimits)]uint64
	r := rand.New(rand.NewPCG(5, 6))
	for range 10000 {
		d := time.Duration(1e6 * math.Exp(4*r.NormFloat64()))
		c.Record(d)
		for i, limit := range latency.ClassicLimits {
			if d <= limit {
				want[i]++
			}
		}
	}
	assert.Equal(t, want, c.Snapshot().Classic)
}

func TestClassicLimitsAreInclusive(t *testing.T) {
	for i, limit := range latency.ClassicLimits {
		var c latency.Cumulative
		c.Record(limit)
		c.Record(limit + 1)
		assert.Equal(t, uint64(1), c.Snapshot().Classic[i], "%v", limit)
	}
}

func TestCumulativeCountIsTheSumOfBuckets(t *testing.T) {
	var c latency.Cumulative
	r := rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		c.Record(time.Duration(r.Int64() >> r.IntN(63)))
	}
	s := c.Snapshot()
	sum := s.Zero
	for _, n := range s.Buckets {
		assert.Positive(t, n)
		sum += uint64(n)
	}
	assert.Equal(t, uint64(5000), s.Count)
	assert.Equal(t, s.Count, sum)
}

// A scrape holds what it got while the worker goes on.
func TestCumulativeSnapshotIsACopy(t *testing.T) {
	var c latency.Cumulative
	c.Record(time.Second)
	s := c.Snapshot()
	c.Record(time.Second)
	assert.Equal(t, map[int]int64{0: 1}, s.Buckets)
	assert.Equal(t, map[int]int64{0: 2}, c.Snapshot().Buckets)
}

func BenchmarkCumulativeRecord(b *testing.B) {
	var c latency.Cumulative
	b.ReportAllocs()
	d := time.Duration(100)
	for b.Loop() {
		d = (d*5 + 77) & (1<<33 - 1)
		c.Record(d)
	}
}

func BenchmarkCumulativeSnapshot(b *testing.B) {
	var c latency.Cumulative
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		c.Record(time.Duration(r.ExpFloat64() * 1e6))
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Snapshot()
	}
}
