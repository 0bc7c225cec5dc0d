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
// longer, and the worker, which gets none either, is not taken for stalled.
const (
	maxWait = 100 * time.Millisecond
	slice   = 10 * time.Millisecond
)

// room is where callers wait for the worker to make room.
type room struct {
	// stalled says that a caller waited in vain. No other waits then until the
	// worker has made room again: an outage costs one wait, not one per call.
	stalled atomic.Bool
	made    atomic.Uint64 // deliveries that made room
	waiting atomic.Int32

	mu     sync.Mutex
	signal chan struct{} // closed when there is room, and replaced
}

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
// worker.
func (m *room) announce() {
	if m.waiting.Load() == 0 {
		return
	}
	m.mu.Lock()
	close(m.signal)
	m.signal = make(chan struct{})
	m.mu.Unlock()
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
	timer *time.Timer
	left  int // slices
	spent bool
}

// begin starts the first slice.
func (p *patience) begin(o *Options) {
	if p.timer != nil {
		return
	}
	d := slice
	p.left = int(maxWait / slice)
	if o.Overflow == Block {
		d, p.left = o.BlockTimeout, 1
	}
	p.timer = time.NewTimer(d)
	if d == 0 {
		p.timer.Stop()
	}
}

// tick is called when a slice is over.
func (p *patience) tick() {
	if p.left--; p.left == 0 {
		p.spent = true
		return
	}
	p.timer.Reset(slice)
}

func (p *patience) end() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// makeRoom is called for a record that found the ring full. It returns when it is
// worth trying again, or says why the record is refused.
func (c *core) makeRoom(ctx context.Context, level slog.Level, p *patience) (reason int, refused bool) {
	if c.within() {
		return reentrant, true
	}
	policy := c.opts.Overflow
	if policy == Block || !c.room.stalled.Load() {
		if c.awaitRoom(ctx, p) {
			return 0, false
		}
	}
	reason = overflow
	if policy == Block {
		reason = blockTimeout
	}
	if protected := level >= c.opts.ProtectedLevel.Level(); protected || policy == DropOldest {
		return reason, !c.evict(protected)
	}
	return reason, true
}

// awaitRoom waits for room or the shutdown. It reports false when it is not worth
// waiting any longer.
func (c *core) awaitRoom(ctx context.Context, p *patience) bool {
	signal := c.room.enter()
	defer c.room.leave()
	if !c.ring.Full() {
		return true
	}
	p.begin(&c.opts)
	began, made := time.Now(), c.room.made.Load()
	defer func() { c.blocked.Add(int64(time.Since(began))) }()
	for !p.spent {
		select {
		case <-signal:
			return true
		case <-c.closing:
			return true
		case <-ctx.Done():
			p.spent = true
		case <-p.timer.C:
			p.tick()
		}
	}
	if c.room.made.Load() == made {
		c.room.stalled.Store(true)
	}
	return false
}

// evict makes room by dropping what is oldest and unprotected. Under DropOldest a
// protected record takes the place of the oldest protected one if there is
// nothing else.
func (c *core) evict(protected bool) bool {
	var dropped []entry
	drop := func(e *entry) {
		c.evicted.count(overflow, e.rec.Level)
		if c.opts.OnDrop != nil {
			dropped = append(dropped, *e)
		}
	}
	for try := 0; ; try++ {
		c.mu.Lock()
		ok := c.evictLocked(protected, drop)
		unpublished := c.ring.Stuck()
		c.mu.Unlock()
		c.tellDropped(dropped, overflow)
		if ok || !unpublished || try == 3 {
			return ok
		}
		runtime.Gosched() // the producer of the oldest record is about to publish it
	}
}

func (c *core) evictLocked(protected bool, drop func(*entry)) bool {
	if !c.ring.Full() {
		return true // another caller was faster
	}
	c.notePeakLocked()
	if w := c.worker; w != nil {
		c.takeBackLocked(w) // what waits for a stalled next can be evicted too
	}
	n := 1
	if c.opts.Overflow == DropOldest {
		n = max(1, c.ring.Cap()/128) // so that a flood takes the lock once in many calls
	}
	n = c.ring.Evict(n, c.isProtected, drop)
	if n == 0 && protected && c.opts.Overflow == DropOldest && c.ring.EvictOldest(drop) {
		n = 1
	}
	if n > 0 {
		c.report.noteLocked(c.ring.Head())
		c.settledLocked()
	}
	return n > 0
}

// isProtected tells which records lower ones must not evict.
func (c *core) isProtected(e *entry) bool { return e.rec.Level >= c.opts.ProtectedLevel.Level() }
