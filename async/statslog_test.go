package async_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// someStats has two drops that are not 0 among all those that are.
func someStats(t *testing.T) async.Stats {
	h := async.New(&testsink.Recorder{}, async.Options{Name: "audit", Capacity: 64})
	require.NoError(t, h.Close())
	s := h.Stats()
	s.Received, s.Delivered, s.Fallback, s.Failed, s.Dropped, s.Depth = 100, 40, 20, 10, 12, 18
	for i := range s.Drops {
		switch d := &s.Drops[i]; {
		case d.Reason == async.DropOverflow && d.Level == slog.LevelInfo:
			d.Count = 5
		case d.Reason == async.DropMemory && d.Level == slog.LevelError:
			d.Count = 7
		}
	}
	s.Blocked = 3 * time.Second
	return s
}

func logged(t *testing.T, s async.Stats) map[string]any {
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).Info("at the end", "stats", s)
	var got map[string]any
	require.NoError(t, json.Unmarshal(line.Bytes(), &got))
	return got["stats"].(map[string]any)
}

// But for drops, a log line has what JSON has, under the same keys.
func TestStatsInALogLine(t *testing.T) {
	s := someStats(t)
	s.LastError, s.LastErrorTime = "refused", time.Unix(1700000000, 0).UTC()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var want map[string]any
	require.NoError(t, json.Unmarshal(text, &want))

	got := logged(t, s)
	assert.Equal(t, map[string]any{
		"overflow": map[string]any{"INFO": 5.0},
		"memory":   map[string]any{"ERROR": 7.0},
	}, got["drops"], "no row of zeros")
	delete(got, "drops")
	delete(want, "drops")
	assert.Equal(t, want, got)
}

func TestStatsInALogLineWithoutTrouble(t *testing.T) {
	got := logged(t, async.Stats{Name: "quiet"})
	assert.NotContains(t, got, "drops")
	assert.NotContains(t, got, "last_error")
	assert.NotContains(t, got, "last_error_time")
}

func TestStatsAsText(t *testing.T) {
	s := someStats(t)
	assert.Equal(t, `"audit": 100 received, 40 delivered, 20 to the fallback, 10 failed, 12 dropped (overflow 5, memory 7); depth 18 of 64, breaker off`, s.String())
	recovered := s
	recovered.Recovered, recovered.Delivered = 7, 47
	assert.Contains(t, recovered.String(), `: 100 received, 7 recovered, 47 delivered, `)
	recovered.Spooled, recovered.SpoolBroken = 5, true
	assert.Contains(t, recovered.String(), `, breaker off, 5 on the disk, the spool is broken`)
	s = async.Stats{
		Name: "x\n", Capacity: 8, Depth: 8, Waiting: 3, InFlight: 2 * time.Second, Breaker: async.BreakerStats{State: "open"}, LastError: "disk\nfull",
	}
	assert.Equal(t, `"x\n": 0 received, 0 delivered, 0 to the fallback, 0 failed, 0 dropped; depth 8 of 8, breaker open, `+
		`3 callers wait for room, a delivery runs for 2s, last error "disk\nfull"`, s.String(), "one line")
}

// One queue, one number.
func TestQueueNumber(t *testing.T) {
	h, other := async.New(&testsink.Recorder{}, async.Options{}), async.New(&testsink.Recorder{}, async.Options{})
	defer h.Close()
	defer other.Close()
	derived := h.WithGroup("g").(*async.Handler)
	assert.NotZero(t, h.Stats().Queue)
	assert.Equal(t, h.Stats().Queue, derived.Stats().Queue)
	assert.NotEqual(t, h.Stats().Queue, other.Stats().Queue)
}
