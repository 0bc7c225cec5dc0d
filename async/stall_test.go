package async_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// hanging is a next that passes a gate with each record called "hang", and then ends
// the call as end says. It knows how many calls there were at a time.
type hanging struct {
	*testsink.Gate
	rec   testsink.Recorder
	end   func() error
	calls atomic.Int32
	most  atomic.Int32
}

func newHanging(t *testing.T) *hanging {
	g := &hanging{Gate: testsink.NewGate()}
	t.Cleanup(g.Release)
	return g
}

func (g *hanging) handler() slog.Handler {
	return testsink.Func(func(ctx context.Context, r slog.Record) error {
		g.most.Store(max(g.most.Load(), g.calls.Add(1)))
		defer g.calls.Add(-1)
		if r.Message == "hang" {
			g.Pass()
			if g.end != nil {
				return g.end()
			}
		}
		return g.rec.Handle(ctx, r)
	})
}

func (g *hanging) assertOneAtATime(t *testing.T) {
	t.Helper()
	assert.EqualValues(t, 1, g.most.Load(), "calls into next at a time")
}

// A hang is noticed after exactly StallTimeout if it is the first record's, else up to
// a quarter later.
func TestStallIsNoticed(t *testing.T) {
	const timeout = 4 * time.Second
	for _, tt := range []struct {
		name  string
		takes time.Duration // that the record before takes
		want  time.Duration
	}{
		{"first record", 0, timeout},
		{"second record", 1500 * time.Millisecond, 6 * time.Second}, // looked at after 1, 2, ... 6 s
		{"second record, hardly later", time.Millisecond, 5 * time.Second},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			next, errs, gate := newHanging(t), newJournal(), &fakeGate{}
			slow := testsink.Func(func(ctx context.Context, r slog.Record) error {
				if r.Message == "slow" {
					time.Sleep(tt.takes)
				}
				return next.handler().Handle(ctx, r)
			})
			h, plug := plugged(t, slow, async.Options{Name: "x", Gate: gate, StallTimeout: timeout, ErrorHandler: errs.hear})
			if tt.takes > 0 {
				info(h, "slow")
			}
			info(h, "hang", "2")
			errs.reset()
			plug.Release()
			time.Sleep(tt.want - time.Nanosecond)
			synctest.Wait()
			assert.Empty(t, errs.what())
			assert.Zero(t, h.Stats().Stalls)
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			assert.Equal(t, []string{"stall of 4s"}, errs.what())
			assert.EqualValues(t, 1, h.Stats().Stalls)
			assert.Equal(t, 1, gate.trips)
			assert.Equal(t, timeout, h.Stats().InFlight)
			assert.Equal(t, `asynchandler: handler "x": delivery has not returned for 4s`, h.Stats().LastError)

			time.Sleep(time.Hour)
			assert.Len(t, errs.what(), 1, "one hang, one report")
			assert.Equal(t, timeout+time.Hour, h.Stats().InFlight)
			next.Release()
			assertOutcomes(t, h, outcomes{delivered: 3 + min(1, int(tt.takes))})
			assert.Zero(t, h.Stats().InFlight)
			gate.assertSettled(t)
		})
	}
}

// One stall opens the breaker, which stays open while the call hangs; what waits
// waits. That the call returns at last was the probe.
func TestStallOpensBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, b := newHanging(t), newBreaker()
		h, plug := plugged(t, next.handler(), async.Options{Gate: b, StallTimeout: time.Second})
		info(h, "1", "hang", "2", "3")
		plug.Release()
		time.Sleep(2 * time.Second)
		assert.Equal(t, "open", b.Stats().State)
		time.Sleep(time.Hour)
		assertOutcomes(t, h, outcomes{delivered: 2, depth: 3}) // "1" was in the same run of calls
		assert.Equal(t, "open", b.Stats().State)
		assert.Zero(t, b.Stats().HalfOpened, "no probe while the call hangs")

		next.Release()
		assertOutcomes(t, h, outcomes{delivered: 5})
		assert.Equal(t, []string{"plug", "1", "hang", "2", "3"}, next.rec.Messages())
		assert.Zero(t, b.Stats().HalfOpened)
		assert.Equal(t, "closed", b.Stats().State)
		next.assertOneAtATime(t)
	})
}

// When the error handler hears of a stall, the breaker is open.
func TestStallOpensBreakerFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, b := newHanging(t), newBreaker()
		var state string
		h := begin(t, next.handler(), async.Options{Gate: b, StallTimeout: time.Second, ErrorHandler: func(error) {
			state = b.Stats().State
		}})
		info(h, "hang")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, "open", state)
	})
}

