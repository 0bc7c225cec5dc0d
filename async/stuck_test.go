package async_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// say logs msg through h as a slog.Logger would, and returns what Handle said.
func say(h slog.Handler, level slog.Level, msg string) error {
	return h.Handle(context.Background(), slog.NewRecord(time.Now(), level, msg, 0))
}

// sayEach logs several messages at LevelInfo and returns those that were refused.
func sayEach(h slog.Handler, msgs ...string) (refused []string) {
	for _, msg := range msgs {
		if say(h, slog.LevelInfo, msg) != nil {
			refused = append(refused, msg)
		}
	}
	return refused
}

// counted returns the messages prefix1 to prefixN.
func counted(prefix string, n int) []string {
	msgs := make([]string, n)
	for i := range msgs {
		msgs[i] = prefix + strconv.Itoa(i+1)
	}
	return msgs
}

// newStuck returns a handler over a recorder whose worker is inside next with the
// record "inside" until the gate is released, as it is when the test ends. Only in
// a bubble. Drop reports and the watch for stalls are off unless opts has them on.
func newStuck(t *testing.T, opts async.Options) (*async.Handler, *testsink.Blocker, *testsink.Recorder) {
	t.Helper()
	rec := &testsink.Recorder{}
	gate := testsink.NewBlocker(rec)
	if opts.DropReports == 0 {
		opts.DropReports = -1
	}
	if opts.StallTimeout == 0 {
		opts.StallTimeout = -1
	}
	h := async.New(gate, opts)
	t.Cleanup(func() {
		gate.Release()
		_ = h.Close()
	})
	require.NoError(t, say(h, slog.LevelInfo, "inside"))
	<-gate.Entered()
	synctest.Wait()
	return h, gate, rec
}

// drain lets next go on and waits until everything is delivered.
func drain(t *testing.T, h *async.Handler, gate *testsink.Blocker) {
	t.Helper()
	gate.Release()
	require.NoError(t, h.Flush(t.Context()))
}

// dropCounts returns the counts of s.Drops that are not zero, under "reason LEVEL".
func dropCounts(s async.Stats) map[string]uint64 {
	m := map[string]uint64{}
	for _, d := range s.Drops {
		if d.Count > 0 {
			m[string(d.Reason)+" "+d.Level.String()] = d.Count
		}
	}
	return m
}

// requireBalanced checks that every record of s has exactly one outcome or waits.
func requireBalanced(t *testing.T, s async.Stats) {
	t.Helper()
	var sum uint64
	for _, d := range s.Drops {
		sum += d.Count
	}
	require.Equal(t, s.Dropped, sum, "Dropped is the sum of Drops: %+v", s)
	require.Equal(t, s.Received, s.Delivered+s.Fallback+s.Failed+s.Dropped+uint64(s.Depth), "%+v", s)
}
