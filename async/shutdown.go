package async

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/ledger"
)

// grace is how long a shutdown whose context has ended waits for its functions, and
// before that for the end of a drain that has nothing left to deliver.
const grace = 4 * time.Millisecond

// result is how the shutdown went. It is guarded by engine.mu until ended is closed,
// and err until ready is closed.
type result struct {
	ready  chan struct{}
	err    error           // what Shutdown returns
	drain  error           // the drain's part of it
	failed uint64          // ledger.Failed when the drain began
	drops  ledger.Drops    // what was dropped when the drain began
	done   <-chan struct{} // of the context whose end ended the drain; nil if none did
	ctx    context.Context
}

// ending is how a handler comes to its end.
type ending struct {
	g       *engine
	closing chan struct{} // closed when the shutdown begins
	ended   chan struct{} // closed when the drain has ended
	result  result

	// Guarded by engine.mu.
	late  time.Time   // when there is little time left
	hurry *time.Timer // until then; nil if nobody waits for that
}

func (s *ending) init(g *engine) {
	s.g, s.closing, s.ended = g, make(chan struct{}), make(chan struct{})
	s.result.ready = make(chan struct{})
}

// shutdown is Handler.Shutdown. What a context does that is a caller's own, its methods
// included, happens on that caller's goroutine; the shutdown itself goes on without.
func (s *ending) shutdown(ctx context.Context) error {
	g := s.g
	if g.callers.within() {
		return ErrReentrant
	}
	if ctx == nil {
		ctx = context.Background()
	}
	done := ctx.Done()
	if s.seal() {
		go s.runShutdown(ctx)
	}
	s.noteDeadline(ctx, done)
	if !isClosed(done) || s.isEmpty() { // else no more is tried
		g.sleeper.WakeUp()
		g.sleeper.Poke()
	}
	select {
	case <-s.ended:
	case <-done:
		if s.isEmpty() {
			await(done, s.ended) // there is next to nothing left to do
		}
		s.abandon(ctx, done, ctx.Err())
	}
	if await(done, s.result.ready) {
		return s.result.err
	}
	errs := []error{s.result.drain}
	if g.disk.keepsDone() {
		errs = append(errs, fmt.Errorf("asynchandler: handler %q: what was delivered is still on the disk: %w", g.opts.Name, ctx.Err()))
	}
	if len(g.opts.OnShutdown) > 0 { // else what is left to do is the handler's own
		errs = append(errs, fmt.Errorf("asynchandler: handler %q: a shutdown function has not returned: %w", g.opts.Name, ctx.Err()))
	}
	return errors.Join(errs...)
}

// isEmpty reports whether every record has its outcome.
func (s *ending) isEmpty() (empty bool) {
	g := s.g
	g.locked(func() { empty = g.depthLocked(g.ring.Tail()) == 0 })
	return empty
}

// seal begins the drain and reports whether this call was the one that did.
func (s *ending) seal() (first bool) {
	g := s.g
	g.locked(func() {
		if first = g.ring.Seal(); !first {
			return
		}
		g.phase = draining
		g.accounts.health.closedSince = time.Now()
		s.result.failed = g.accounts.ledger.Failed
		_, s.result.drops = g.accounts.ledger.Balance(0)
		g.course.Drain(g.busy[toNext] != nil && g.busy[toNext].call.stalled || !g.accounts.health.refusedSince.IsZero())
		close(s.closing)
	})
	return first
}

// nearlyLocked has a shutdown end, with a last report on drops, instead of a rest for nothing.
func (s *ending) nearlyLocked(p *plan) {
	r := &s.g.accounts.report
	p.report = p.Wait == 0 && s.g.accounts.finalReportDueLocked()
	r.final = r.final || p.report // others may log on and on
	if p.drained = !p.report && s.drainedLocked(); p.drained {
		p.failed, p.err = s.g.accounts.ledger.Failed-s.result.failed, s.g.accounts.counts.lastErr
	}
}

// drainedLocked reports whether nothing is left to wait for.
func (s *ending) drainedLocked() bool {
	g := s.g
	return g.depthLocked(g.ring.Tail())+g.course.Len()-g.course.Stored() == 0 && !g.course.Torn() && g.busy[toNext] == nil && g.busy[toSpool] == nil
}

// finish is called by the worker when nothing is left to deliver. It reports
// whether the worker must go on.
func (w *worker) finish(p *plan) (more bool) {
	g := w.engine
	if g.barriers.waiters.Load() > 0 {
		return true // they are served first
	}
	var err error
	defer func() { w.finished(p, err) }() // also if Flush ends the goroutine
	w.flushSink(&err, nil)
	return false
}

// finished ends the drain, unless something else has.
func (w *worker) finished(p *plan, err error) {
	g := w.engine
	drain := err
	if p.failed > 0 {
		drain = errors.Join(err, g.ending.failedError(p.failed, p.err))
	}
	g.locked(func() {
		if !w.leftLocked() {
			g.ending.endDrainLocked(finished, drain, err)
		}
	})
}

