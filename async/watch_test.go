package async_test

import (
	"context"
	"errors"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A Flush of the sink that hangs is an outage as well.
func TestSinkFlushHangs(t *testing.T) {
	for _, shutdown := range []bool{false, true} {
		bubble(t, map[bool]string{false: "Flush", true: "Shutdown"}[shutdown], func(t *testing.T) {
			errs, fallback, gate := newJournal(), &testsink.Recorder{}, testsink.NewGate()
			t.Cleanup(gate.Release)
			var inside atomic.Int32
			enter := func() func() {
				assert.EqualValues(t, 1, inside.Add(1), "calls into the sink at a time")
				return func() { inside.Add(-1) }
			}
			s := &batchSink{
				flush: func() error { defer enter()(); gate.Pass(); return errDown },
				deliver: func(_ *async.Batch, msgs []string) (int, error) {
					defer enter()()
					return len(msgs), nil
				},
			}
			h := begin(t, s.handler(), async.Options{Sink: s, StallTimeout: time.Second, ErrorHandler: errs.hear, Fallback: fallback})
			info(h, "1")
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			start := time.Now()
			if shutdown {
				require.Error(t, h.Shutdown(ctx))
			} else {
				require.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded)
			}
			assert.LessOrEqual(t, time.Since(start), 3*time.Second+10*time.Millisecond)
			assert.Equal(t, []string{"stall of 1s"}, errs.what())
			if shutdown {
				go info(h, "late") // it may wait, but not go to the sink now
				time.Sleep(time.Minute)
				gate.Release()
				assertOutcomes(t, h, outcomes{delivered: 1, failed: 0, dropped: 1})
				return
			}
			info(h, "2")
			assertOutcomes(t, h, outcomes{delivered: 1, fallback: 1})
			ctx, cancel = context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			require.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded, "there is nothing to wait for but the sink")
			gate.Release()
			time.Sleep(time.Second)
			info(h, "3")
			require.ErrorIs(t, h.Flush(t.Context()), errDown)
			assertOutcomes(t, h, outcomes{delivered: 2, fallback: 1})
		})
	}
}

// The probe after a call that hung and failed is of one record, however many wait.
func TestProbeAfterStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := testsink.NewGate()
		t.Cleanup(hang.Release)
		s := &batchSink{}
		s.deliver = func(_ *async.Batch, msgs []string) (int, error) {
			if msgs[0] == "hang" {
				hang.Pass()
				return 0, async.ErrPermanent
			}
			return len(msgs), nil
		}
		h := begin(t, s.handler(), async.Options{Sink: s, Gate: newBreaker(), StallTimeout: time.Second})
		info(h, "hang")
		time.Sleep(time.Minute)
		info(h, numbered(1, 9)...)
		hang.Release()
		time.Sleep(2 * maxOpenTime)
		assertOutcomes(t, h, outcomes{delivered: 9, failed: 1})
		assert.Equal(t, []string{"1"}, s.calls()[1])
	})
}

// The watch of a call ends with the call: an idle handler wakes nobody. A timer that
// went on would start a goroutine each time.
func TestWatchEndsWithTheCall(t *testing.T) {
	created := func() uint64 {
		sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	synctest.Test(t, func(t *testing.T) {
		h := begin(t, testsink.NewFailer(nil, errors.New("x"), testsink.Every(7)), async.Options{StallTimeout: time.Second})
		const deliveries = 300
		before := created()
		for range deliveries {
			info(h, "a")
			time.Sleep(time.Minute)
		}
		assert.Less(t, created()-before, uint64(deliveries/3))
	})
}

// tripGate is a gate that does something when it is tripped.
type tripGate struct {
	fakeGate
	inTrip func()
}

func (g *tripGate) Trip() {
	g.inTrip()
	g.fakeGate.Trip()
}

// While the gate is told that a call hangs, that call may end and the next one begin, which
// does not hang.
func TestStallIsNotChargedToTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, errs := testsink.NewGate(), testsink.NewGate(), newJournal()
		t.Cleanup(second.Release)
		next := errs.handler(func(msg string) error {
			map[string]*testsink.Gate{"1": first, "2": second}[msg].Pass()
			return nil
		})
		gate := &tripGate{inTrip: func() {
			first.Release()
			<-second.Entered()
		}}
		h := begin(t, next, async.Options{Gate: gate, BatchSize: 1, StallTimeout: time.Second, ErrorHandler: errs.hear})
		info(h, "1", "2")
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"1", "2", "stall of 1s"}, errs.what())
		second.Release()
		assertOutcomes(t, h, outcomes{delivered: 2})
		gate.assertSettled(t)
	})
}
