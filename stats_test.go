package asynchandler_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// decoded returns what s is as JSON.
func decoded(t *testing.T, s asynchandler.Stats) map[string]any {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	m := map[string]any{}
	require.NoError(t, json.Unmarshal(data, &m))
	return m
}

// keys returns the keys of a JSON object, sorted.
func keys(v any) []string { return slices.Sorted(maps.Keys(v.(map[string]any))) }

// Keys may be added here, and none taken away.
func TestStatsAsJSON(t *testing.T) {
	h := asynchandler.New(slog.DiscardHandler, small)
	defer h.Close()
	m := decoded(t, h.Stats())
	assert.Equal(t, []string{
		"blocked_ns", "breaker", "capacity", "delivered", "delivery_duration", "delivery_errors", "depth", "drop_reports", "dropped", "drops",
		"failed", "fallback", "in_flight_ns", "latency", "memory_limit_bytes", "memory_used_bytes", "name", "panics",
		"peak_depth", "received", "recovered", "spool_broken", "spool_damaged", "spool_limit_bytes", "spooled", "spooled_bytes", "spooled_total", "stalls", "waiting", "written_bytes",
	}, keys(m))
	assert.Equal(t, []string{"closed", "half_opened", "opened", "state"}, keys(m["breaker"]))
	assert.Equal(t, []string{"count", "max_ns", "p50_ns", "p90_ns", "p95_ns", "p99_ns", "sum_ns"}, keys(m["latency"]))
	assert.Equal(t, []string{"count", "level", "reason"}, keys(m["drops"].([]any)[0]))
}

func TestStatsAsJSONAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := asynchandler.New(testsink.NewFailer(nil, nil, testsink.First(1)), small, quiet)
		slog.New(h).Info("m")
		require.NoError(t, h.Close())
		m := decoded(t, h.Stats())
		assert.Equal(t, testsink.ErrFault.Error(), m["last_error"])
		assert.Equal(t, "2000-01-01T00:00:00Z", m["last_error_time"])
	})
}

func TestStatsHaveEveryPairOfReasonAndLevel(t *testing.T) {
	h := asynchandler.NewJSONHandler(io.Discard, nil, small)
	defer h.Close()
	var want []asynchandler.DropCount
	for _, reason := range []asynchandler.DropReason{
		asynchandler.DropOverflow, asynchandler.DropBlockTimeout, asynchandler.DropMemory, asynchandler.DropOversize,
		asynchandler.DropClosed, asynchandler.DropShutdown, asynchandler.DropReentrant, asynchandler.DropSpool,
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			want = append(want, asynchandler.DropCount{Reason: reason, Level: level})
		}
	}
	assert.Equal(t, want, h.Stats().Drops)
}

func TestDropsAreCountedByReasonAndLevel(t *testing.T) {
	h := asynchandler.New(new(testsink.Recorder), small, asynchandler.WithMemoryLimit(1))
	for _, level := range []slog.Level{-100, slog.LevelDebug, -1, slog.LevelInfo, 3, slog.LevelWarn, slog.LevelError, 100} {
		require.ErrorIs(t, h.Handle(t.Context(), slog.Record{Level: level}), asynchandler.ErrDropped)
	}
	require.NoError(t, h.Close())
	counts := map[slog.Level]uint64{}
	for _, d := range h.Stats().Drops {
		if d.Count > 0 {
			assert.Equal(t, asynchandler.DropOversize, d.Reason)
			counts[d.Level] = d.Count
		}
	}
	assert.Equal(t, map[slog.Level]uint64{slog.LevelDebug: 3, slog.LevelInfo: 2, slog.LevelWarn: 1, slog.LevelError: 2}, counts)
	assert.Equal(t, uint64(8), h.Stats().Dropped)
}
