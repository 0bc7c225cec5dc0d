package async

import (
	"container/list"
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/ring"
)

// maxWait is how long a caller that outruns the worker waits for it rather than
// drop: long enough for the scheduler and the disk of a busy machine, short
// enough for a request.
//
// It is waited in slices: where the process gets no CPU time, each of them takes
// longer but counts as it should have been, and the worker, which gets none either, is
// not taken for stalled.
const (
	maxWait = 100 * time.Millisecond
	slice   = 10 * time.Millisecond
)

// room is where callers wait for the worker to make room.
//
// The worker itself puts the records of those who wait into the ring, first come, first
// served, as the receiver of a Go channel does with the senders that wait. Were they only
// woken, others could take the room before them again and again.
type room struct {
	// stalled says that a caller waited in vain. No other waits then until the
	// worker has made room again: an outage costs one wait, not one per call.
	stalled atomic.Bool
	made    atomic.Uint64 // deliveries that made room
	waiting atomic.Int32  // len of queue

	mu       sync.Mutex
	queue    list.List     // of *waiter
	signal   chan struct{} // closed when there is room, and replaced
	signaled time.Time
}

// waiter is a record for which there is no room yet. Guarded by room.mu.
type waiter struct {
	entry
	acquired bool          // entry.size, of the budget
	place    *list.Element // nil when it is not in the queue
	admitted bool          // is in the ring, at pos
	pos      uint64
}

// gather is how long callers wait on while there is room for a few records only: to
// wake them costs more than to log.
const gather = time.Millisecond

// enter puts w into the queue. The caller must look at the ring once more before it
// waits, and call leave in the end.
func (m *room) enter(w *waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting.Add(1)
	w.place = m.queue.PushBack(w)
}

// leave takes w out of the queue and reports whether the worker did so before.
func (m *room) leave(w *waiter) (admitted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeLocked(w)
	return w.admitted
}

func (m *room) removeLocked(w *waiter) {
	if w.place != nil {
		m.queue.Remove(w.place)
		w.place = nil
		m.waiting.Add(-1)
	}
}

// next returns what will be closed when there is room, unless w is admitted already.
func (m *room) next(w *waiter) (signal <-chan struct{}, admitted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signal, w.admitted
}

// firstLocked returns who has waited longest.
func (m *room) firstLocked() *waiter {
	if front := m.queue.Front(); front != nil {
		return front.Value.(*waiter)
	}
	return nil
}

// announce lets those in who wait, as far as there is room, and wakes all of them: who did
// not get in may find room that is made in the meantime. The worker calls it after every
// removal, and says whether it will not call again soon.
func (c *core) announce(now time.Time, last bool) {
	m := &c.room
	if m.waiting.Load() == 0 {
		return
	}
	much := c.ring.Waiting() <= c.ring.Cap()*3/4
	m.mu.Lock()
	defer m.mu.Unlock()
	if !much && !last && now.Sub(m.signaled) < gather {
		return
	}
	m.signaled = now
	c.admitLocked()
	close(m.signal)
	m.signal = make(chan struct{})
}

// admitLocked puts records of the queue into the ring as long as there is room.
func (c *core) admitLocked() {
	m := &c.room
	for w := m.firstLocked(); w != nil && !c.ring.Full(); w = m.firstLocked() {
		acquired := !w.acquired && c.acquireUnlocked(w.size)
		if !acquired && !w.acquired {
			return
		}
		if acquired && (w.place == nil || w.acquired) { // it left, or has them itself by now
			c.release(w.size)
			continue
		}
		pos, e, status := c.ring.Reserve()
		if status != ring.Reserved {
			if acquired {
				c.release(w.size)
			}
			return
		}
		*e = w.entry
		c.ring.Publish(pos)
		w.pos, w.admitted = pos, true
		m.removeLocked(w)
	}
}

// acquireUnlocked lets go of room.mu while it asks the budget, which may be or call code
// of the user's.
func (c *core) acquireUnlocked(size int64) (ok bool) {
	c.room.mu.Unlock()
	defer c.room.mu.Lock()
	c.guard(func() { ok = c.budget.TryAcquire(size) }, c.notePanic)
	return ok
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
	waited time.Duration
	end    time.Time // under Block, if there is a limit
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

// makeRoom is called for a record for which there was no room. It returns when the
// record was taken or when it is worth trying again, or says why it is refused.
func (c *core) makeRoom(ctx context.Context, h *Handler, r *slog.Record, q *request) (reason int, refused bool) {
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
	if ctx.Err() == nil && (policy == Block || !c.room.stalled.Load()) {
		if q.waiter == nil {
			q.waiter = &waiter{entry: entry{ctx: ctx, h: h, size: q.size, rec: *r}}
		}
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

// awaitRoom waits until the record is in the ring, there is room for it, or the shutdown
// begins. It reports false when it is not worth waiting any longer.
func (c *core) awaitRoom(ctx context.Context, q *request) (more bool) {
	began, made := time.Now(), c.room.made.Load()
	defer func() { c.blocked.Add(int64(time.Since(began))) }()
	q.waiter.acquired = q.acquired
	c.room.enter(q.waiter)
	more = c.queued(ctx, q)
	if c.room.leave(q.waiter) {
		if q.acquired && !q.waiter.acquired { // both of us did
			c.release(q.size)
		}
		return true
	}
	if !more && ctx.Err() == nil && c.room.made.Load() == made {
		c.room.stalled.Store(true)
	}
	return more
}

// queued is awaitRoom for a record that is in the queue.
func (c *core) queued(ctx context.Context, q *request) (more bool) {
	for {
		signal, admitted := c.room.next(q.waiter)
		if admitted || c.hasRoom(q) || c.ring.Sealed() {
			return true
		}
		if !q.acquired && q.size > c.most() {
			return true // another handler has joined the budget: it will never fit
		}
		// Nobody signals that another handler has released bytes of a shared budget.
		d, more := q.patience.left(&c.opts, !q.acquired)
		if !more || ctx.Err() != nil {
			return false
		}
		c.wake(napping)
		began := time.Now()
		select {
		case <-signal:
		case <-c.closing:
		case <-ctx.Done():
		case <-q.patience.after(d):
		}
		q.patience.waited += min(time.Since(began), slice)
	}
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
