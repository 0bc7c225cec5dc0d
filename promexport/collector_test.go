package promexport_test

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/latency"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/promexport"
)

func TestEachFieldOfStatsIsShown(t *testing.T) {
	_, r := register(t, &fixed{stats: full()})
	want, err := os.Open("testdata/full.txt")
	require.NoError(t, err)
	defer want.Close()
	require.NoError(t, testutil.GatherAndCompare(r, want))
}

func TestAllSeriesExistFromTheStart(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts []asynchandler.Option
		in   float64 // sum of the breaker's states
	}{
		{"with a breaker", nil, 1},
		{"without", []asynchandler.Option{asynchandler.WithoutBreaker()}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := asynchandler.NewJSONHandler(io.Discard, nil, tt.opts...)
			defer h.Close()
			_, r := register(t, h)
			families, err := r.Gather()
			require.NoError(t, err)
			assert.Len(t, families, 22)
			for _, f := range families {
				want, isNot0 := map[string]int{
					"asynchandler_records_dropped_total":     8 * 4,
					"asynchandler_breaker_state":             3,
					"asynchandler_breaker_transitions_total": 3,
				}[f.GetName()], map[string]bool{
					"asynchandler_queue_capacity":     true,
					"asynchandler_memory_limit_bytes": true,
					"asynchandler_breaker_state":      true,
				}[f.GetName()]
				assert.Len(t, f.GetMetric(), max(want, 1), f.GetName())
				for _, m := range f.GetMetric() {
					sum := m.GetCounter().GetValue() + m.GetGauge().GetValue()
					assert.True(t, isNot0 || sum == 0, f.GetName())
				}
			}
			var in float64
			for _, m := range family(t, r, "breaker_state") {
				in += m.GetGauge().GetValue()
			}
			assert.Equal(t, tt.in, in)
			for _, q := range family(t, r, "delivery_latency_seconds")[0].GetSummary().GetQuantile() {
				assert.True(t, math.IsNaN(q.GetValue()), "quantile %v of nothing", q.GetQuantile())
			}
		})
	}
}

// The reasons and levels that a handler counts are those that exist from the start, so
// that a reason added there does not appear here only with its first drop.
func TestReasonsAndLevelsAreThoseOfAHandler(t *testing.T) {
	h := asynchandler.NewJSONHandler(io.Discard, nil)
	defer h.Close()
	_, none := register(t, named("none"))
	assert.Len(t, family(t, none, "records_dropped_total"), len(h.Stats().Drops))
	_, all := register(t, h)
	assert.Len(t, family(t, all, "records_dropped_total"), len(h.Stats().Drops))
}

func TestLevelsCountWithTheNearestBelow(t *testing.T) {
	s := named("x")
	for level, n := range map[slog.Level]uint64{-8: 1, -4: 2, -1: 4, 0: 8, 2: 16, 4: 32, 7: 64, 8: 128, 12: 256} {
		s.stats.Drops = append(s.stats.Drops, asynchandler.DropCount{Reason: "overflow", Level: level, Count: n})
	}
	_, r := register(t, s)
	for level, want := range map[string]float64{"debug": 7, "info": 24, "warn": 96, "error": 384} {
		assert.Equal(t, want, value(t, r, "records_dropped_total", "x", level, "overflow"), level)
	}
}

func TestDurationsHaveNativeAndClassicBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := asynchandler.New(testsink.NewSlow(nil, time.Second), asynchandler.WithBatchSize(1))
		slog.New(h).Info("one")
		slog.New(h).Info("two")
		require.NoError(t, h.Close())
		_, r := register(t, h)
		got := family(t, r, "delivery_duration_seconds")[0].GetHistogram()
		assert.Equal(t, int32(latency.Schema), got.GetSchema())
		assert.Equal(t, latency.ZeroThreshold, got.GetZeroThreshold())
		assert.Zero(t, got.GetZeroCount())
		require.Len(t, got.GetPositiveSpan(), 1)
		assert.Zero(t, got.GetPositiveSpan()[0].GetOffset(), "up to 1 s")
		assert.Equal(t, []int64{2}, got.GetPositiveDelta())
		assert.Equal(t, uint64(2), got.GetSampleCount())
		assert.Equal(t, 2.0, got.GetSampleSum())
		assert.Len(t, got.GetBucket(), len(latency.ClassicLimits))
		assert.Nil(t, got.GetCreatedTimestamp())
	})
}

// Statistics from elsewhere have no native buckets, which must add up to the count.
func TestDurationsWithoutNativeBuckets(t *testing.T) {
	_, r := register(t, &fixed{stats: full()})
	got := family(t, r, "delivery_duration_seconds")[0].GetHistogram()
	assert.Nil(t, got.Schema)
	assert.Equal(t, uint64(6), got.GetSampleCount())
	assert.Len(t, got.GetBucket(), 2)
}

func TestMetricsLint(t *testing.T) {
	_, r := register(t, &fixed{stats: full()}, named("second"))
	problems, err := testutil.GatherAndLint(r)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestOneSnapshotForEachScrape(t *testing.T) {
	a, b := named("a"), named("b")
	_, r := register(t, a, b)
	added := a.calls.Load()
	for range 3 {
		_, err := r.Gather()
		require.NoError(t, err)
	}
	assert.Equal(t, added+3, a.calls.Load())
	assert.Equal(t, added+3, b.calls.Load())
}

func TestSecondCollectorOnARegistryIsRefused(t *testing.T) {
	first, r := register(t, named("a"))
	refused, ok := errors.AsType[prometheus.AlreadyRegisteredError](r.Register(promexport.NewCollector(named("b"))))
	require.True(t, ok)
	assert.Same(t, first, refused.ExistingCollector, "the one to call Add on")
	assert.Equal(t, []string{"a"}, handlers(t, r))
}
