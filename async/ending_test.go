package async_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// doneContext runs code of the user's when it is asked whether it is done.
type doneContext struct {
	context.Context
	look func()
}

func (c doneContext) Done() <-chan struct{} { c.look(); return c.Context.Done() }

// A shutdown whose context has ended asks it with no lock held (P8).
func TestContextOfAShutdownLooksAtTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, plug := plugged(t, &testsink.Recorder{}, async.Options{StallTimeout: -1})
		info(h, "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Shutdown(doneContext{ctx, func() { h.Stats() }})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		plug.Release()
		assertOutcomes(t, h, outcomes{delivered: 1, dropped: 1})
	})
}

// A record that was admitted counts once, though its context has panicked since.
func TestContextThatPanicsOnceItsRecordIsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, plug := plugged(t, &testsink.Recorder{}, async.Options{Capacity: 1, Overflow: async.Block})
		info(h, "1")
		ctx := doneContext{context.Background(), func() {
			plug.Release()
			untilNapsAreOver()
			panic("boom")
		}}
		var panicked *async.PanicError
		require.ErrorAs(t, h.Handle(ctx, slog.NewRecord(time.Now(), slog.LevelInfo, "2", 0)), &panicked)
		assertOutcomes(t, h, outcomes{delivered: 3})
	})
}

// A shutdown ends with one drop report, however many go on logging.
func TestOneReportAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *async.Handler
		reports := 0
		var plug *testsink.Gate
		h, plug = plugged(t, testsink.Func(func(_ context.Context, r slog.Record) error {
			if r.Message == "log records dropped" {
				if reports++; reports < 10 {
					_ = say(h, slog.LevelInfo, "late")
				}
			}
			return nil
		}), async.Options{})
		go func() { assert.NoError(t, h.Close()) }()
		synctest.Wait()
		require.ErrorIs(t, say(h, slog.LevelInfo, "late"), async.ErrClosed)
		plug.Release()
		synctest.Wait()
		assert.Equal(t, 1, reports)
	})
}

// A drop report of which the sink has a part comes before all records, older ones too, and
// counts as none of them.
func TestTornReportBesideAnOlderRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{err: errDown, refuses: "bad"}
		h := begin(t, d.handler(), async.Options{Sink: d, MaxAttempts: 1000, Budget: limited(t, 1000), DropReports: 1})
		info(h, "bad", "good")
		time.Sleep(time.Second) // "bad" is at fault
		info(h, sized("large", 2000))
		d.fill(true)
		info(h, "1")
		assertOutcomes(t, h, outcomes{delivered: 1, dropped: 1, depth: 2})
		d.fill(false)
		time.Sleep(time.Minute)
		d.assertContinued(t)
		assert.Equal(t, []string{"good", "log records dropped", "1"}, d.records())
		assertOutcomes(t, h, outcomes{delivered: 2, dropped: 1, depth: 1})
	})
}

// A nil context is one that never ends.
func TestNilContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h, plug := plugged(t, rec, async.Options{StallTimeout: -1})
		info(h, "1")
		time.AfterFunc(time.Hour, plug.Release)
		var none context.Context
		require.NoError(t, h.Flush(none))
		assert.Equal(t, []string{"plug", "1"}, rec.Messages())
		require.NoError(t, h.Shutdown(none))
		require.NoError(t, h.Flush(none))
		require.NoError(t, h.Shutdown(none))
	})
}

// The error of a shutdown whose context has ended says what was dropped since it began, by
// reason and level, and nothing of what was dropped before.
func TestDropsOfAShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := plugged(t, &testsink.Recorder{}, async.Options{Capacity: 4, MaxWait: -1, StallTimeout: -1})
		info(h, numbered(1, 6)...) // two are dropped
		errorLevel(h, "7")         // another
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			time.Sleep(time.Millisecond)
			info(h, "late")
		}()
		err := h.Shutdown(ctx)
		e, ok := errors.AsType[*async.ShutdownError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 5, e.Undelivered)
		assert.ElementsMatch(t, []async.DropCount{
			{Reason: async.DropShutdown, Level: slog.LevelInfo, Count: 3},
			{Reason: async.DropShutdown, Level: slog.LevelError, Count: 1},
			{Reason: async.DropClosed, Level: slog.LevelInfo, Count: 1},
		}, e.Drops)
	})
}

// A drop report of which the sink has a part at the deadline is no record, but a line half
// written.
func TestTornReportAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{err: errDown}
		h := begin(t, d.handler(), async.Options{Sink: d, Budget: limited(t, 1000), DropReports: 1})
		info(h, sized("large", 2000))
		d.fill(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Shutdown(ctx)
		e, ok := errors.AsType[*async.ShutdownError](err)
		require.True(t, ok, "%v", err)
		assert.True(t, e.Torn)
		assert.Zero(t, e.Undelivered)
		assert.Empty(t, e.Drops)
		assertOutcomes(t, h, outcomes{dropped: 1})
	})
}

// A line of which next has a part, and whose rest is inside a call at the deadline, is half
// written.
func TestTornInACallAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		s := &restSink{gate: gate}
		h := begin(t, &testsink.Recorder{}, async.Options{Sink: s})
		info(h, "1")
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := h.Shutdown(ctx)
		e, ok := errors.AsType[*async.ShutdownError](err)
		require.True(t, ok, "%v", err)
		assert.True(t, e.Torn)
		assert.Equal(t, 1, e.Undelivered)
		gate.Release()
		synctest.Wait()
		assertOutcomes(t, h, outcomes{delivered: 1})
	})
}

// restSink takes a part of the first record, and the rest once its gate is open.
type restSink struct {
	gate *testsink.Gate
	torn bool
}

func (s *restSink) Deliver(b *async.Batch) (int, error) {
	b.Next()
	if s.torn {
		s.gate.Pass()
		return 1, b.Handle()
	}
	s.torn = true
	b.Torn()
	return 0, errDown
}
