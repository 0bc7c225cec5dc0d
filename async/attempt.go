package async

import (
	"errors"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/sleeper"
	"github.com/asynchandler/asynchandler/internal/waitroom"
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
	if len(a.dropped) > 0 {
		defer g.tellDropped(a.dropped)
	}
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
			g.sleeper.Poke() // who has the role may have asked the gate before it heard
		}
	}
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
	if begun < b.own {
		a.restoreLocked(begun)
	}
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
		g.accounts.health.refusedSince = time.Time{}
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

// target is who is called. There is at most one call into each at a time.
type target uint8

const (
	toNext target = iota
	toFallback
	toSpool
	targets
)

// call is one call of the sink, the fallback or their Flush that is watched.
// Guarded by engine.mu.
type call struct {
	running  bool
	stalled  bool
	forsaken bool // its records have their outcome already
	to       target
	since    time.Time
	timer    *time.Timer   // of the watch; armed while running
	every    time.Duration // between two looks
	looked   time.Time     // at the last one
	seen     int64         // records begun then, and those that were done
	still    time.Duration // for how long there was no other, as far as looks can tell
	charge   waitroom.Charge
}

// beginLocked notes that w makes a call with the records of its batch.
func (w *worker) beginLocked(to target, now time.Time) {
	g := w.engine
	w.batch.open()
	every := course.Long
	if quarter := g.opts.StallTimeout / 4; quarter > 0 {
		every = quarter
	}
	if g.hasAside() {
		every = min(every, course.Long/4)
	}
	every /= (every-1)/course.Long + 1 // not above Long: InFlight is as exact
	w.call = call{running: true, to: to, since: now, looked: now, every: every, seen: 1, timer: w.call.timer}
	g.busy[to] = w
	if w.call.timer == nil {
		w.call.timer = time.AfterFunc(every, w.look)
	} else {
		w.call.timer.Reset(every)
	}
}

// endLocked notes that the call has returned, with what became of it.
func (w *worker) endLocked(a *attempt) {
	g := w.engine
	c := &w.call
	if c.timer != nil {
		c.timer.Stop()
	}
	c.running = false
	g.busy[c.to] = nil
	d := a.now.Sub(c.since)
	if c.to == toNext {
		g.sleep.Change(sleeper.Calling, sleeper.Awake)
		g.accounts.durations.Record(d)
	}
	if c.to != toSpool {
		g.patience.credit.Settle(&c.charge, a.done, d)
	} else if g.disk.idle != nil {
		close(g.disk.idle)
		g.disk.idle = nil
	}
	if isClosed(*g.patience.dry.Load()) {
		g.patience.refill()
	}
	if w.replaced {
		if g.worker != nil && g.phase <= draining {
			// It may have taken younger records meanwhile. What w puts back comes before them.
			g.worker.takeBackLocked()
		}
		g.sleeper.Poke() // it may wait for this call
	}
}

// handLocked counts n records more in the hands of workers. Those that are on the disk are
// counted there.
func (w *worker) handLocked(n int) {
	if !w.report && !w.onDisk() {
		w.engine.hands += n
	}
}

// onDisk reports whether the records of the batch are counted as on the disk.
func (w *worker) onDisk() bool { return w.stored && !w.moved }

// emptyLocked makes w ready for another call.
func (w *worker) emptyLocked() {
	w.batch.clear()
	w.report, w.stored, w.moved = false, false, false
}
