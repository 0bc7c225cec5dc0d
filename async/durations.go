package async

import (
	"time"

	"github.com/asynchandler/asynchandler/internal/latency"
)

// LatencyStats says how long records took from the log call, which is
// [slog.Record.Time], to their delivery. Records whose Time was not made by
// [time.Now] are not measured. Count and Sum are since the start; the quantiles
// are of the last minute, with an error of about 4%, and 0 when it was empty.
type LatencyStats struct {
	Count uint64        `json:"count"`  // records measured
	Sum   time.Duration `json:"sum_ns"` // of their latencies
	P50   time.Duration `json:"p50_ns"` // the median
	P90   time.Duration `json:"p90_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"` // of the last minute
}

// DurationStats is a histogram of deliveries since the start. As JSON it is its
// count and its sum.
type DurationStats struct {
	Count uint64        `json:"count"`  // deliveries
	Sum   time.Duration `json:"sum_ns"` // of their durations
	// Classic has the deliveries in some buckets of round limits, each of which holds
	// all up to and including its upper bound.
	Classic []DurationBucket `json:"-"`

	shortest    uint64
	exponential map[int]int64
}

// DurationBucket is how many deliveries took UpperBound or less.
type DurationBucket struct {
	UpperBound time.Duration // included
	Count      uint64        // deliveries, those of the buckets below too
}

// Exponential returns the same deliveries in finer buckets, eight to each power of
// two. Bucket i counts those that took longer than 2^((i-1)/8) seconds, up to and
// including 2^(i/8); buckets of nothing are left out. shortest counts those of 2^-24
// seconds (60 ns) and less, bucket 105 all above 2^13 seconds. Of DurationStats that a
// handler did not make it returns 0 and nil. The map must not be changed.
func (d DurationStats) Exponential() (shortest uint64, buckets map[int]int64) {
	return d.shortest, d.exponential
}

func durationStats(c *latency.Cumulative) DurationStats {
	s := c.Snapshot()
	d := DurationStats{Count: s.Count, Sum: s.Sum, shortest: s.Zero, exponential: s.Buckets}
	for i, limit := range latency.ClassicLimits {
		d.Classic = append(d.Classic, DurationBucket{limit, s.Classic[i]})
	}
	return d
}
