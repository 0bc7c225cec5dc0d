package async_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// tellingSink tells of each record that next has taken, and in the end says that it took none.
type tellingSink struct{}

func (tellingSink) Deliver(b *async.Batch) (done int, err error) {
	for b.Next() {
		if err := b.Handle(); err != nil {
			return 0, err
		}
		done++
		b.Done(done)
	}
	return 0, nil
}

// What a sink has told of counts at once, also in what a shutdown leaves, and for good.
func TestWhatASinkHasDoneCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		last error // what becomes of the record inside
		want outcomes
	}{
		{"taken", nil, outcomes{delivered: 4, dropped: 2}},
		{"refused", errDown, outcomes{delivered: 3, failed: 1, dropped: 2}},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			gate := testsink.NewGate()
			next := testsink.Func(func(_ context.Context, r slog.Record) error {
				gate.Pass()
				if r.Message == "4" {
					return tt.last
				}
				return nil
			})
			var dropped []string
			h := begin(t, next, async.Options{Sink: tellingSink{}, OnDrop: func(_ context.Context, r slog.Record, _ async.DropReason) {
				dropped = append(dropped, r.Message)
			}})
			info(h, "1")
			<-gate.Entered()
			info(h, numbered(2, 6)...)
			for n := range 4 {
				assertOutcomes(t, h, outcomes{delivered: n, depth: 6 - n})
				if n < 3 {
					gate.Step()
				}
			}
			var e *async.ShutdownError
			require.ErrorAs(t, h.Shutdown(canceled()), &e)
			assert.Equal(t, 3, e.Undelivered)
			assert.Equal(t, []string{"5", "6"}, dropped)
			assertOutcomes(t, h, outcomes{delivered: 3, dropped: 2, depth: 1})
			gate.Release()
			assertOutcomes(t, h, tt.want)
		})
	}
}

// A sink that begins many records before it writes them tells of some of them: the others are
// not out. Who tells of more than it has begun is not believed.
func TestWhatASinkHasBegunDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		s := &batchSink{max: 3}
		s.deliver = func(b *async.Batch, _ []string) (int, error) {
			s.deliver = all
			b.Done(2)
			b.Done(1)
			b.Done(-1)
			gate.Pass()
			b.Done(9)
			gate.Pass()
			panic("boom")
		}
		h := sinkPlugged(t, s, async.Options{}, numbered(1, 5)...)
		<-gate.Entered()
		assertOutcomes(t, h, outcomes{delivered: 3, depth: 3})
		gate.Step()
		assertOutcomes(t, h, outcomes{delivered: 4, depth: 2})
		gate.Release()
		assertOutcomes(t, h, outcomes{delivered: 6})
		assert.Equal(t, [][]string{{"plug"}, {"1", "2", "3"}, {"4", "5"}}, s.calls(), "none comes twice")
	})
}

// A record from the disk that the sink has told of is not there any more when the process ends,
// though the call did not return.
func TestWhatASinkHasDoneLeavesTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, "1", "2", "hang", "4", "5")
		require.NoError(t, h.Close())

		hung := newHanging(t)
		h = begin(t, hung.handler(), async.Options{Sink: tellingSink{}, MaxWait: -1, Spool: openSpool(t, dir)})
		<-hung.Entered()
		s := assertIdentity(t, h)
		assert.EqualValues(t, 2, s.Delivered)
		assert.Equal(t, 3, s.Spooled)
		var e *async.ShutdownError
		require.ErrorAs(t, shutdownIn(h, 3*time.Second), &e)
		assert.Equal(t, 1, e.Undelivered)
		assertOutcomes(t, h, outcomes{delivered: 2, depth: 1})
		assert.Equal(t, 3, openSpool(t, dir).Len())
	})
}

// InFlight tells a destination that hangs from one that gets on, to the second, whatever counts
// as a stall: by the records that begin, or by those that are done.
func TestInFlightIsSinceTheLastProgress(t *testing.T) {
	for _, timeout := range []time.Duration{-1, 5 * time.Second, 10 * time.Minute} {
		gate := func(t *testing.T) func(string) {
			gate := testsink.NewGate()
			t.Cleanup(func() {
				gate.Release()
				time.Sleep(time.Minute) // the call ends
			})
			return func(msg string) {
				if time.Sleep(200 * time.Millisecond); msg == "200" {
					gate.Pass()
				}
			}
		}
		check := func(t *testing.T, h *async.Handler) {
			info(h, numbered(1, 250)...)
			time.Sleep(30*time.Second + time.Millisecond)
			s := h.Stats()
			assert.NotZero(t, s.InFlight)
			assert.LessOrEqual(t, s.InFlight, time.Second)
			assert.Zero(t, s.Stalls)
			time.Sleep(30 * time.Second)
			assert.InDelta(t, 20, h.Stats().InFlight.Seconds(), 1, "hangs")
			time.Sleep(time.Hour)
			assert.InDelta(t, 3620, h.Stats().InFlight.Seconds(), 1)
		}
		bubble(t, "begin "+timeout.String(), func(t *testing.T) {
			pass := gate(t)
			next := testsink.Func(func(_ context.Context, r slog.Record) error { pass(r.Message); return nil })
			check(t, begin(t, next, async.Options{StallTimeout: timeout}))
		})
		bubble(t, "done "+timeout.String(), func(t *testing.T) {
			pass := gate(t)
			s := &batchSink{deliver: func(b *async.Batch, msgs []string) (int, error) {
				for i, msg := range msgs {
					pass(msg)
					b.Done(i + 1)
				}
				return len(msgs), nil
			}}
			check(t, begin(t, s.handler(), async.Options{Sink: s, StallTimeout: timeout}))
		})
	}
}
