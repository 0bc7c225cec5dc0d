package async

import (
	"errors"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// attempt is one call of a sink and what became of it.
type attempt struct {
	*plan
	w        *worker
	err      error
	panicked *PanicError // is err, if it was a panic

	// What complete finds out before it takes the lock.
	now       time.Time
	permanent bool
	text      string // of err

	// What it finds out with the lock.
	done     int
	settled  int      // records that have their outcome
	attempts int      // of the record that failed
	charge   bool     // it is a failure for the gate
	probing  bool     // the ticket is still needed
	verdict  error    // of the probe it was in, so far
	dropped  []letter // since the handler has ended
}

// attempt calls the sink, or the fallback's. Whatever that does, complete is
// called after it.
func (w *worker) attempt(p *plan) (a attempt) {
	g := w.engine
	sink := g.sink
	switch p.Act {
	case course.Divert:
		sink = handlerSink{fallback: true}
	case course.Store:
		sink = spoolSink{g}
	}
	a.plan, a.w = p, w
	returned := false
	g.guard(func() {
		var done int
		done, a.err = sink.Deliver(&w.batch)
		w.batch.Done(done)
		returned = true
		a.read()
	}, func(panicked *PanicError) {
		switch {
		case panicked == nil:
		case returned:
			a.err, a.text = errUnreadable, errUnreadable.Error()
		default:
			a.err, a.panicked, a.text = panicked, panicked, textOf(panicked)
		}
		a.complete()
	})
	return a
}

// errUnreadable stands for an error that next returned and that nobody can ask.
var errUnreadable = errors.New("an error whose Error, Is or Unwrap panics or ends the goroutine")

// read finds out what the error says: its methods are code of the user's.
func (a *attempt) read() {
	if a.err != nil {
		a.permanent = errors.Is(a.err, ErrPermanent)
		a.text = oneLine(a.err.Error())
	}
}

// complete accounts for an attempt, and lets the gate and the error handler know.
func (a *attempt) complete() {
	w, g := a.w, a.w.engine
	a.now = time.Now()
	g.locked(a.accountLocked)
	defer g.tellDropped(a.dropped)
	if w.call.to == toSpool {
		defer g.disk.tellGone() // these are older
	}
	if a.done > 0 && a.Act != course.Store {
		g.tell.pace.Reset()
	}
	if a.err != nil {
		a.tellFailed()
	}
	if a.gated && !a.probing {
		a.tellGate()
		if w.replaced {
			g.sleeper.poke() // who has the role may have asked the gate before it heard
		}
	}
}

// tellFailed tells the error handler of a failed attempt.
func (a *attempt) tellFailed() {
	g := a.w.engine
	if a.panicked != nil {
		g.tell.error(a.panicked)
		return
	}
	g.tell.error(&DeliveryError{Handler: g.opts.Name, Attempts: a.attempts, Err: a.err})
}

// tellGate gives the ticket back.
func (a *attempt) tellGate() {
	g := a.w.engine
	var err error
	switch {
	case a.probe && a.done == 0:
		err = a.verdict
	case a.charge:
		err = a.err
	}
	g.settleTicket(a.ticket, a.done > 0, err)
}

// accountLocked gives the records of an attempt their outcome, as far as they
// have one, and holds or gives up what failed.
func (a *attempt) accountLocked() {
	w, g := a.w, a.w.engine
	b := &w.batch
	begun := b.close()
	a.done = b.done()
	w.endLocked(a)
	if w.call.forsaken {
		b.clear() // they have their outcome already
		a.done = 0
		if a.err != nil {
			a.attempts = 1
			a.noteErrorLocked()
		}
		return
	}
	if a.done > 0 {
		a.settleDoneLocked()
	}
	switch {
	case a.err != nil && w.call.to == toSpool: // they are what they were before
		a.noteErrorLocked()
		a.attempts, begun = 1, 0
	case a.err != nil:
		a.noteErrorLocked()
		a.failedLocked(begun)
	case begun > a.done && g.phase == abandoned:
		w.leaveLocked(a.done, begun)
	case begun > a.done:
		w.holdLocked(a.done, begun) // the sink has nothing to say of them
	}
	a.restoreLocked(begun)
	if w.call.to == toSpool {
		g.disk.afterDiskLocked(a.err, a.now)
	}
	since(&g.accounts.health.failingSince, g.course.Troubled(), func() time.Time { return a.now })
	g.accounts.settledLocked()
	b.clear()
	if a.probe {
		a.probeLocked()
	}
}

// probeLocked keeps the ticket of a probe until one of its records is taken or it ends.
func (a *attempt) probeLocked() {
	g := a.w.engine
	if a.err != nil && a.counts() {
		g.probe.err = a.err
	}
	a.verdict = g.probe.err
	a.probing = g.probe.open && g.course.Probing() && a.done == 0
	g.probe.open = a.probing
}

// counts reports whether the failure is one for the gate.
func (a *attempt) counts() bool { return !a.permanent || a.panicked != nil }

func (a *attempt) noteErrorLocked() {
	g := a.w.engine
	if a.panicked != nil {
		g.accounts.counts.panics++
	} else {
		g.accounts.counts.deliveryErrors++
	}
	g.accounts.counts.lastErr = a.err
	g.accounts.counts.note(a.text, a.now)
}

// settleDoneLocked is about the records that have got where they should.
func (a *attempt) settleDoneLocked() {
	w, g := a.w, a.w.engine
	b := &w.batch
	if w.call.to == toSpool {
		w.spooledLocked(a)
		return
	}
	toNext := w.call.to == toNext
	last := b.first + uint64(a.done-1)
	if len(b.held) > 0 {
		last = b.held[a.done-1].Seq
	}
	if toNext {
		g.course.Taken(last, g.opts.BatchSize, a.now)
	}
	if w.report {
		g.accounts.counts.dropReports++
		return
	}
	g.accounts.notePeakLocked()
	if toNext {
		g.accounts.ledger.Delivered += uint64(a.done)
	} else {
		g.accounts.ledger.Fallback += uint64(a.done)
	}
	for i := range a.done {
		e := b.at(i)
		g.accounts.measureLocked(&e.rec.Time, a.now)
		if e.h.awaited != nil && toNext {
			g.barriers.flushForLocked(e.h.awaited)
		}
		g.accounts.outcomeLocked(e)
	}
	if w.onDisk() {
		g.disk.waiting -= a.done
	}
	w.handLocked(-a.done)
	a.settled = a.done
}

// failedLocked says what becomes of the records from a.done to begun, which an attempt
// began and which have not got where they should.
func (a *attempt) failedLocked(begun int) {
	w, g := a.w, a.w.engine
	failed := begun - a.done
	switch {
	case failed == 0: // trouble that is over
		a.attempts = 1
	case w.call.to == toFallback: // nobody else would take it
		a.attempts = w.batch.heldAt(a.done).Attempts + 1
		w.giveUpLocked(a.done)
		w.holdLocked(a.done+1, begun)
	case w.report && !w.batch.torn:
		g.accounts.report.undone(g.phase != running)
		a.charge = a.counts()
		a.attempts = 1
	case g.phase == abandoned:
		w.leaveLocked(a.done, begun)
		a.attempts = w.batch.heldAt(a.done).Attempts + 1
	case failed == 1 || w.batch.torn:
		a.failedAloneLocked()
		w.holdLocked(a.done+1, begun)
	default:
		a.attempts = w.batch.heldAt(a.done).Attempts + 1
		a.charge = g.course.FailedTogether(w.recordsLocked(a.done, begun), !a.counts(), a.now)
		w.handLocked(-failed)
	}
}

// failedAloneLocked is failedLocked for one record.
func (a *attempt) failedAloneLocked() {
	w, g := a.w, a.w.engine
	var fate course.Fate
	h := w.olderLocked(w.batch.heldAt(a.done))
	fallback := g.fallbackLocked()
	a.attempts = h.Attempts + 1
	fate, a.charge = g.course.Failed(h, course.Failure{
		Permanent: !a.counts(),
		Panicked:  a.panicked != nil,
		Torn:      w.batch.torn,
		Fallback:  (fallback == course.Free || fallback == course.Busy) && !w.report,
	}, a.now)
	switch {
	case fate == course.GivenUp:
		w.giveUpLocked(a.done)
	default:
		w.handLocked(-1)
	}
}

// giveUpLocked gives the i-th record of the batch the outcome that it has failed.
func (w *worker) giveUpLocked(i int) {
	g := w.engine
	if w.report {
		return
	}
	g.accounts.notePeakLocked()
	g.accounts.ledger.Failed++
	g.accounts.outcomeLocked(w.batch.at(i))
	if w.onDisk() {
		g.disk.waiting--
	}
	w.handLocked(-1)
}