// With a fallback, what is not inside the call that hangs goes there.
func TestStallWithFallback(t *testing.T) {
	for _, g := range gates {
		bubble(t, g.name, func(t *testing.T) {
			next, fallback := newHanging(t), &testsink.Recorder{}
			h, plug := plugged(t, next.handler(), async.Options{Gate: g.gate(), StallTimeout: time.Second, Fallback: fallback})
			info(h, "1", "hang", "2", "3")
			plug.Release()
			time.Sleep(2 * time.Second)
			info(h, "4")
			assertOutcomes(t, h, outcomes{delivered: 2, fallback: 3, depth: 1})
			assert.Equal(t, []string{"2", "3", "4"}, fallback.Messages())

			next.Release()
			time.Sleep(maxOpenTime)
			info(h, "5")
			assertOutcomes(t, h, outcomes{delivered: 4, fallback: 3})
			assert.Equal(t, []string{"plug", "1", "hang", "5"}, next.rec.Messages())
			next.assertOneAtATime(t)
		})
	}
}

// The records inside a call that hung have the outcome that the call has in the end.
func TestStalledCallEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func() error
		want outcomes
	}{
		{"fails once", func() error { return errDown }, outcomes{delivered: 3}},
		{"permanent error", func() error { return async.ErrPermanent }, outcomes{delivered: 2, failed: 1}},
		{"panics", func() error { panic("boom") }, outcomes{delivered: 2, failed: 1}},
		{"exits", func() error { runtime.Goexit(); return nil }, outcomes{delivered: 2, failed: 1}},
	} {
		for _, g := range gates {
			bubble(t, tt.name+"/"+g.name, func(t *testing.T) {
				next := newHanging(t)
				next.end = func() error {
					next.end = nil
					return tt.end()
				}
				h, plug := plugged(t, next.handler(), async.Options{Gate: g.gate(), StallTimeout: time.Second})
				info(h, "hang", "2")
				plug.Release()
				time.Sleep(time.Minute)
				assertOutcomes(t, h, outcomes{delivered: 1, depth: 2})
				next.Release()
				time.Sleep(3 * maxOpenTime)
				assertOutcomes(t, h, tt.want)
				next.assertOneAtATime(t)
			})
		}
	}
}

// A record that is refused in the end goes to the fallback, as any other.
func TestStalledCallFailsWithFallback(t *testing.T) {
	for _, g := range gates {
		bubble(t, g.name, func(t *testing.T) {
			next, fallback := newHanging(t), &testsink.Recorder{}
			next.end = func() error { return errDown }
			h := begin(t, next.handler(), async.Options{Gate: g.gate(), StallTimeout: time.Second, Fallback: fallback})
			info(h, "hang")
			time.Sleep(time.Minute)
			info(h, "1")
			assertOutcomes(t, h, outcomes{fallback: 1, depth: 1})
			next.Release()
			assertOutcomes(t, h, outcomes{fallback: 2})
			assert.Equal(t, []string{"1", "hang"}, fallback.Messages())
			assert.EqualValues(t, 1, h.Stats().DeliveryErrors, "tried once")
		})
	}
}

// Next may hang again with the probe.
func TestStallsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, errs := newHanging(t), newJournal()
		h := begin(t, next.handler(), async.Options{Gate: newBreaker(), StallTimeout: time.Second, ErrorHandler: errs.hear})
		info(h, "hang", "hang", "hang", "1")
		for range 3 {
			time.Sleep(time.Minute)
			next.Step()
		}
		time.Sleep(time.Minute)
		assertOutcomes(t, h, outcomes{delivered: 4})
		assert.Equal(t, []string{"stall of 1s", "stall of 1s", "stall of 1s"}, errs.what())
		next.assertOneAtATime(t)
	})
}

// A next that is slow, but gets on, does not hang; nor does any if the timeout is off.
func TestNoStall(t *testing.T) {
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		delay   time.Duration
		records int
	}{
		{"slow", time.Second, 700 * time.Millisecond, 20},
		{"just in time", time.Second, time.Second - time.Nanosecond, 1},
		{"off", -1, time.Hour, 2},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			rec, gate := &testsink.Recorder{}, &fakeGate{}
			h := begin(t, testsink.NewSlow(rec, tt.delay), async.Options{Gate: gate, StallTimeout: tt.timeout})
			info(h, numbered(1, tt.records)...)
			time.Sleep(tt.delay * time.Duration(tt.records))
			assertOutcomes(t, h, outcomes{delivered: tt.records})
			assert.Zero(t, h.Stats().Stalls)
			assert.Zero(t, gate.trips)
		})
	}
}
