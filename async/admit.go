package async

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/ledger"
	"github.com/asynchandler/asynchandler/internal/ring"
	"github.com/asynchandler/asynchandler/internal/sleeper"
	"github.com/asynchandler/asynchandler/internal/waitroom"
)

// admission is how records get in that find no room at once.
type admission struct {
	g        *engine
	room     *waitroom.Room[entry]
	admitted atomic.Int64 // when those who wait were let in last, since engine.began
	ahead    ahead        // guarded by engine.mu
	weighs   *slog.Level  // from where on the ring takes records for protected; guarded by engine.mu
}

func (a *admission) init(g *engine) {
	a.g, a.room = g, waitroom.New[entry]()
	a.admitted.Store(-int64(gather))
}

// request is what a record needs to be taken. Only one that waits has the record, which
// is moved to the heap for that.
type request struct {
	level    slog.Level
	size     int64
	acquired bool // size, of the budget
	freed    bool // it has found bytes that were free after all
	waiter   *waitroom.Waiter[entry]
	until    time.Time // under Block, if there is a limit
	letters  []letter  // records that made room for it
}

// minBlock is how long a caller waits under Block, though its context has ended: a record
// of a request that was cancelled is not worth less.
const minBlock = 100 * time.Millisecond

// enqueueSlow is enqueue for a record that was not taken at once.
func (a *admission) enqueueSlow(ctx context.Context, h *Handler, r *slog.Record, q *request, in *intake) error {
	g := a.g
	if ctx == nil {
		ctx = context.Background()
	}
	queued := false
	defer func() { // also if code of the user's panics or ends the goroutine
		if !queued && q.waiter != nil && a.room.Admitted(q.waiter) { // the context has panicked since
			queued, in.counted = true, true
			g.follow(q.waiter.Pos, q.level)
		}
		if !queued && q.acquired {
			g.purse.release(q.size)
		}
		g.tellDropped(q.letters) // not before: what OnDrop logs would take the room that they made
	}()
	for {
		if g.ring.Sealed() {
			in.counted = true
			return g.afterwards.late(ctx, h, r)
		}
		if g.purse.acquire(q) {
			pos, e, status := g.ring.Reserve()
			if status == ring.Reserved {
				queued, in.counted = true, true
				g.put(pos, e, ctx, h, r, q.size)
				g.follow(pos, r.Level)
				return nil
			}
			if status == ring.Sealed {
				continue
			}
		}
		reason, refused := a.makeRoom(ctx, h, r, q)
		if refused {
			in.counted = true
			return g.accounts.refuse(ctx, h, r, reason)
		}
		if queued = q.waiter != nil && a.room.Admitted(q.waiter); queued {
			in.counted = true
			g.follow(q.waiter.Pos, r.Level)
			return nil
		}
	}
}

// makeRoom is called for a record for which there was no room. It returns when the
// record was taken or when it is worth trying again, or says why it is refused.
func (a *admission) makeRoom(ctx context.Context, h *Handler, r *slog.Record, q *request) (reason ledger.Reason, refused bool) {
	g := a.g
	reason = overflow
	if !q.acquired {
		if reason = memory; q.size > g.purse.most() {
			return oversize, true
		}
	}
	policy := g.opts.Overflow
	waits := policy == Block || g.patience.credit.Left() > 0
	if g.callers.delivering() {
		return reentrant, true
	}
	a.relieve()
	if waits {
		if q.waiter == nil {
			q.waiter = &waitroom.Waiter[entry]{Value: newEntry(ctx, h, r, q.size)}
		}
		if a.awaitRoom(ctx, q) {
			return 0, false
		}
	}
	from := g.opts.ProtectedLevel.Level()
	protected := q.level >= from
	if (protected || policy == DropOldest) && a.evict(q, reason, from) {
		return 0, false
	}
	if policy == Block {
		reason = blockTimeout
	}
	return reason, true
}

// relieve lets another worker do what can be done while a call is under way for long.
func (a *admission) relieve() {
	g := a.g
	if !g.hasAside() {
		return
	}
	if g.opts.Spool != nil {
		g.sleeper.WakeUp()
	}
	pressure := g.purse.gauge()
	g.relieve()
	if pressure {
		g.sleeper.Wake(sleeper.Napping)
	}
}

