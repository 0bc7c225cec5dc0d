package async_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

const reportMsg = "log records dropped"

// attrsOf returns the attributes of the only record with that message, flattened.
func attrsOf(t *testing.T, rec *testsink.Recorder, msg string) map[string]slog.Value {
	t.Helper()
	flat := map[string]slog.Value{}
	found := 0
	for _, e := range rec.Records() {
		if e.Record.Message == msg {
			found++
			flatten(flat, "", e.Attrs)
		}
	}
	require.Equal(t, 1, found, "%v", rec.Lines())
	return flat
}

func flatten(into map[string]slog.Value, prefix string, attrs []slog.Attr) {
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			flatten(into, prefix+a.Key+".", a.Value.Group())
		} else {
			into[prefix+a.Key] = a.Value
		}
	}
}

func TestDropReportStandsAtTheGap(t *testing.T) {
	tests := []struct {
		policy async.Overflow
		want   []string
	}{
		{async.DropOldest, []string{"inside", reportMsg, "m3", "m4", "after"}},
		{async.DropNewest, []string{"inside", "m1", "m2", reportMsg, "after"}},
		{async.Block, []string{"inside", "m1", "m2", reportMsg, "after"}},
	}
	for _, tt := range tests {
		bubble(t, tt.policy.String(), func(t *testing.T) {
			h, gate, rec := newStuck(t, async.Options{
				Capacity: 2, Overflow: tt.policy, BlockTimeout: time.Second, DropReports: time.Minute,
			})
			sayEach(h, "m1", "m2", "m3", "m4")
			drain(t, h, gate)
			sayEach(h, "after")
			require.NoError(t, h.Close())
			assert.Equal(t, tt.want, rec.Messages())
		})
	}
}

func TestDropReportSaysWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h, gate, rec := newStuck(t, async.Options{
			Name: "audit", Capacity: 1, Overflow: async.Block, BlockTimeout: time.Second, DropReports: time.Minute,
		})
		require.NoError(t, say(h, slog.LevelDebug, "makes room for the error"))
		for _, level := range []slog.Level{slog.LevelInfo, slog.LevelInfo, slog.LevelWarn} {
			require.Error(t, say(h, level, "refused"))
		}
		require.NoError(t, say(h, slog.LevelError, "e"))
		drain(t, h, gate)
		require.NoError(t, h.Close())

		attrs := attrsOf(t, rec, reportMsg)
		since := attrs["since"]
		delete(attrs, "since")
		got := map[string]string{}
		for k, v := range attrs {
			got[k] = v.String()
		}
		assert.Equal(t, map[string]string{
			"handler":               "audit",
			"count":                 "4",
			"reasons.overflow":      "1",
			"reasons.block_timeout": "3",
			"levels.DEBUG":          "1",
			"levels.INFO":           "2",
			"levels.WARN":           "1",
		}, got)
		assert.True(t, since.Time().Equal(start), "the start, for it is the first one")
		for _, e := range rec.Records() {
			if e.Record.Message == reportMsg {
				assert.Equal(t, slog.LevelWarn, e.Record.Level)
			}
		}
		s := h.Stats()
		requireBalanced(t, s)
		assert.Equal(t, 6, int(s.Received))
		assert.Equal(t, 2, int(s.Delivered), "a report counts as itself only")
		assert.Equal(t, uint64(1), s.DropReports)
	})
}

// At most one report comes in an interval; the next one tells what was dropped since
// the one before, and since when that is.
func TestDropReportInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.DropNewest, DropReports: time.Minute})
		overflow := func(n int) {
			t.Helper()
			gate.Block()
			sayEach(h, "inside")
			<-gate.Entered()
			synctest.Wait()
			sayEach(h, "waits")
			require.Len(t, sayEach(h, counted("m", n)...), n)
			drain(t, h, gate)
		}
		drain(t, h, gate)
		overflow(1)
		sayEach(h, "next")
		require.NoError(t, h.Flush(t.Context()))
		require.EqualValues(t, 1, attrsOf(t, rec, reportMsg)["count"].Any())
		first := time.Now()

		rec.Reset()
		overflow(2)
		overflow(3)
		sayEach(h, "too early")
		require.NoError(t, h.Flush(t.Context()))
		require.NotContains(t, rec.Messages(), reportMsg)

		time.Sleep(time.Minute)
		require.NotContains(t, rec.Messages(), reportMsg, "it has no timer of its own")
		sayEach(h, "with this one")
		require.NoError(t, h.Flush(t.Context()))
		require.Equal(t, []string{reportMsg, "with this one"}, rec.Messages()[rec.Len()-2:])
		attrs := attrsOf(t, rec, reportMsg)
		assert.EqualValues(t, 5, attrs["count"].Any())
		assert.WithinDuration(t, first, attrs["since"].Time(), time.Millisecond)

		rec.Reset()
		time.Sleep(time.Hour)
		sayEach(h, "no gap")
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"no gap"}, rec.Messages())
		assert.Equal(t, uint64(2), h.Stats().DropReports)
	})
}

