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
	if !g.isFinished() {
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
	for { // the record before it comes first, if the sink has a part of that
		a, held := d.attemptHeld(course.Try, d.oldestLocked)
		if taken = !held; taken {
			return d.flushDirect(err)
		}
		if err = a.err; a.done == 0 {
			return err
		}
	}
}

// divertDirect gives the record that next has refused to the fallback, and reports whether
// that took it.
func (d *afterwards) divertDirect(e *entry) bool {
	if e.h.fallback == nil {
		return false
	}
	a, held := d.attemptHeld(course.Divert, d.divertibleLocked)
	return held && a.err == nil
}

// oldestLocked returns the place of the record that the sink is to get first, or -1.
func (d *afterwards) oldestLocked() int { return min(0, d.g.course.Len()-1) }

// divertibleLocked returns the place of the record that the fallback may get, or -1.
func (d *afterwards) divertibleLocked() int {
	g := d.g
	last := g.course.Len() - 1
	if last < 0 || g.course.At(last).Torn() || g.busy[toFallback] != nil {
		return -1
	}
	return last
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
	case !g.isFinished():
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

// attemptHeld is one attempt for the held record whose place at returns, if there is one.
func (d *afterwards) attemptHeld(act course.Act, at func() int) (a attempt, held bool) {
	w, p := &d.visitor, plan{}
	d.g.locked(func() {
		p.Act, p.From, p.N = act, at(), 1
		held = p.From >= 0 && w.takeLocked(&p, time.Now())
	})
	if held {
		a = w.attempt(&p)
	}
	return a, held
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
