// Package latency counts durations in exponential buckets: [Histogram] for the quantiles of
// the last minute, [Cumulative] for the buckets that a Prometheus histogram shows.
//
// # Buckets
//
// Both use the buckets of a Prometheus native histogram of schema 3, eight to each power of
// two: bucket i holds the durations above 2^((i-1)/8) up to and including 2^(i/8) SECONDS.
// So a bucket is 9% wide and a value in its middle is at most 4.4% off. The range is 2^-24
// s (59.6 ns) to 2^13 s (2 h 16 min). What is shorter is in the zero bucket, what is longer
// in one last bucket without upper limit.
//
// # Concurrency
//
// Nothing here is safe for concurrent use and nothing takes a lock: the caller records and
// reads under one of its own. Both types are plain values: to hold that lock shortly, copy
// the value under it and take the snapshot of the copy.
package latency

import (
	"math"
	"math/bits"
	"sort"
	"time"
)

const (
	// Schema is the Prometheus schema of the buckets: each is 2^(2^-Schema) times as wide
	// as the one before.
	Schema = 3

	// ZeroThreshold is the upper limit of the zero bucket in seconds.
	ZeroThreshold = 1.0 / (1 << -minExp)

	perOctave = 1 << Schema
	minExp    = -24 // the zero bucket ends at 2^minExp seconds
	maxExp    = 13  // the last limited bucket ends at 2^maxExp seconds

	last       = (maxExp-minExp)*perOctave + 1 // slot of the durations above 2^maxExp seconds
	slots      = last + 1                      // slot 0 is the zero bucket
	firstIndex = minExp * perOctave            // Prometheus' index of slot k is firstIndex+k
)

// limits holds the longest duration of each slot.
var limits = func() (l [slots]time.Duration) {
	for k := range last {
		l[k] = time.Duration(1e9 * math.Exp2(float64(firstIndex+k)/perOctave))
	}
	l[last] = math.MaxInt64
	return l
}()

// A cell is 1/16 of a power of two of nanoseconds, less than a bucket is wide, so at most
// one limit falls into it.
const (
	cellBits = 4
	cells    = 44 << cellBits // 2^43 ns is above the limit of the last limited slot
)

// cellSlot holds the slot of the shortest duration of each cell. Those below the zero
// bucket's limit are not used.
var cellSlot = func() (s [cells]uint16) {
	for e := cellBits; e < cells>>cellBits; e++ {
		for c := range 1 << cellBits {
			shortest := time.Duration(1<<cellBits+c) << (e - cellBits)
			s[e<<cellBits+c] = uint16(sort.Search(last, func(k int) bool { return shortest <= limits[k] }))
		}
	}
	return s
}()

// slot returns the slot of d: the first one whose limit is not below d.
func slot(d time.Duration) int {
	if d <= limits[0] {
		return 0
	}
	if d > limits[last-1] {
		return last
	}
	e := bits.Len64(uint64(d)) - 1
	cell := e<<cellBits + int(d>>(e-cellBits))&(1<<cellBits-1)
	k := int(cellSlot[cell])
	if d > limits[k] {
		k++
	}
	return k
}

// middle returns the duration that is relatively nearest to both ends of slot k, their
// harmonic mean.
func middle(k int) time.Duration {
	if k == 0 {
		return limits[0]
	}
	a, b := float64(limits[k-1]), float64(limits[k])
	return time.Duration(2 * a * b / (a + b))
}
