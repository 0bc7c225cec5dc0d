package async

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/sleeper"
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

// small is a budget that could seem full because of a long nap.
const small = 4 << 20

// limitNaps sets how long the worker may leave records alone: a queue or a budget that is
// next to empty must not seem full because of a nap.
func (g *engine) limitNaps() {
	g.pressing = uint64(max(1, g.ring.Cap()/2))
	if g.highWater > 0 {
		g.pressing = min(g.pressing, max(1, g.highWater/2))
	}
	g.gather = sleeper.LongNap
	switch {
	case g.opts.Linger > 0:
		g.gather = g.opts.Linger
		g.pressing = min(g.pressing, uint64(g.opts.BatchSize))
	case g.budget != nil:
		g.early(func() {
			if g.budget.Limit() < small {
				g.gather = sleeper.ShortNap
			}
		})
	}
	if g.gather < time.Microsecond {
		g.gather = 0
	}
	g.lingers = g.opts.Linger > 0 && g.gather > 0
}

// wakeFor is called after the record at pos was published, by callers that found
// the worker not awake.
func (g *engine) wakeFor(pos uint64, level slog.Level) {
	switch g.sleep.Load() {
	case sleeper.Napping:
		if pos+1-g.ring.Head() >= g.pressing || g.urgent(level) || g.purse.gauge() {
			g.sleeper.Wake(sleeper.Napping)
		}
	case sleeper.Parked:
		if !g.lingers {
			g.sleeper.Wake(sleeper.Parked)
			return
		}
		g.sleeper.GatherFrom(sleeper.Parked, g.gather)
	case sleeper.Watching:
		if g.gather == 0 || g.urgent(level) {
			g.sleeper.Wake(sleeper.Watching)
			return
		}
		g.sleeper.GatherFrom(sleeper.Watching, g.gather) // one call of the spool is for all that come meanwhile
	case sleeper.Calling:
		if (pos+1-g.ring.Head() >= uint64(max(1, g.ring.Cap()/2)) || g.purse.gauge()) && g.sleep.Change(sleeper.Calling, sleeper.Awake) {
			g.admission.relieve()
		}
	case sleeper.Gone:
		g.ending.abandonLeftovers()
	}
}

// hurry is wakeFor where records linger, for one that must not. The worker may be about to
// nap: it looks at hurried after storing napping.
func (g *engine) hurry(pos uint64) {
	for old := g.hurried.Load(); old <= pos && !g.hurried.CompareAndSwap(old, pos+1); old = g.hurried.Load() {
	}
	switch g.sleep.Load() {
	case sleeper.Awake:
	case sleeper.Gone:
		g.ending.abandonLeftovers()
	default:
		g.sleeper.WakeUp()
	}
}

// hurries reports whether such a record waits.
func (g *engine) hurries() bool { return g.hurried.Load() > g.ring.Head() }

// urgent reports whether records of that level are not kept waiting for others.
func (g *engine) urgent(level slog.Level) bool { return level >= g.opts.ProtectedLevel.Level() }

// delivered notes that w has just delivered what it began to at that time.
func (w *worker) delivered(began time.Time, a *attempt) {
	g := w.engine
	dense := began.Sub(w.last) < sleeper.ShortNap || g.opts.Linger > 0
	w.last = time.Now()
	w.heavy = a.settled >= urgent
	w.quick = dense && a.err == nil && w.last.Sub(began) < sleeper.ShortNap // else what waits has waited long enough
}

// sparseLocked reports whether it is better to let more records gather before the
// next batch is taken.
func (w *worker) sparseLocked() bool {
	g := w.engine
	n := g.ring.Waiting()
	return w.quick && g.ring.Head() >= w.upTo && n > 0 && n < g.opts.BatchSize && g.gather > 0 &&
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
	if w.last.Sub(w.yielded) >= sleeper.ShortNap && g.ring.Waiting() > 0 && g.muchRoom() &&
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
	d := g.gather
	switch {
	case g.opts.Linger > 0:
		d = max(1, d-time.Since(w.woke)) // what waits came after that
	case w.heavy:
		d = min(d, sleeper.ShortNap)
	}
	w.quick = false
	g.sleeper.Nap(d, func() bool {
		return uint64(g.ring.Waiting()) < g.pressing && !g.hurries() && g.barriers.waiters.Load() == 0 && !g.ring.Sealed() && g.admission.room.Waiting() == 0
	})
	w.awoke()
}

// awoke notes that what waits now has waited long enough.
func (w *worker) awoke() { w.woke, w.upTo = time.Now(), w.engine.ring.Tail() }

// rest is what the worker does when there is nothing to do, or not yet.
func (w *worker) rest(d course.Decision, tail uint64) {
	g := w.engine
	g.resting.Add(1)
	defer g.resting.Add(-1)
	as := sleeper.Parked
	switch {
	case d.Each:
		as = sleeper.Watching
	case d.Till:
		as = sleeper.Napping
	case d.Busy:
		as = sleeper.Awake
	}
	slept := g.sleeper.Rest(as, d.Wait, func() bool { return g.quiet(as, tail) })
	w.awoke()
	if slept {
		runtime.Gosched() // the lines of one request are one delivery
	}
}

// quiet reports whether nothing has come since the worker planned to rest, when tail was the
// end of the queue, that would have woken it.
func (g *engine) quiet(as sleeper.Manner, tail uint64) bool {
	switch as {
	case sleeper.Parked:
		return !g.ring.Ready()
	case sleeper.Watching:
		return g.ring.Tail() == tail
	case sleeper.Napping:
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
