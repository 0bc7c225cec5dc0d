package async

import "github.com/asynchandler/asynchandler/internal/course"

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

// restoreLocked sees to the records that were not begun.
func (a *attempt) restoreLocked(begun int) {
	w, g := a.w, a.w.engine
	b := &w.batch
	if w.report {
		return
	}
	if g.phase == abandoned && w.stored {
		w.leaveLocked(begun, b.own)
		return
	}
	w.handLocked(begun - b.own)
	switch {
	case g.phase == abandoned:
		for i := begun; i < b.own; i++ {
			a.dropped = g.accounts.dropLocked(a.dropped, b.at(i), shutdown)
		}
	case len(b.held) > 0:
		g.course.Hold(b.held[begun:b.own]...)
	default:
		g.ring.Return(b.fresh[begun:b.own])
	}
}

// holdLocked puts records of the batch, of which nothing is known, where they are tried
// again.
func (w *worker) holdLocked(from, to int) {
	g := w.engine
	if from >= to || w.report {
		return
	}
	g.course.Hold(w.recordsLocked(from, to)...)
	w.handLocked(from - to)
}

func (w *worker) recordsLocked(from, to int) (records []course.Held[entry]) {
	for i := from; i < to; i++ {
		records = append(records, w.olderLocked(w.batch.heldAt(i)))
	}
	return records
}

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

// counts reports whether the failure is one for the gate.
func (a *attempt) counts() bool { return !a.permanent || a.panicked != nil }

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

// tellFailed tells the error handler of a failed attempt.
func (a *attempt) tellFailed() {
	g := a.w.engine
	if a.panicked != nil {
		g.tell.error(a.panicked)
		return
	}
	g.tell.error(&DeliveryError{Handler: g.opts.Name, Attempts: a.attempts, Err: a.err})
}
