package latency_test

import (
	"maps"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/latency"
)

const (
	zeroIndex = -24 * 8  // what index says for the zero bucket: the index below the first
	lastIndex = 13*8 + 1 // of everything above 2^13 s
	zeroLimit = 59 * time.Nanosecond
)

// index returns Prometheus' index of the bucket that d is counted in.
func index(t testing.TB, d time.Duration) int {
	var c latency.Cumulative
	c.Record(d)
	s := c.Snapshot()
	require.Equal(t, uint64(1), s.Count)
	if s.Zero == 1 {
		require.Empty(t, s.Buckets)
		return zeroIndex
	}
	require.Len(t, s.Buckets, 1)
	return slices.Collect(maps.Keys(s.Buckets))[0]
}

// within reports whether d <= 2^(i/8) seconds, exactly: it compares the eighth powers in
// nanoseconds.
func within(d time.Duration, i int) bool {
	left := new(big.Int).Exp(big.NewInt(int64(d)), big.NewInt(8), nil)
	right := new(big.Int).Exp(big.NewInt(1e9), big.NewInt(8), nil)
	if i >= 0 {
		right.Lsh(right, uint(i))
	} else {
		left.Lsh(left, uint(-i))
	}
	return left.Cmp(right) <= 0
}

func TestBucketLimitsAreThoseOfPrometheus(t *testing.T) {
	require.Equal(t, 3, latency.Schema)
	assert.True(t, within(zeroLimit, zeroIndex))
	assert.False(t, within(zeroLimit+1, zeroIndex))
	assert.Equal(t, math.Exp2(-24), latency.ZeroThreshold)
	for i := zeroIndex; i < lastIndex; i++ {
		limit := time.Duration(1e9 * math.Pow(2, float64(i)/8))
		for !within(limit, i) {
			limit--
		}
		for within(limit+1, i) {
			limit++
		}
		assert.Equal(t, i, index(t, limit), "%d ns is the last of bucket %d", limit, i)
		assert.Equal(t, i+1, index(t, limit+1), "%d ns is above bucket %d", limit, i)
	}
}

func TestBucketIndex(t *testing.T) {
	tests := []struct {
		name string
		d    time.Duration
		want int
	}{
		{"least", math.MinInt64, zeroIndex},
		{"negative", -1, zeroIndex},
		{"zero", 0, zeroIndex},
		{"zero bucket's limit", 59, zeroIndex},
		{"first bucket", 60, zeroIndex + 1},
		{"one second is included in 2^0", time.Second, 0},
		{"just above one second", time.Second + 1, 1},
		{"half a second", time.Second / 2, -8},
		{"two seconds", 2 * time.Second, 8},
		{"top of the range", 8192 * time.Second, 104},
		{"above the range", 8192*time.Second + 1, 105},
		{"a day", 24 * time.Hour, 105},
		{"most", math.MaxInt64, 105},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, index(t, tt.d))
		})
	}
}

func FuzzBucketIndexIsMonotonic(f *testing.F) {
	f.Add(int64(0), int64(1))
	f.Add(int64(59), int64(60))
	f.Add(int64(1e9), int64(1e9+1))
	f.Add(int64(8192e9), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, a, b int64) {
		low, high := time.Duration(min(a, b)), time.Duration(max(a, b))
		i, j := index(t, low), index(t, high)
		assert.LessOrEqual(t, i, j, "%d and %d ns", low, high)
		assert.True(t, i >= zeroIndex && j <= lastIndex)
		if i > zeroIndex && i < lastIndex {
			assert.True(t, within(low, i) && !within(low, i-1), "%d ns is not in bucket %d", low, i)
		}
	})
}
