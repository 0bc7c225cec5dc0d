package async

import "time"

// The worker sleeps in two ways. After it has delivered it naps: waking a
// goroutine costs the waker 1.4 to 2.7 µs (measured), so callers leave it alone
// and it looks by itself when the nap is over. When nothing came during a nap it
// parks without any timer, and the next record wakes it: an idle handler costs
// nothing.
const (
	awake uint32 = iota
	napping
	parked
	gone // there is no worker any more; who publishes clears up
)

// nap is how long a record may wait for the worker to look again.
const nap = 200 * time.Microsecond

// wakeFor is called after the record at pos was published, by callers that found
// the worker not awake. Publishing before looking, and the worker's looking at
// the ring after storing parked, are what makes a lost wake-up impossible.
func (c *core) wakeFor(pos uint64) {
	switch c.sleep.Load() {
	case napping:
		if pos+1-c.ring.Head() >= c.napWake {
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

// rest is what the worker does when there is nothing to take, or nothing but a
// record that must wait until limit, if that is not 0.
func (c *core) rest(w *worker, limit time.Duration) {
	if w.busy {
		w.busy = false
		if c.sleep.CompareAndSwap(awake, napping) {
			w.wait(c.linger)
			c.sleep.CompareAndSwap(napping, awake)
		}
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

// wait returns after d or at a poke.
func (w *worker) wait(d time.Duration) {
	w.timer.Reset(d)
	select {
	case <-w.core.wakeUp:
		w.timer.Stop()
	case <-w.timer.C:
	}
}
