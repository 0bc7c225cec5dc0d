package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestOptionsOutOfRangePanic(t *testing.T) {
	highWater := func(int, int) {}
	tests := []struct {
		field, value string
		opts         async.Options
	}{
		{"Capacity", "-1", async.Options{Capacity: -1}},
		{"Capacity", "1073741825", async.Options{Capacity: 1<<30 + 1}},
		{"BatchSize", "-1", async.Options{BatchSize: -1}},
		{"MaxAttempts", "-2", async.Options{MaxAttempts: -2}},
		{"MaxRecordSize", "-1", async.Options{MaxRecordSize: -1}},
		{"CloseTimeout", "-1ns", async.Options{CloseTimeout: -1}},
		{"BlockTimeout", "-1s", async.Options{BlockTimeout: -time.Second}},
		{"Linger", "-1ms", async.Options{Linger: -time.Millisecond}},
		{"Overflow", "Overflow(3)", async.Options{Overflow: async.Block + 1}},
		{"Capture", "Capture(3)", async.Options{Capture: async.CaptureCopy + 1}},
		{"Format", "3", async.Options{Format: async.FormatText + 1}},
		{"HighWater", "-0.1", async.Options{HighWater: -0.1, OnHighWater: highWater}},
		{"HighWater", "1.1", async.Options{HighWater: 1.1, OnHighWater: highWater}},
		{"HighWater", "NaN", async.Options{HighWater: math.NaN(), OnHighWater: highWater}},
		{"OnHighWater", "nil", async.Options{HighWater: 0.5}},
		{"OnShutdown", "nil", async.Options{OnShutdown: []func(context.Context) error{nil}}},
	}
	for _, tt := range tests {
		t.Run(tt.field+"="+tt.value, func(t *testing.T) {
			defer func() {
				message := fmt.Sprint(recover())
				assert.Contains(t, message, "async: Options."+tt.field+":")
				assert.Contains(t, message, tt.value)
			}()
			async.New(&testsink.Recorder{}, tt.opts)
		})
	}
}

func TestNilNextPanics(t *testing.T) {
	assert.PanicsWithValue(t, "async: New: next is nil", func() { async.New(nil, async.Options{}) })
}

func TestDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := async.New(&testsink.Recorder{}, async.Options{})
		defer h.Close()
		s := h.Stats()
		assert.Equal(t, "default", s.Name)
		assert.Equal(t, 65_536, s.Capacity)
		assert.Equal(t, "off", s.Breaker.State)
	})
}

func TestLimitsOfOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := async.New(&testsink.Recorder{}, async.Options{
			Name: "a\xffb", Capacity: 1, BatchSize: 1, MaxAttempts: 1, CloseTimeout: 1, BlockTimeout: 1,
			HighWater: 1, OnHighWater: func(int, int) {}, Overflow: async.Block, Capture: async.CaptureReference,
			Format: async.FormatText, StallTimeout: -1, DropReports: -1,
		})
		assert.Equal(t, "a\uFFFDb", h.Stats().Name, "valid UTF-8")
		assert.Equal(t, 1, h.Stats().Capacity)
		require.NoError(t, h.Close())
	})
}

func TestNamesOfConstants(t *testing.T) {
	assert.Equal(t, "DropOldest DropNewest Block Overflow(9)", fmt.Sprint(async.DropOldest, async.DropNewest, async.Block, async.Overflow(9)))
	assert.Equal(t, "CaptureSnapshot CaptureReference CaptureCopy Capture(9)", fmt.Sprint(async.CaptureSnapshot, async.CaptureReference, async.CaptureCopy, async.Capture(9)))
}

func TestEnabledAsksNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.LevelVar
		h := async.New(&testsink.Recorder{Level: &level}, async.Options{})
		derived := h.WithGroup("g")
		assert.False(t, h.Enabled(t.Context(), slog.LevelDebug))
		level.Set(slog.LevelDebug)
		assert.True(t, h.Enabled(t.Context(), slog.LevelDebug))
		assert.True(t, derived.Enabled(t.Context(), slog.LevelDebug))
		require.NoError(t, h.Close())
	})
}
