package async

import (
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// worker is one goroutine that delivers. One has the role of the worker; while its call
// into next or the fallback is under way for long, another takes the role and does what can
// be done without. The first one then ends with its call.
type worker struct {
	engine  *engine
	last    time.Time // end of the last delivery
	yielded time.Time // to goroutines that are ready to run
	heavy   bool      // the last delivery was of many records, or of many bytes
	quick   bool      // it was short, and there was no nap since
	woke    time.Time // end of the last nap or rest
	upTo    uint64    // position up to which records were waiting then

	// Guarded by engine.mu. The records of the batch that have begun belong to the
	// goroutine while it is inside a call.
	batch    Batch
	report   bool // the batch is a drop report
	stored   bool // it is of records that are on the disk
	moved    bool // these are counted as in its hands: the drain was abandoned
	call     call
	replaced bool // another has the role
}

// plan is what a worker does next.
type plan struct {
	course.Decision
	left    bool // nothing any more
	drained bool // finish the shutdown
	report  bool // try: a drop report, if next wants any
	nap     bool
	gated   bool // try: the gate is to hear how it ended
	probe   bool
	ticket  uint64
	err     error  // of the probe that ends, or the last one of a shutdown
	failed  uint64 // drained: records that failed in the shutdown
	tail    uint64 // of the queue, when this was decided
}

// spawn gives the role to a new worker, unless the one before it has nothing to do any more.
func (g *engine) spawn(before *worker) {
	g.locked(func() {
		if before == nil || !before.leftLocked() {
			g.spawnLocked()
		}
	})
}

// spawnLocked gives the role to a new worker.
func (g *engine) spawnLocked() {
	g.worker = &worker{engine: g}
	go g.worker.run()
}

// run is the worker's goroutine.
func (w *worker) run() {
	g := w.engine
	workerEntry.Mark()
	defer g.callers.workers.Enter()()
	ended := false
	defer func() {
		if !ended { // code of the user's called runtime.Goexit
			g.spawn(w)
		}
	}()
	for w.step() {
	}
	ended = true
}

// leftLocked reports whether w has nothing to do any more.
func (w *worker) leftLocked() bool { return w.replaced || w.engine.phase > draining }

// step does one thing: deliver, wait or sleep. It reports false when there is
// nothing left to do.
func (w *worker) step() (more bool) {
	g := w.engine
	if g.barriers.waiters.Load() > 0 {
		w.serveBarriers()
	}
	began := time.Now()
	p := w.planFor(began)
	switch {
	case p.left:
		return false
	case p.drained:
		return w.finish(&p)
	case p.nap:
		w.nap()
	case p.report:
		w.deliverReport(&p)
	case p.Act == course.Load:
		w.load(p.N)
	case p.Act == course.Rest:
		if g.admission.room.Waiting() > 0 {
			g.admission.admit(began, true)
		}
		w.rest(p.Decision, p.tail)
	case p.Act == course.EndProbe:
		g.settleTicket(p.ticket, false, p.err)
	default:
		g.admitBefore(w, &p, began)
		a := w.attempt(&p)
		w.delivered(began, &a)
		w.yield()
	}
	return true
}

// admitBefore lets callers in before the records in the hands of w are delivered. Those are
// put back should the budget end the goroutine.
func (g *engine) admitBefore(w *worker, p *plan, now time.Time) {
	if g.admission.room.Waiting() == 0 {
		return
	}
	returned := false
	defer func() {
		if !returned {
			(&attempt{plan: p, w: w}).complete()
		}
	}()
	g.admission.admit(now, false)
	returned = true
}

// planFor says what w does now, and begins it: the records are in its hands then. It asks
// the gate if the answer hangs on that.
func (w *worker) planFor(now time.Time) (p plan) {
	g := w.engine
	if g.hasAside() {
		g.purse.gauge()
	}
	if p = w.plan(now, nil); p.Act != course.Ask {
		return p
	}
	permit, gated := g.allow()
	p = w.plan(now, &permit)
	if gated && p.Act != course.Try {
		g.settleTicket(permit.Ticket, false, nil)
		gated = false
	}
	p.gated, p.ticket = gated, permit.Ticket
	return p
}

// plan is planFor with what the gate said, nil if it was not asked yet.
func (w *worker) plan(now time.Time, permit *Permit) (p plan) {
	w.engine.locked(func() {
		if p = w.planLocked(now, permit); permit != nil {
			w.engine.permittedLocked(&p, permit, now)
		}
	})
	return p
}

// planLocked decides, takes the records and begins the call.
func (w *worker) planLocked(now time.Time, permit *Permit) (p plan) {
	g := w.engine
	switch {
	case w.leftLocked() && (g.phase <= draining || !g.probe.open || g.busy[toNext] != nil):
		return plan{left: true}
	case w.leftLocked() || g.probe.open && !g.course.Probing() && g.busy[toNext] == nil:
		return g.endProbeLocked()
	case permit == nil && w.sparseLocked():
		return plan{nap: true}
	}
	p.tail = g.ring.Tail()
	p.Decision = g.course.Decide(w.factsLocked(now, permit))
	if g.probe.open && p.Act == course.Try {
		p.gated, p.probe, p.ticket = true, true, g.probe.ticket
	}
	switch p.Act {
	case course.Ask:
		return p
	case course.EndProbe:
		return g.endProbeLocked()
	case course.Load:
		w.emptyLocked()
		w.beginLocked(toSpool, now)
		return p
	case course.Rest:
		if g.disk.spool != nil {
			g.disk.untilRetryLocked(&p, now)
		}
		if g.phase == draining {
			g.ending.nearlyLocked(&p)
		}
		return p
	}
	if p.Act == course.Try && p.From == course.Queue {
		p.report, p.N = g.accounts.reportDueLocked(now, p.N)
	}
	if !p.report && !w.takeLocked(&p, now) {
		p.Act, p.Wait = course.Rest, 0
	}
	return p
}

// factsLocked returns what a decision hangs on.
func (w *worker) factsLocked(now time.Time, permit *Permit) course.Facts {
	g := w.engine
	f := g.asideLocked(now)
	f.Waiting, f.Batch = g.ring.Len(), g.opts.BatchSize
	f.Next, f.Probe = course.Unasked, g.probe.open
	f.Spool.Done = len(g.disk.doneRunsLocked()) > 0
	if g.admission.room.Waiting() > 0 && !w.quick {
		f.Batch = min(f.Batch, urgent)
	}
	switch {
	case g.busy[toNext] != nil:
		f.Next = g.busy[toNext].call.way()
	case f.Fallback == course.Free && g.ending.lateLocked(now) && !g.course.Torn():
		f.Next = course.Refused // there is no time to try
	case f.Probe || g.opts.Gate == nil || g.phase == draining:
		f.Next = course.Free
	case permit == nil:
	case permit.OK:
		f.Next, f.Probe = course.Free, permit.Probe
	default:
		f.Next, f.Retry = course.Refused, permit.Retry
	}
	return f
}

// asideLocked returns what is known of where records can go but to next.
func (g *engine) asideLocked(now time.Time) course.Facts {
	f := course.Facts{Now: now, Pressed: g.pressedLocked(now), Fallback: g.fallbackLocked()}
	if g.disk.spool != nil {
		f.Spool = g.disk.spoolLocked(now)
	}
	return f
}

// urgent is the size of a batch while callers wait for room and deliveries take long:
// where CPU time is short the worker shows sooner that it makes progress.
const urgent = 64

// fallbackLocked says whether the fallback can be called.
func (g *engine) fallbackLocked() course.Way {
	switch {
	case g.opts.Fallback == nil:
		return course.Missing
	case g.busy[toFallback] != nil:
		return g.busy[toFallback].call.way()
	}
	return course.Free
}

// pressedLocked reports whether half of the queue or of its bytes is taken, or, with a
// fallback, a shutdown should not wait for the call into next.
func (g *engine) pressedLocked(now time.Time) bool {
	if !g.hasAside() {
		return false
	}
	if g.ring.Len()+g.course.Len()-g.course.Stored() >= max(1, g.ring.Cap()/2) {
		return true
	}
	return g.purse.pressure.Load() || g.opts.Fallback != nil && g.ending.hangsLocked(now)
}

// takeLocked puts the records of the plan into w's hands and begins the call with them.
func (w *worker) takeLocked(p *plan, now time.Time) bool {
	g := w.engine
	b := &w.batch
	w.emptyLocked()
	if p.From == course.Queue {
		g.accounts.notePeakLocked()
		b.fresh = g.ring.Take(b.fresh, p.N)
		b.first = g.seq + 1
		g.seq += uint64(len(b.fresh))
	} else {
		b.held = g.course.Take(b.held, p.From, p.N)
		b.first = b.held[0].Seq
		w.report, w.stored = b.held[0].Value.h == g.reporter, b.held[0].Stored
	}
	n := len(b.fresh) + len(b.held)
	if n == 0 {
		return false
	}
	w.handLocked(n)
	to := toNext
	switch p.Act {
	case course.Divert:
		to = toFallback
	case course.Store:
		to = toSpool
	}
	w.beginLocked(to, now)
	if to == toNext && g.course.Troubled() {
		g.standByLocked(w, now)
	}
	return true
}
