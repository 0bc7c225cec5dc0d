package async

import (
	"math"
	"runtime"
	"time"
)

// The worker sleeps in two ways. After it has delivered it naps: waking a
// goroutine costs the waker 1.4 to 2.7 µs (measured), so callers leave it alone
// and it looks by itself when the nap is over. It does so also when a few records
// wait already: to run after the callers record by record would make each cache
// line go back and forth between their processors and its own. When nothing came
// during a nap, or during a long one if records keep coming, it parks without any
// timer, and the next record wakes it: an idle handler costs nothing.
const (
	awake uint32 = iota
	napping
	parked
	gone // there is no worker any more; who publishes clears up
)

const (
	// nap is how long records may gather after a delivery of many or one that came alone.
	nap = 200 * time.Microsecond
	// longNap is how long they may after a delivery of a few, if the last one was less than
	// twice that time before. At 20,000 records/s that took a third off the median of a call
	// and off its 99.9th percentile, against a nap each 200 µs (measured).
	longNap = 2 * time.Millisecond
	// lightest is what part of the budget a delivery may hold at most for a long nap to
	// follow: ten times as much may gather then, and the budget may be shared.
	lightest = 400
)

// limitNaps sets how long the worker may leave records alone: a queue or a budget that is
// next to empty must not seem full because of a nap.
func (c *core) limitNaps() {
	c.pressing = uint64(max(1, c.ring.Cap()/2))
	if c.highWater > 0 {
		c.pressing = min(c.pressing, max(1, c.highWater/2))
	}
	c.light = math.MaxInt64
	if c.budget != nil {
		c.light = c.budget.Limit() / lightest
	}
}

// wakeFor is called after the record at pos was published, by callers that found
// the worker not awake. Publishing before looking, and the worker's looking at
// the ring after storing parked, are what makes a lost wake-up impossible.
func (c *core) wakeFor(pos uint64) {
	switch c.sleep.Load() {
	case napping:
		if pos+1-c.ring.Head() >= c.pressing {
			c.wake(napping)
		}
	case parked:
		c.wake(parked)
	case gone:
		c.abandonLeftovers()
	}
}

// wake ends the worker's sleep if it still sleeps in that way.
func (c *core) wake(from uint32) {
	if c.sleep.CompareAndSwap(from, awake) {
		c.poke()
	}
}

// poke makes the worker look around, whatever it waits for. A poke that comes
// before it waits is not lost; one too many does no harm.
func (c *core) poke() {
	select {
	case c.wakeUp <- struct{}{}:
	default:
	}
}

// delivered notes that w has just delivered what it began to at that time.
func (w *worker) delivered(began time.Time) {
	now := time.Now()
	w.long = began.Sub(w.last) < 2*longNap && w.bytes <= w.core.light
	w.short = w.settled >= urgent || !w.long
	w.last = now
	w.quick = now.Sub(began) < nap // else what came in the meantime has waited long enough
}

// sparseLocked reports whether it is better to let more records gather before the
// next batch is taken.
func (c *core) sparseLocked(w *worker) bool {
	return w.quick && c.ring.Waiting() < c.opts.BatchSize &&
		c.outage.limit == 0 && len(c.outage.held) == 0 &&
		c.phase == running && c.waiters.Load() == 0 && c.room.waiting.Load() == 0
}

// yield lets goroutines that are ready to run go first after a batch, as long as there is
// much room. Those that log have work to do, while what they logged can wait for a
// processor that has nothing else to do: without this the worker, which does not block
// while records come, would keep a processor from them for 10 ms at a time. With 8
// goroutines on 2 processors it made the calls of a burst 15 to 25% faster (internal/benchmarks,
// parallel), and the end of the burst's delivery later; to do so up to three quarters of the
// queue instead of half of it, another 10%. Where callers outrun the worker it
// would cost throughput instead, 30 to 50% with 100 and more of them on one processor: so
// not when somebody has waited for room lately.
func (c *core) yield(w *worker) {
	if w.last.Sub(w.yielded) >= nap && c.ring.Waiting() > 0 && c.muchRoom() &&
		c.waiters.Load() == 0 && !c.ring.Sealed() && !c.room.wanted(w.last) {
		w.yielded = w.last
		runtime.Gosched()
	}
}

// rest is what the worker does when there is nothing to take, or nothing but a
// record that must wait until limit, if that is not 0.
func (c *core) rest(w *worker, limit time.Duration) {
	if w.short || w.long {
		c.nap(w, limit)
		return
	}
	if !c.sleep.CompareAndSwap(awake, parked) {
		return
	}
	switch {
	case c.ring.Ready():
	case limit > 0:
		w.wait(limit)
	default:
		<-c.wakeUp
	}
	c.sleep.CompareAndSwap(parked, awake)
}

// nap lets records gather, but not while somebody waits for what there is.
func (c *core) nap(w *worker, limit time.Duration) {
	w.quick = false
	d := nap
	if w.short {
		w.short = false
	} else {
		d, w.long = longNap, false
	}
	if c.opts.FlushInterval > 0 {
		d = max(nap, c.opts.FlushInterval)
	}
	if c.waiters.Load() > 0 || c.ring.Sealed() {
		d = nap
	}
	if limit > 0 {
		d = min(d, limit)
	}
	if c.sleep.CompareAndSwap(awake, napping) {
		w.wait(d)
		c.sleep.CompareAndSwap(napping, awake)
	}
}

// wait returns after d or at a poke.
func (w *worker) wait(d time.Duration) {
	w.timer.Reset(d)
	select {
	case <-w.core.wakeUp:
		w.timer.Stop()
	case <-w.timer.C:
	}
}
