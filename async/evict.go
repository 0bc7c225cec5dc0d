package async

import (
	"log/slog"
	"runtime"
	"time"
)

// evict makes room for the record by dropping what is oldest and unprotected. Under
// DropOldest a protected record takes the place of the oldest protected one if there
// is nothing else.
func (c *core) evict(q *request, reason int, from slog.Level) bool {
	protected := q.level >= from
	isProtected := func(e *entry) bool { return e.rec.Level >= from }
	var dropped []entry
	var freed int64
	drop := func(e *entry) {
		c.evicted.count(reason, e.rec.Level)
		freed += e.size
		if c.opts.OnDrop != nil {
			dropped = append(dropped, *e)
		}
	}
	for try := 0; ; try++ {
		c.mu.Lock()
		ok := c.evictLocked(q, protected, isProtected, drop, &freed)
		unpublished := c.ring.Stuck()
		c.mu.Unlock()
		c.release(freed)
		c.tellDropped(dropped, reason)
		if ok || !unpublished || !awaitPublisher(try, protected) {
			return ok
		}
	}
}

// awaitPublisher lets the producer of the oldest record publish it, which it is about
// to do unless it was preempted just there. For a protected record that is worth a
// longer wait. It reports false when it is not worth waiting any longer.
func awaitPublisher(try int, protected bool) bool {
	switch {
	case try < 3:
		runtime.Gosched()
	case protected && try < 100:
		time.Sleep(maxWait / 100)
	default:
		return false
	}
	return true
}

// evictLocked reports whether it made room, or another caller did.
func (c *core) evictLocked(q *request, protected bool, isProtected func(*entry) bool, drop func(*entry), freed *int64) bool {
	if q.acquired && !c.ring.Full() {
		return true
	}
	c.notePeakLocked()
	c.takeBackLocked(c.worker) // what waits for a stalled next can be evicted too
	n := 1
	if c.opts.Overflow == DropOldest && q.acquired {
		n = max(1, c.ring.Cap()/128) // so that a flood takes the lock once in many calls
	}
	evicted := 0
	for {
		k := c.ring.Evict(n, isProtected, drop)
		if k == 0 && protected && c.opts.Overflow == DropOldest && !c.ring.Stuck() && c.ring.EvictOldest(drop) {
			k = 1 // only protected ones wait
		}
		evicted += k
		if k == 0 || q.acquired || *freed >= q.size {
			break
		}
	}
	if evicted > 0 {
		c.report.noteLocked(c.ring.Head())
		c.settledLocked()
	}
	return evicted > 0
}
