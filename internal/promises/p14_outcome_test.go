package promises_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// To be on the disk is an outcome to Flush and to a record of WithSyncLevel: neither waits for
// the end of an outage.
func TestToBeOnTheDiskIsAnOutcome(t *testing.T) { // P14
	synctest.Test(t, func(t *testing.T) {
		w := &outage{down: true}
		h := asynchandler.NewJSONHandler(w, nil, quiet, asynchandler.WithCapacity(16), asynchandler.WithSpool(openSpool(t, t.TempDir())),
			asynchandler.WithSyncLevel(slog.LevelError))
		logBoth(0, 40, slog.New(h))
		require.Positive(t, h.Stats().Spooled)

		began := time.Now()
		require.NoError(t, h.Flush(t.Context()))
		assert.Less(t, time.Since(began), time.Second, "Flush")
		s := h.Stats()
		assert.Zero(t, s.Depth)
		assert.Equal(t, 40, s.Spooled)

		began = time.Now()
		slog.New(h).Error("important")
		assert.Less(t, time.Since(began), time.Second, "WithSyncLevel")
		assert.Equal(t, 41, h.Stats().Spooled, "before the call has returned")
		require.NoError(t, h.Close())
	})
}

// The disk goes by the order of calls, whatever the clock did between them.
func TestTheSpoolGoesByNoClock(t *testing.T) { // P14
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := &outage{down: true}
		open := func() *asynchandler.Handler {
			return asynchandler.NewJSONHandler(w, nil, quiet, asynchandler.WithCapacity(8), asynchandler.WithSpool(openSpool(t, dir)))
		}
		h := open()
		var want []string
		for i, jump := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour, time.Hour, -1000 * time.Hour, 0, 50 * 365 * 24 * time.Hour, time.Second} {
			r := slog.NewRecord(time.Now().Add(jump), slog.LevelInfo, "m", 0)
			r.AddAttrs(slog.Int("n", i))
			require.NoError(t, h.Handle(t.Context(), r))
			var line strings.Builder
			require.NoError(t, slog.NewJSONHandler(&line, nil).Handle(t.Context(), r))
			want = append(want, line.String())
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, h.Close())

		w.set(false)
		h = open()
		time.Sleep(time.Minute)
		require.NoError(t, h.Close())
		assert.Equal(t, strings.Join(want, ""), w.String())
	})
}
