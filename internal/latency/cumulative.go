package latency

import "time"

// ClassicLimits are the upper limits of the classic buckets, lowest first. A duration above
// the last one is in none of them, only in the count (le="+Inf").
var ClassicLimits = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Cumulative counts durations since the start, in the buckets of a native and of a classic
// Prometheus histogram. The zero value is ready. It takes 2.5 KiB and Record never
// allocates.
type Cumulative struct {
	sum     time.Duration
	slots   [slots]uint64
	classic [len(ClassicLimits)]uint64 // not derived from slots: their limits lie between those of the slots
}

// CumulativeSnapshot is what a [Cumulative] has counted.
type CumulativeSnapshot struct {
	Count uint64        // of all durations: Zero and the sum of Buckets
	Sum   time.Duration // as in [Snapshot]

	// Zero and Buckets are those of a native histogram with [Schema] and [ZeroThreshold].
	// Buckets holds the counts by Prometheus' bucket index, empty ones left out: the upper
	// limit of bucket i is 2^(i/8) seconds, included. Index 105 stands for everything above
	// 2^13 seconds.
	Zero    uint64
	Buckets map[int]int64

	// Classic holds for each of [ClassicLimits] the number of durations up to it, included.
	Classic [len(ClassicLimits)]uint64
}

// Record counts d, a negative one as 0.
func (c *Cumulative) Record(d time.Duration) {
	d = max(d, 0)
	c.sum = addSum(c.sum, d)
	c.slots[slot(d)]++
	for i, limit := range ClassicLimits {
		if d <= limit {
			c.classic[i]++
			break
		}
	}
}

// Snapshot returns the counts up to now.
func (c *Cumulative) Snapshot() CumulativeSnapshot {
	s := CumulativeSnapshot{Count: c.slots[0], Sum: c.sum, Zero: c.slots[0], Buckets: make(map[int]int64)}
	for k, n := range c.slots[1:] {
		if n > 0 {
			s.Buckets[firstIndex+1+k] = int64(n)
			s.Count += n
		}
	}
	var sum uint64
	for i, n := range c.classic {
		sum += n
		s.Classic[i] = sum
	}
	return s
}
