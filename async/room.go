package async

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// maxWait is how long a caller that outruns the worker waits for it rather than
// drop: long enough for the scheduler and the disk of a busy machine, short
// enough for a request.
//
// It is waited in slices: where the process gets no CPU time, each of them takes
// longer but counts as it should have been, and the worker, which gets none either, is
// not taken for stalled. A wait that ended with room, which other callers were quicker
// to take, counts a tenth: on one processor the first of them takes all there is, and
// the others must not drop for that while the worker does its work.
const (
	maxWait  = 100 * time.Millisecond
	slice    = 10 * time.Millisecond
	lenience = 10
)

// room is where callers wait for the worker to make room.
type room struct {
	// stalled says that a caller waited in vain. No other waits then until the
	// worker has made room again: an outage costs one wait, not one per call.
	stalled atomic.Bool
	made    atomic.Uint64 // deliveries that made room
	waiting atomic.Int32

	mu       sync.Mutex
	signal   chan struct{} // closed when there is room, and replaced
	signaled time.Time
}

// gather is how long callers wait on while there is room for a few records only: to
// wake them costs more than to log.
const gather = time.Millisecond

// enter returns what will be closed when there is room. The caller must look at
// the ring once more before it waits, and call leave in the end.
func (m *room) enter() <-chan struct{} {
	m.waiting.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signal
}

func (m *room) leave() { m.waiting.Add(-1) }

// announce wakes the callers that wait. It is called after every removal by the
// worker, and says whether there is room for many records.
func (m *room) announce(now time.Time, much bool) {
	if m.waiting.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !much && now.Sub(m.signaled) < gather {
		return
	}
	m.signaled = now
	close(m.signal)
	m.signal = make(chan struct{})
}

// progress is called when a delivery has succeeded.
func (m *room) progress() {
	m.made.Add(1)
	if m.stalled.Load() {
		m.stalled.Store(false)
	}
}

// patience is how long one call may still wait. The zero value has not begun.
type patience struct {
	timer  *time.Timer
	waited time.Duration // under a policy that drops
	end    time.Time     // under Block, if there is a limit
}

// left returns how long to wait now, at most. It reports false when the patience is
// at its end.
func (p *patience) left(o *Options, poll bool) (d time.Duration, more bool) {
	if o.Overflow != Block {
		return slice, p.waited < maxWait
	}
	if o.BlockTimeout > 0 {
		if p.end.IsZero() {
			p.end = time.Now().Add(o.BlockTimeout)
		}
		if d = time.Until(p.end); d <= 0 {
			return 0, false
		}
	}
	longest := maxWait // the worker may have kept silent of a little room, and then hang
	if poll {
		longest = slice
	}
	if d == 0 || d > longest {
		d = longest
	}
	return d, true
}

// after returns a channel that receives after d.
func (p *patience) after(d time.Duration) <-chan time.Time {
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	return p.timer.C
}

func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// makeRoom is called for a record for which there was no room. It returns when it is
// worth trying again, or says why the record is refused.
func (c *core) makeRoom(ctx context.Context, q *request) (reason int, refused bool) {
	reason = overflow
	if !q.acquired {
		if reason = memory; q.size > c.most() {
			return oversize, true
		}
	}
	if c.within() {
		return reentrant, true
	}
	policy := c.opts.Overflow
	if policy == Block || !c.room.stalled.Load() {
		if c.awaitRoom(ctx, q) {
			return 0, false
		}
	}
	from := c.opts.ProtectedLevel.Level() // asked once, and outside of mu: it is code of the user's
	protected := q.level >= from
	if (protected || policy == DropOldest) && c.evict(q, reason, from) {
		return 0, false
	}
	if policy == Block {
		reason = blockTimeout
	}
	return reason, true
}

// awaitRoom waits for room or the shutdown. It reports false when it is not worth
// waiting any longer.
func (c *core) awaitRoom(ctx context.Context, q *request) bool {
	began, made := time.Now(), c.room.made.Load()
	defer func() { c.blocked.Add(int64(time.Since(began))) }()
	for {
		// Nobody signals that another handler has released bytes of a shared budget.
		d, more := q.patience.left(&c.opts, !q.acquired)
		if !more {
			break
		}
		if !q.acquired && q.size > c.most() {
			return true // another handler has joined the budget: it will never fit
		}
		if room, done := c.awaitSignal(ctx, q, d); done {
			return room
		}
	}
	if c.hasRoom(q) { // too little for the worker to announce it
		return true
	}
	if c.room.made.Load() == made {
		c.room.stalled.Store(true)
	}
	return false
}

// awaitSignal waits once, for d at most. It reports whether there is room and, if
// not, whether that is final.
func (c *core) awaitSignal(ctx context.Context, q *request, d time.Duration) (room, done bool) {
	signal := c.room.enter()
	defer c.room.leave()
	if c.hasRoom(q) || c.ring.Sealed() {
		return true, true
	}
	if ctx.Err() != nil {
		return false, true
	}
	c.wake(napping)
	began := time.Now()
	select {
	case <-signal:
		q.patience.waited += min(time.Since(began), slice) / lenience
	case <-c.closing:
	case <-ctx.Done(): // says nothing about the worker
		return c.hasRoom(q), true
	case <-q.patience.after(d):
		q.patience.waited += slice
	}
	return false, false
}

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