// awaitRoom waits until the record is in the ring, there is room for it, or the shutdown
// begins. It reports false when it is not worth waiting any longer.
func (a *admission) awaitRoom(ctx context.Context, q *request) (more bool) {
	g := a.g
	w := q.waiter
	if q.acquired && g.budget != nil {
		q.acquired = false // who is before it may need these bytes, and it could wait for ever for that one
		g.purse.release(q.size)
	}
	w.Acquired = q.acquired
	a.room.Enter(w)
	left := false
	leave := func() {
		if !left {
			left = true
			more = a.left(q) || more
		}
	}
	defer leave() // also if the budget or the context panics
	if g.opts.Overflow != Block || !q.acquired {
		g.patience.startTicking()
	}
	more = a.queued(ctx, q)
	leave()
	return more
}

// left takes the record out of the room, and reports whether it was admitted.
func (a *admission) left(q *request) bool {
	admitted := a.room.Leave(q.waiter)
	q.acquired = q.waiter.Acquired
	return admitted
}

// queued is awaitRoom for a record that is in the room.
func (a *admission) queued(ctx context.Context, q *request) (more bool) {
	g := a.g
	for {
		a.admitNow()
		if a.room.Admitted(q.waiter) || g.ring.Sealed() {
			return true
		}
		if g.budget != nil && q.size > g.purse.most() {
			return true // another handler has joined the budget: it will never fit
		}
		if g.opts.Overflow == Block {
			more = a.blocked(ctx, q)
		} else {
			more = a.spendCredit(q)
		}
		if !more {
			return false
		}
		a.room.Again(q.waiter)
	}
}

// spendCredit waits as long as the credit lasts.
func (a *admission) spendCredit(q *request) (more bool) {
	g := a.g
	dry := *g.patience.dry.Load()
	if g.patience.credit.Left() <= 0 {
		return false
	}
	g.sleeper.Wake(sleeper.Napping)
	select {
	case <-a.room.Woken(q.waiter):
	case <-g.ending.closing:
	case <-dry:
		return a.room.Admitted(q.waiter)
	}
	return true
}

// blocked waits under Block, until the timeout or the end of the context.
func (a *admission) blocked(ctx context.Context, q *request) (more bool) {
	g := a.g
	now := time.Now()
	if q.until.IsZero() && g.opts.BlockTimeout > 0 {
		q.until = now.Add(g.opts.BlockTimeout)
	}
	done := ctx.Done()
	wait, limited := q.until.Sub(now), !q.until.IsZero()
	if limited && wait <= 0 {
		return false
	}
	if least := q.waiter.Since().Add(minBlock).Sub(now); done != nil && least > 0 {
		done = nil // not yet
		if !limited || least < wait {
			wait, limited = least, true
		}
	}
	var timeout <-chan time.Time
	if limited {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		timeout = timer.C
	}
	g.sleeper.Wake(sleeper.Napping)
	select {
	case <-a.room.Woken(q.waiter):
	case <-g.ending.closing:
	case <-timeout:
	case <-done:
		return a.room.Admitted(q.waiter)
	}
	return true
}

// gather is how long callers wait on while there is room for a few records only: to
// wake them costs more than to log.
const gather = time.Millisecond

// admit lets those in who wait, as far as there is room. The worker calls it after every
// removal, and says whether it will not call again soon.
func (a *admission) admit(now time.Time, last bool) {
	g := a.g
	since := now.Sub(g.began)
	if a.room.Waiting() == 0 || !last && !g.muchRoom() && since-time.Duration(a.admitted.Load()) < gather {
		return
	}
	a.admitted.Store(int64(since))
	g.guard(a.admitNow, g.notePanic)
}

// admitNow lets those in who wait, first come, first served, as far as there is room.
func (a *admission) admitNow() {
	if !a.g.ring.Full() {
		a.room.Admit(a.serve)
	}
}

// serve puts the record of one who waits into the ring.
func (a *admission) serve(w *waitroom.Waiter[entry]) (in bool) {
	g := a.g
	if g.ring.Full() {
		return false
	}
	if !w.Acquired {
		if w.Acquired = g.purse.acquireAgain(w.Value.size); !w.Acquired {
			return false
		}
	}
	pos, e, status := g.ring.Reserve()
	if status != ring.Reserved {
		return false
	}
	*e = w.Value
	g.ring.Publish(pos)
	w.Pos = pos
	return true
}