// A pending report is written at the shutdown, although its interval is not over.
func TestDropReportAtShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.DropNewest, DropReports: time.Hour})
		require.Len(t, sayEach(h, "a", "b"), 1)
		drain(t, h, gate)
		require.Empty(t, sayEach(h, "c"))
		require.NoError(t, h.Flush(t.Context()))
		require.Equal(t, []string{"inside", "a", reportMsg, "c"}, rec.Messages())
		rec.Reset()
		gate.Block()
		require.Empty(t, sayEach(h, "d"))
		<-gate.Entered()
		require.Len(t, sayEach(h, "e", "f"), 1)
		gate.Release()
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"d", "e", reportMsg}, rec.Messages())
		assert.Equal(t, uint64(2), h.Stats().DropReports)
	})
}

// A record that next refuses for good says nothing about what next thinks of a report.
func TestDropReportAfterAPermanentError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewBlocker(testsink.NewFailer(nil, async.ErrPermanent, testsink.HasMessage("bad")))
		var reports atomic.Int32
		h := async.New(testsink.Func(func(ctx context.Context, r slog.Record) error {
			if r.Message == reportMsg {
				reports.Add(1)
			}
			return gate.Handle(ctx, r)
		}), async.Options{Capacity: 1, Overflow: async.DropNewest, ErrorHandler: func(error) {}})
		require.Empty(t, sayEach(h, "inside"))
		<-gate.Entered()
		require.Len(t, sayEach(h, "bad", "dropped"), 1)
		ended := make(chan error, 1)
		go func() { ended <- h.Close() }()
		synctest.Wait() // else the bad one may have failed before Close, which then says nothing of it
		gate.Release()
		require.ErrorIs(t, <-ended, async.ErrPermanent)
		assert.Equal(t, int32(1), reports.Load())
		assert.Equal(t, uint64(1), h.Stats().Failed)
	})
}

// What a report said that next refused is in the next one, which comes no sooner for it.
func TestRefusedDropReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		gate := testsink.NewBlocker(rec)
		refusals := 0
		h := begin(t, testsink.Func(func(ctx context.Context, r slog.Record) error {
			if r.Message == reportMsg && refusals == 0 {
				refusals++
				return errDown
			}
			return gate.Handle(ctx, r)
		}), async.Options{Capacity: 1, Overflow: async.DropNewest, DropReports: time.Minute})
		require.Empty(t, sayEach(h, "inside"))
		<-gate.Entered()
		require.Len(t, sayEach(h, "waits", "dropped"), 1)
		drain(t, h, gate)
		sayEach(h, "with the report that is refused")
		require.NoError(t, h.Flush(t.Context()))
		require.Equal(t, 1, refusals)
		require.NotContains(t, rec.Messages(), reportMsg)

		time.Sleep(time.Minute)
		sayEach(h, "with the next one")
		require.NoError(t, h.Flush(t.Context()))
		assert.EqualValues(t, 1, attrsOf(t, rec, reportMsg)["count"].Any())
		assert.Equal(t, uint64(1), h.Stats().DropReports)
	})
}

func TestNoDropReports(t *testing.T) {
	bubble(t, "off", func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.DropNewest, DropReports: -1})
		require.Len(t, sayEach(h, "a", "b"), 1)
		gate.Release()
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"inside", "a"}, rec.Messages())
		assert.Zero(t, h.Stats().DropReports)
	})
	bubble(t, "next is not enabled for them", func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.DropNewest, DropReports: time.Minute})
		rec.Level = slog.LevelError
		require.Len(t, sayEach(h, "a", "b"), 1)
		drain(t, h, gate)
		require.Empty(t, sayEach(h, "c"))
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"inside", "a", "c"}, rec.Messages())
		assert.Zero(t, h.Stats().DropReports)
		requireBalanced(t, h.Stats())
	})
	bubble(t, "nothing dropped", func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := async.New(rec, async.Options{})
		sayEach(h, "a", "b")
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"a", "b"}, rec.Messages())
	})
}

// A report goes through the handler given to New, not through a derived one.
func TestDropReportHasNoDerivedAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.DropNewest, DropReports: time.Minute})
		derived := h.WithAttrs([]slog.Attr{slog.Int("own", 1)})
		require.Len(t, sayEach(derived, "a", "b"), 1)
		gate.Release()
		require.NoError(t, h.Close())
		assert.NotContains(t, attrsOf(t, rec, reportMsg), "own")
	})
}
