package async_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A fallback that hangs counts as no fallback until it returns. The record that it
// hangs with is failed, and the worker goes on without it.
func TestFallbackHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, errs, gate := &testsink.Recorder{}, newJournal(), &fakeGate{}
		next := testsink.NewFailer(rec, errDown, nil)
		fallback := testsink.NewBlocker(nil)
		t.Cleanup(fallback.Release)
		h := begin(t, next, async.Options{Gate: gate, Fallback: fallback, StallTimeout: time.Second, MaxAttempts: 1000, ErrorHandler: errs.hear})
		info(h, "1")
		<-fallback.Entered()
		info(h, "2", "3")
		time.Sleep(time.Second)
		assertOutcomes(t, h, outcomes{failed: 1, depth: 2})
		assert.EqualValues(t, 1, h.Stats().Stalls)
		assert.Contains(t, errs.what(), "stall of 1s")
		assert.Zero(t, gate.trips, "it is not next that hangs")

		time.Sleep(time.Minute)
		assertOutcomes(t, h, outcomes{failed: 1, depth: 2})
		next.Heal()
		time.Sleep(time.Second)
		assertOutcomes(t, h, outcomes{delivered: 2, failed: 1})
		assert.Equal(t, []string{"2", "3"}, rec.Messages())

		fallback.Release()
		assertOutcomes(t, h, outcomes{delivered: 2, failed: 1})
		next.Break(testsink.HasMessage("4"))
		info(h, "4", "5")
		time.Sleep(time.Second)
		assertOutcomes(t, h, outcomes{delivered: 3, fallback: 1, failed: 1})
	})
}

// A fallback may hang in the midst of a batch.
func TestFallbackHangsWithLaterRecord(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after func() error // what the call does in the end
	}{
		{"returns", func() error { return nil }},
		{"fails", func() error { return errDown }},
		{"panics", func() error { panic("boom") }},
		{"exits", func() error { runtime.Goexit(); return nil }},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			gate, hang, taken := &fakeGate{}, testsink.NewGate(), newJournal()
			t.Cleanup(hang.Release)
			fallback := testsink.Func(func(_ context.Context, r slog.Record) error {
				taken.note(r.Message)
				if r.Message == "hang" {
					hang.Pass()
					return tt.after()
				}
				return nil
			})
			rec := &testsink.Recorder{}
			h, plug := plugged(t, rec, async.Options{Gate: gate, Fallback: fallback, StallTimeout: time.Second})
			info(h, "1", "2", "hang", "3", "4")
			gate.shut(time.Hour)
			plug.Release()
			time.Sleep(2 * time.Second)
			assertOutcomes(t, h, outcomes{delivered: 1, fallback: 2, failed: 1, depth: 2})

			hang.Release()
			time.Sleep(2 * time.Second)
			assertOutcomes(t, h, outcomes{delivered: 1, fallback: 4, failed: 1})
			assert.Equal(t, []string{"1", "2", "hang", "3", "4"}, taken.what(), "in order, each once")
		})
	}
}

// With both next and the fallback hung, Shutdown still ends with its context.
func TestBothHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, fallback := testsink.NewBlocker(nil), testsink.NewBlocker(nil)
		t.Cleanup(next.Release)
		t.Cleanup(fallback.Release)
		h := begin(t, next, async.Options{Gate: newBreaker(), Fallback: fallback, StallTimeout: time.Second})
		info(h, "1")
		<-next.Entered()
		info(h, "2", "3")
		time.Sleep(3 * time.Second)
		assertOutcomes(t, h, outcomes{failed: 1, depth: 2})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var undelivered *async.ShutdownError
		require.ErrorAs(t, h.Shutdown(ctx), &undelivered)
		assert.Equal(t, 2, undelivered.Undelivered)
		assert.Equal(t, time.Second, time.Since(start))
		assertOutcomes(t, h, outcomes{failed: 1, dropped: 1, depth: 1})
		next.Release()
		fallback.Release()
		assertOutcomes(t, h, outcomes{delivered: 1, failed: 1, dropped: 1})
	})
}

// A fallback that has hung and panics then is no secret: its records have failed long ago, the
// panic counts.
func TestFallbackPanicsAfterItHasHung(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, errs := testsink.NewGate(), newJournal()
		h := begin(t, testsink.NewFailer(nil, errDown, nil), async.Options{
			StallTimeout: time.Second, ErrorHandler: errs.hear,
			Fallback: testsink.Func(func(context.Context, slog.Record) error { gate.Pass(); panic("late") }),
		})
		info(h, "1")
		time.Sleep(time.Minute)
		assertOutcomes(t, h, outcomes{failed: 1})
		gate.Release()
		synctest.Wait()
		assertOutcomes(t, h, outcomes{failed: 1})
		assert.EqualValues(t, 1, h.Stats().Panics)
		assert.Contains(t, errs.what(), "panic: late")
	})
}