// failedError says that records failed during the shutdown. What the last one says is code
// of the user's.
func (s *ending) failedError(n uint64, last error) (err error) {
	err = fmt.Errorf("asynchandler: handler %q: %d records failed during shutdown", s.g.opts.Name, n)
	defer func() { _ = recover() }()
	return fmt.Errorf("%w, the last one: %w", err, last)
}

// endDrainLocked ends the drain with err, and the Flushes that wait with flushed.
func (s *ending) endDrainLocked(p phase, err, flushed error) {
	g := s.g
	if g.disk.spool != nil {
		g.leaveSpoolLocked()
	}
	if s.hurry != nil {
		s.hurry.Stop()
	}
	g.phase = p
	s.result.drain = err
	g.barriers.passAllLocked(&g.barriers.logs, flushed)
	g.barriers.passAllLocked(&g.barriers.flushes, flushed)
	g.sleep.End()
	close(s.ended)
}

// abandon ends the drain, if it has not ended, because a context has. It returns soon,
// however many records wait: how many these are the positions tell, and they are booked
// as dropped as far as time allows; the rest is booked right after.
func (s *ending) abandon(ctx context.Context, done <-chan struct{}, cause error) {
	g := s.g
	var letters []letter
	first := false
	g.locked(func() {
		if first = g.phase == draining; !first {
			return
		}
		s.result.ctx, s.result.done = ctx, done
		g.accounts.notePeakLocked()
		if g.worker != nil {
			g.worker.takeBackLocked()
		}
		g.disk.moveLocked()
		delivered, fallback, _ := g.accounts.underwayLocked()
		e := &ShutdownError{Handler: g.opts.Name, Err: cause, Torn: g.course.Torn() || g.resumesLocked()}
		e.Undelivered = g.depthLocked(g.ring.Tail()) - int(delivered+fallback)
		g.course.Remove(func(h *course.Held[entry]) bool {
			if h.Stored {
				return false // leaveSpoolLocked sees to it
			}
			if h.Value.h != g.reporter {
				letters = g.accounts.dropLocked(letters, &h.Value, shutdown)
			}
			return true
		})
		until := time.Now().Add(grace / 2)
		for g.opts.OnDrop == nil && time.Now().Before(until) && s.bookLocked(&letters) > 0 {
		}
		_, drops := g.accounts.ledger.Balance(0)
		drops = drops.Sub(&s.result.drops)
		e.Drops = slices.DeleteFunc(dropCounts(&drops), func(d DropCount) bool { return d.Count == 0 })
		if e.Undelivered == 0 && !e.Torn && g.disk.spool != nil {
			s.endDrainLocked(abandoned, nil, ErrClosed) // all that is left is on the disk
			return
		}
		s.endDrainLocked(abandoned, e, ErrClosed)
	})
	if !first {
		return
	}
	g.sleeper.Poke()
	defer g.callers.closers.Enter()() // OnDrop would wait for itself
	g.tellDropped(letters)
	if g.opts.OnDrop != nil {
		s.abandonLeftovers()
	} else {
		go s.abandonLeftovers()
	}
}

// resumesLocked reports whether a call into next has a record of which next has a part.
func (g *engine) resumesLocked() bool {
	w := g.busy[toNext]
	return w != nil && len(w.batch.held) > 0 && w.batch.held[0].Torn()
}

// chunk is how many records are booked at a time.
const chunk = 512

// bookLocked counts waiting records as dropped by the shutdown.
func (s *ending) bookLocked(letters *[]letter) (n int) {
	return s.g.ring.Drain(chunk, func(e *entry) { *letters = s.g.accounts.dropLocked(*letters, e, shutdown) })
}

// abandonLeftovers drops what waits in a handler whose drain was abandoned, also records
// that are published after that: their callers had reserved their places before.
func (s *ending) abandonLeftovers() {
	g := s.g
	for {
		var letters []letter
		n := 0
		g.locked(func() {
			if g.phase == abandoned {
				n = s.bookLocked(&letters)
				g.accounts.settledLocked()
			}
		})
		g.tellDropped(letters)
		if n == 0 {
			return
		}
	}
}

// runShutdown ends what the handler has beside the queue, when the drain has ended: it runs
// Options.OnShutdown, each on a goroutine of its own, so that one that hangs can be left
// behind and none can end the others.
func (s *ending) runShutdown(ctx context.Context) {
	g := s.g
	<-s.ended
	done := s.result.done
	if done != nil {
		ctx = s.result.ctx
	} else {
		g.apart(func() { done = ctx.Done() })
	}
	g.tell.end(done)
	g.tell.lastLine(s.result.drain)
	g.apart(g.purse.leave)
	errs := []error{s.result.drain}
	for _, f := range slices.Backward(g.disk.shutdownFuncs()) {
		returned := make(chan struct{})
		var failed error // the goroutine's, until it has returned
		go func() {
			defer close(returned)
			defer g.callers.closers.Enter()()
			g.isolate(&failed, func() error { return f(ctx) })
		}()
		if !await(done, returned) {
			errs = append(errs, fmt.Errorf("asynchandler: handler %q: a shutdown function has not returned", g.opts.Name))
			continue
		}
		errs = append(errs, failed)
	}
	s.result.err = errors.Join(errs...)
	close(s.result.ready)
}
