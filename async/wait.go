package async

import (
	"context"
	"log/slog"
	"time"
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
	c.room.enter(q.waiter, q.acquired)
	defer c.room.leave(q.waiter) // also if the budget or the context panics
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
