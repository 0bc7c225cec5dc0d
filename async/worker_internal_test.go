package async

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/ring"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// probes is a gate that allows probes only, and counts how often each ticket came back.
type probes struct {
	mu    sync.Mutex
	given uint64
	back  map[uint64]int
}

func (p *probes) Allow() Permit {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.given++
	return Permit{OK: true, Probe: true, Ticket: p.given}
}

func (p *probes) Done(ticket uint64, _ bool, _ error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back[ticket]++
}

func (p *probes) Trip() {}

// A probe for a record that its producer has not published yet ends at once.
func TestProbeWithoutARecordEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := &probes{back: map[uint64]int{}}
		h := New(testsink.NewFailer(nil, errors.New("down"), nil), Options{Gate: gate, MaxAttempts: 1, ErrorHandler: func(error) {}})
		g := h.engine
		pos, e, status := g.ring.Reserve()
		require.Equal(t, ring.Reserved, status)
		g.sleeper.Poke()
		time.Sleep(time.Second)
		g.put(pos, e, context.Background(), h, &slog.Record{}, 0)
		g.follow(pos, slog.LevelInfo)
		time.Sleep(time.Second)
		_ = h.Close()
		require.Len(t, gate.back, int(gate.given))
		for ticket, n := range gate.back {
			assert.Equal(t, 1, n, "ticket %d", ticket)
		}
	})
}

// The age of what a worker has in its hands is that of the oldest record, also if that was
// held before and a later one was in its hands meanwhile.
func TestAgeOfHeldRecordsInHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(testsink.NewFailer(nil, errors.New("down"), nil), Options{})
		g, w := h.engine, &worker{engine: h.engine}
		g.locked(func() {
			w.batch.first = 9
			g.course.Hold(course.Held[entry]{Value: newEntry(context.Background(), h, &slog.Record{}, 0), Seq: 3})
			p := plan{}
			p.Act, p.From, p.N = course.Try, 0, 1
			require.True(t, w.takeLocked(&p, time.Now()))
			assert.EqualValues(t, 3, g.barriers.oldestLocked())
			w.endLocked(&attempt{now: time.Now()})
			g.hands--
		})
		require.NoError(t, h.Close())
	})
}

// A worker and the one that has taken its role may let callers in at the same time.
func TestTwoWorkersLetCallersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := testsink.NewGate()
		h := New(testsink.Func(func(context.Context, slog.Record) error { hang.Pass(); return nil }), Options{
			Capacity: 1, Overflow: Block, StallTimeout: -1,
		})
		var wg sync.WaitGroup
		for range 3 { // one is in next, one in the queue, one waits
			wg.Go(func() { _ = h.Handle(context.Background(), slog.Record{}) })
		}
		synctest.Wait()
		require.Equal(t, 1, h.Stats().Waiting)
		for range 2 {
			wg.Go(func() { h.engine.admission.admit(time.Now(), true) })
		}
		synctest.Wait()
		hang.Release()
		wg.Wait()
		require.NoError(t, h.Close())
	})
}

// Half a queue that came just before the worker's rest beside a long call ends that rest.
func TestPressureJustBeforeARest(t *testing.T) {
	for _, tt := range []struct {
		records int
		rests   bool
	}{{3, true}, {4, false}} {
		synctest.Test(t, func(t *testing.T) {
			hang := testsink.NewGate()
			h := New(testsink.Func(func(context.Context, slog.Record) error { hang.Pass(); return nil }), Options{
				Capacity: 8, Fallback: &testsink.Recorder{}, Linger: 1,
			})
			log := func() { require.NoError(t, h.Handle(t.Context(), slog.Record{})) }
			log()
			<-hang.Entered()
			tail := h.engine.ring.Tail()
			for range tt.records {
				log()
			}
			rested := make(chan struct{})
			go func() {
				defer close(rested)
				(&worker{engine: h.engine}).rest(course.Decision{Act: course.Rest, Till: true}, tail)
			}()
			synctest.Wait()
			assert.Equal(t, tt.rests, !isClosed(rested))
			h.engine.sleeper.Poke()
			<-rested
			hang.Release()
			require.NoError(t, h.Close())
		})
	}
}

// An ERROR that came just before the worker's nap ends that nap.
func TestUrgentRecordJustBeforeANap(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
		synctest.Test(t, func(t *testing.T) {
			hang := testsink.NewGate()
			h := New(testsink.Func(func(context.Context, slog.Record) error { hang.Pass(); return nil }), Options{Linger: time.Minute})
			log := func(level slog.Level) {
				require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), level, "m", 0)))
			}
			log(slog.LevelError)
			<-hang.Entered()
			log(level)
			log(slog.LevelInfo)
			napped := make(chan struct{})
			go func() {
				defer close(napped)
				(&worker{engine: h.engine}).nap()
			}()
			synctest.Wait()
			assert.Equal(t, level == slog.LevelError, isClosed(napped))
			h.engine.sleeper.Poke()
			<-napped
			hang.Release()
			require.NoError(t, h.Close())
		})
	}
}

// The ticket of a probe under way comes back once, though a shutdown begins meanwhile and
// another worker has the role.
func TestShutdownDuringALongProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, hang := &probes{back: map[uint64]int{}}, testsink.NewGate()
		h := New(testsink.Func(func(context.Context, slog.Record) error { hang.Pass(); return nil }), Options{
			Gate: gate, Fallback: &testsink.Recorder{}, Capacity: 8, StallTimeout: -1, Linger: 1,
		})
		log := func() { require.NoError(t, h.Handle(t.Context(), slog.Record{})) }
		log()
		<-hang.Entered()
		for range 5 {
			log()
		}
		time.Sleep(2 * time.Second)
		ticket := gate.given
		require.EqualValues(t, 5, h.Stats().Fallback, "another has the role")
		go func() { _ = h.Close() }()
		synctest.Wait()
		assert.Zero(t, gate.back[ticket])
		hang.Release()
		synctest.Wait()
		assert.Equal(t, 1, gate.back[ticket])
	})
}

// Whose goroutine a call is on needs no look at its stack while no worker runs code of the
// user's: in an outage the queue is full, and each call would pay for it.
func TestNobodyAsksForTheGoroutineWhileTheWorkerSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewBlocker(&testsink.Recorder{})
		h := New(gate, Options{StallTimeout: -1})
		defer h.Close()
		synctest.Wait()
		workers := &h.engine.callers.workers
		assert.False(t, workers.Visible(), "it waits for the first record")
		require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelError, "", 0)))
		<-gate.Entered()
		assert.True(t, workers.Visible(), "it is inside next")
		gate.Release()
		synctest.Wait()
		assert.False(t, workers.Visible())
	})
}
