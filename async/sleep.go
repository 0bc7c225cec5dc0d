package async

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// The worker has two ways to sleep. When there is nothing, it parks without any timer: an
// idle handler costs nothing. The record that ends the parking wakes it at once, while the
// process is awake anyhow: a timer that wakes it later, when other records have come, costs
// the process another round of waking up and falling asleep. With three lines in each of 200
// requests a second on one processor that was 390 instead of 260 µs of CPU time a request
// (measured; 235 with the synchronous handler). It lets goroutines that are ready go first,
// so that those lines are one delivery.
//
// Where records keep coming it naps: to run after the callers record by record would make
// each cache line go back and forth between their processors and its own, and waking it
// costs the waker 1.4 to 2.7 µs (measured). A full nap, or half a queue, ends that.
const (
	awake uint32 = iota
	napping
	parked
	gone     // there is no worker any more; who publishes clears up
	watching // records wait, and one more may make some go to the disk
	calling  // no sleep: inside a next that is in trouble, and half a queue goes to the fallback
)

const (
	// longNap is how long records may gather after a delivery of a few, if they keep coming.
	longNap = 2 * time.Millisecond
	// shortNap is how long they may after a delivery of many. They keep coming if a
	// delivery begins less than that after the last one.
	shortNap = 200 * time.Microsecond
	// small is a budget that could seem full because of a long nap.
	small = 4 << 20
)

// sleeper is the part of the worker's sleep that log calls have no look at.
type sleeper struct {
	g       *engine
	gather  time.Duration // how long records may wait for others
	wakeUp  chan struct{} // capacity 1
	timer   *time.Timer   // of naps and rests
	resting atomic.Int32  // above 0: the worker waits
}

func (s *sleeper) init(g *engine) {
	s.g, s.wakeUp, s.timer = g, make(chan struct{}, 1), time.NewTimer(time.Hour)
	s.timer.Stop()
	s.limitNaps()
}

// limitNaps sets how long the worker may leave records alone: a queue or a budget that is
// next to empty must not seem full because of a nap.
func (s *sleeper) limitNaps() {
	g := s.g
	g.pressing = uint64(max(1, g.ring.Cap()/2))
	if g.highWater > 0 {
		g.pressing = min(g.pressing, max(1, g.highWater/2))
	}
	s.gather = longNap
	switch {
	case g.opts.Linger > 0:
		s.gather = g.opts.Linger
		g.pressing = min(g.pressing, uint64(g.opts.BatchSize))
	case g.budget != nil:
		g.early(func() {
			if g.budget.Limit() < small {
				s.gather = shortNap
			}
		})
	}
	if s.gather < time.Microsecond {
		s.gather = 0
	}
	g.lingers = g.opts.Linger > 0 && s.gather > 0
}

// wakeFor is called after the record at pos was published, by callers that found
// the worker not awake. Publishing before looking, and the worker's looking at
// the ring after storing parked, are what makes a lost wake-up impossible.
func (g *engine) wakeFor(pos uint64, level slog.Level) {
	switch g.sleep.Load() {
	case napping:
		if pos+1-g.ring.Head() >= g.pressing || g.urgent(level) || g.purse.gauge() {
			g.wake(napping)
		}
	case parked:
		if !g.lingers {
			g.wake(parked)
			return
		}
		g.napFrom(parked)
	case watching:
		if g.sleeper.gather == 0 || g.urgent(level) {
			g.wake(watching)
			return
		}
		g.napFrom(watching) // one call of the spool is for all that come meanwhile
	case calling:
		if (pos+1-g.ring.Head() >= uint64(max(1, g.ring.Cap()/2)) || g.purse.gauge()) && g.sleep.CompareAndSwap(calling, awake) {
			g.admission.relieve()
		}
	case gone:
		g.ending.abandonLeftovers()
	}
}

// napFrom has the worker gather records before it wakes, but not beyond the end of its rest.
func (g *engine) napFrom(from uint32) {
	if !g.sleep.CompareAndSwap(from, napping) {
		return
	}
	d := g.sleeper.gather
	if due := g.due.Load(); due > 0 {
		d = min(d, time.Duration(due)-time.Since(g.began))
	}
	g.sleeper.timer.Reset(d)
}

// hurry is wakeFor where records linger, for one that must not. The worker may be about to
// nap: it looks at hurried after storing napping.
func (g *engine) hurry(pos uint64) {
	for old := g.hurried.Load(); old <= pos && !g.hurried.CompareAndSwap(old, pos+1); old = g.hurried.Load() {
	}
	switch g.sleep.Load() {
	case awake:
	case gone:
		g.ending.abandonLeftovers()
	default:
		g.sleeper.wakeUpNow()
	}
}

// hurries reports whether such a record waits.
func (g *engine) hurries() bool { return g.hurried.Load() > g.ring.Head() }

// urgent reports whether records of that level are not kept waiting for others.
func (g *engine) urgent(level slog.Level) bool { return level >= g.opts.ProtectedLevel.Level() }

// wakeUpNow wakes the worker, whatever it sleeps for. A caller may turn parked into napping,
// none does the reverse.
func (s *sleeper) wakeUpNow() {
	g := s.g
	g.wake(parked)
	g.wake(napping)
	g.wake(watching)
}

// wake ends the worker's sleep if it still sleeps in that way.
func (g *engine) wake(from uint32) {
	if g.sleep.CompareAndSwap(from, awake) {
		g.sleeper.poke()
	}
}

