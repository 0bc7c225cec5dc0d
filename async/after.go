package async

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// afterwards is what an ended handler does.
type afterwards struct {
	g       *engine
	turn    turn   // taken while a record goes straight through
	visitor worker // stands for the caller that does that
}

func (d *afterwards) init(g *engine) {
	d.g, d.visitor.engine = g, g
	d.turn.free.L = &d.turn.mu
}

// late is Handle after the shutdown began.
func (d *afterwards) late(ctx context.Context, h *Handler, r *slog.Record) error {
	g := d.g
	if !d.isFinished() {
		return g.accounts.refuse(ctx, h, r, closed)
	}
	if g.callers.delivering() { // a shutdown function may log
		return g.accounts.refuse(ctx, h, r, reentrant) // it would wait for itself
	}
	_ = d.turn.take(context.Background())
	defer d.turn.give()
	defer g.callers.visitors.Enter()()
	return d.deliverDirect(newEntry(ctx, h, r, 0))
}

func (d *afterwards) isFinished() (is bool) {
	d.g.locked(func() { is = d.g.phase == finished })
	return is
}

// deliverDirect delivers a record on the caller: one attempt, through the same accounting as
// those of the worker, and one of the fallback if that fails.
func (d *afterwards) deliverDirect(e entry) (err error) {
	g := d.g
	g.locked(func() {
		g.seq++
		g.course.Hold(course.Held[entry]{Value: e, Seq: g.seq})
	})
	taken := false
	defer func() { // also if next ends the goroutine
		if !taken && d.divertDirect(&e) {
			err = nil
		}
		g.locked(d.giveUpHeldLocked)
	}()
	var a attempt
	for d.heldDirect() { // the record before it, if the sink has a part of that
		if a = d.attemptHeld(course.Try, 0); a.done == 0 {
			break
		}
	}
	if taken = a.done > 0; taken {
		return d.flushDirect(a.err)
	}
	return a.err
}

// divertDirect gives the record that next has refused to the fallback, and reports whether
// that took it.
func (d *afterwards) divertDirect(e *entry) bool {
	i := d.divertible()
	return i >= 0 && e.h.fallback != nil && d.attemptHeld(course.Divert, i).err == nil
}

// heldDirect reports whether a record waits to be delivered on the caller.
func (d *afterwards) heldDirect() (held bool) {
	d.g.locked(func() { held = d.g.course.Len() > 0 })
	return held
}

// divertible returns the place of the record that the fallback may get, or -1.
func (d *afterwards) divertible() (at int) {
	g := d.g
	at = -1
	g.locked(func() {
		if last := g.course.Len() - 1; last >= 0 && !g.course.At(last).Torn() && g.busy[toFallback] == nil {
			at = last
		}
	})
	return at
}

// flushDirect flushes the sink after a record that came late, as nobody else will.
func (d *afterwards) flushDirect(err error) error {
	g := d.g
	if g.flusher == nil {
		return err
	}
	var flushed error
	g.isolate(&flushed, g.flusher.Flush)
	if _, panicked := flushed.(*PanicError); flushed != nil && !panicked { //nolint:errorlint // isolate makes it
		a := attempt{w: &d.visitor, err: flushed, attempts: 1, now: time.Now()}
		g.guard(a.read, g.notePanic)
		g.locked(a.noteErrorLocked)
		a.tellFailed()
	}
	return errors.Join(err, flushed)
}

// flushEnded is flush where there is no worker any more.
func (d *afterwards) flushEnded(ctx context.Context) (err error) {
	g := d.g
	switch {
	case !d.isFinished():
		return ErrClosed
	case g.flusher == nil:
		return nil
	}
	if err = d.turn.take(ctx); err != nil {
		return err
	}
	defer d.turn.give()
	defer g.callers.visitors.Enter()()
	g.isolate(&err, g.flusher.Flush)
	return err
}

// attemptHeld is one attempt for the i-th record held.
func (d *afterwards) attemptHeld(act course.Act, i int) attempt {
	p := plan{}
	p.Act, p.From, p.N = act, i, 1
	w := &d.visitor
	d.g.locked(func() { w.takeLocked(&p, time.Now()) })
	return w.attempt(&p)
}

// giveUpHeldLocked gives up the record that was to be delivered on the caller, unless the
// sink has a part of it: then that one waits, and the next one goes on with it.
func (d *afterwards) giveUpHeldLocked() {
	g := d.g
	g.course.Remove(func(h *course.Held[entry]) bool {
		if h.Torn() {
			if g.unfinished != h.Seq && h.Value.h != g.reporter {
				g.unfinished = h.Seq
				g.accounts.ledger.Direct++
			}
			return false
		}
		g.accounts.ledger.Failed++
		g.accounts.outcomeLocked(&h.Value)
		return true
	})
}

// directDoneLocked counts a record that went straight through and has its outcome, unless it
// was counted when its call ended without one.
func (g *engine) directDoneLocked() {
	if held := g.afterwards.visitor.batch.held; len(held) > 0 && held[0].Seq == g.unfinished {
		g.unfinished = 0
		return
	}
	g.accounts.ledger.Direct++
}

// turn is a lock that a context can end the wait for. It has no channel: a handler that was
// closed inside a synctest bubble can be used outside of it.
type turn struct {
	mu   sync.Mutex
	free sync.Cond
	busy bool
}

func (t *turn) take(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy && ctx.Done() != nil {
		defer context.AfterFunc(ctx, t.wake)()
	}
	for t.busy && ctx.Err() == nil {
		t.free.Wait()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.busy = true
	return nil
}

func (t *turn) wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free.Broadcast()
}

func (t *turn) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
	t.free.Signal()
}

// await waits until ch is closed, or until grace after done is, and reports which.
func await(done, ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	case <-done:
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-ch:
		return true
	case <-timer.C:
		return false
	}
}