// poke makes the worker look around, whatever it waits for. A poke that comes
// before it waits is not lost; one too many does no harm.
func (s *sleeper) poke() {
	select {
	case s.wakeUp <- struct{}{}:
	default:
	}
}

// delivered notes that w has just delivered what it began to at that time.
func (w *worker) delivered(began time.Time, a *attempt) {
	g := w.engine
	dense := began.Sub(w.last) < shortNap || g.opts.Linger > 0
	w.last = time.Now()
	w.heavy = a.settled >= urgent
	w.quick = dense && a.err == nil && w.last.Sub(began) < shortNap // else what waits has waited long enough
}

// sparseLocked reports whether it is better to let more records gather before the
// next batch is taken.
func (w *worker) sparseLocked() bool {
	g := w.engine
	n := g.ring.Waiting()
	return w.quick && g.ring.Head() >= w.upTo && n > 0 && n < g.opts.BatchSize && g.sleeper.gather > 0 &&
		!g.hurries() && !g.course.Troubled() && g.course.Len()+g.ring.SideLen() == 0 &&
		g.phase == running && g.barriers.waiters.Load() == 0 && g.admission.room.Waiting() == 0
}

// yield lets goroutines that are ready to run go first after a batch, as long as there is
// much room. Those that log have work to do, while what they logged can wait for a
// processor that has nothing else to do: without this the worker, which does not block
// while records come, would keep a processor from them for 10 ms at a time. With 8
// goroutines on 2 processors it made the calls of a burst 15 to 25% faster
// (internal/benchmarks, parallel), and the end of the burst's delivery later; to do so up
// to three quarters of the queue instead of half of it, another 10%. Where callers outrun
// the worker it would cost throughput instead, 30 to 50% with 100 and more of them on one
// processor: so not when somebody has waited for room lately.
func (w *worker) yield() {
	g := w.engine
	if w.last.Sub(w.yielded) >= shortNap && g.ring.Waiting() > 0 && g.muchRoom() &&
		g.barriers.waiters.Load() == 0 && !g.ring.Sealed() && !g.admission.room.WantedSince(w.last.Add(-yieldAfter)) {
		w.yielded = w.last
		runtime.Gosched()
	}
}

// yieldAfter is how long ago somebody must have waited for room for the worker to yield.
const yieldAfter = 100 * time.Millisecond

// nap lets records gather, but not while somebody waits for what there is.
func (w *worker) nap() {
	g := w.engine
	d := g.sleeper.gather
	switch {
	case g.opts.Linger > 0:
		d = max(1, d-time.Since(w.woke)) // what waits came after that
	case w.heavy:
		d = min(d, shortNap)
	}
	w.quick = false
	if !g.sleep.CompareAndSwap(awake, napping) {
		return
	}
	g.sleeper.timer.Reset(d)
	if uint64(g.ring.Waiting()) < g.pressing && !g.hurries() && g.barriers.waiters.Load() == 0 && !g.ring.Sealed() && g.admission.room.Waiting() == 0 {
		g.sleeper.sleepOn()
	}
	g.sleeper.timer.Stop()
	g.sleep.CompareAndSwap(napping, awake)
	w.awoke()
}

// awoke notes that what waits now has waited long enough.
func (w *worker) awoke() { w.woke, w.upTo = time.Now(), w.engine.ring.Tail() }

// rest is what the worker does when there is nothing to do, or not yet.
func (w *worker) rest(d course.Decision, tail uint64) {
	g := w.engine
	g.sleeper.resting.Add(1)
	defer g.sleeper.resting.Add(-1)
	as := parked
	switch {
	case d.Each:
		as = watching
	case d.Till:
		as = napping
	case d.Busy:
		as = awake
	}
	g.due.Store(0)
	if d.Wait > 0 {
		g.sleeper.timer.Reset(d.Wait) // before callers reset it
		g.due.Store(int64(time.Since(g.began) + d.Wait))
	}
	if !g.sleep.CompareAndSwap(awake, as) {
		g.sleeper.timer.Stop()
		return
	}
	defer func() { // also if the budget ends the goroutine
		g.sleeper.timer.Stop()
		g.sleep.CompareAndSwap(parked, awake)
		g.sleep.CompareAndSwap(napping, awake)
		g.sleep.CompareAndSwap(watching, awake)
		w.awoke()
	}()
	if g.sleeper.sleeps(as, tail) {
		g.sleeper.sleepOn()
		runtime.Gosched() // the lines of one request are one delivery
	}
}

// sleeps reports whether nothing has come since the worker planned to rest, when tail was the
// end of the queue, that would have woken it.
func (s *sleeper) sleeps(as uint32, tail uint64) bool {
	g := s.g
	switch as {
	case parked:
		return !g.ring.Ready()
	case watching:
		return g.ring.Tail() == tail
	case napping:
		return g.ring.Tail() == tail || !g.pressed()
	}
	return true
}

// pressed reports whether records wait that the fallback is to get while next is busy.
func (g *engine) pressed() (yes bool) {
	g.purse.gauge()
	g.locked(func() { yes = g.ring.Len() > 0 && g.pressedLocked(time.Now()) })
	return yes
}

// sleepOn returns at a poke or when the timer has run out. Meanwhile no code of the user's
// runs on this goroutine.
func (s *sleeper) sleepOn() {
	s.g.callers.workers.Hide()
	defer s.g.callers.workers.Show()
	select {
	case <-s.wakeUp:
	case <-s.timer.C:
	}
}
