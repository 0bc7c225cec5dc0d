package async

import (
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/waitroom"
)

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

// long is after which time a call is under way for long: then another worker does what can
// be done without, if records would be lost otherwise.
const long = time.Second

// way is what others see of a call that is under way.
func (c *call) way() course.Way {
	if c.stalled {
		return course.Hung
	}
	return course.Busy
}

// beginLocked notes that w makes a call with the records of its batch.
func (w *worker) beginLocked(to target, now time.Time) {
	g := w.engine
	w.batch.open()
	every := long
	if quarter := g.opts.StallTimeout / 4; quarter > 0 {
		every = quarter
	}
	if g.hasAside() {
		every = min(every, long/4)
	}
	every /= (every-1)/long + 1 // not above long: InFlight is as exact
	w.call = call{running: true, to: to, since: now, looked: now, every: every, seen: 1, timer: w.call.timer}
	g.busy[to] = w
	if w.call.timer == nil {
		w.call.timer = time.AfterFunc(every, func() { w.look() })
	} else {
		w.call.timer.Reset(every)
	}
}

// endLocked notes that the call has returned, with what became of it.
func (w *worker) endLocked(a *attempt) {
	g := w.engine
	if w.call.timer != nil {
		w.call.timer.Stop()
	}
	c := &w.call
	c.running = false
	g.busy[c.to] = nil
	if c.to == toNext {
		g.sleep.CompareAndSwap(calling, awake)
	}
	d := a.now.Sub(c.since)
	if c.to != toSpool {
		g.patience.credit.Settle(&c.charge, a.done, d)
	}
	if c.to == toSpool && g.disk.idle != nil {
		close(g.disk.idle)
		g.disk.idle = nil
	}
	g.patience.refill()
	if c.to == toNext {
		g.accounts.durations.Record(d)
	}
	if w.replaced {
		if g.worker != nil && g.phase <= draining {
			// It may have taken younger records meanwhile. What w puts back comes before them.
			g.worker.takeBackLocked()
		}
		g.sleeper.poke() // it may wait for this call
	}
}

// look looks whether the call of w still gets on. A sink that loops over many short calls
// does, as long as it begins records or tells of some. A look that comes late, since the
// process was stopped, counts as if it had come in time.
func (w *worker) look() {
	g := w.engine
	var stall *StallError
	now, to := time.Now(), toNext
	g.purse.gauge()
	g.locked(func() {
		c := &w.call
		if !c.running || c.stalled || g.phase > draining {
			return
		}
		c.still += min(now.Sub(c.looked), c.every)
		c.looked = now
		if seen := w.batch.begun.Load()&^taken + w.batch.told.Load(); seen > c.seen {
			c.seen, c.still = seen, 0
		}
		if g.opts.StallTimeout <= 0 || c.still < g.opts.StallTimeout {
			g.relieveLocked(w, now)
			c.timer.Reset(c.every)
			if w.replaced && g.ending.hangsLocked(now) {
				g.sleeper.poke() // who has the role may rest
			}
			return
		}
		to, stall = c.to, &StallError{Handler: g.opts.Name, Age: c.still}
		w.stallLocked(stall)
	})
	if stall == nil {
		return
	}
	defer g.tell.error(stall)
	if to == toNext {
		g.trip()
	}
}

// relieveLocked gives the role of w, which is inside a call, to another worker if that can
// keep records from being lost.
func (g *engine) relieveLocked(w *worker, now time.Time) {
	if w == nil || w.replaced || !w.call.running || g.phase > draining {
		return
	}
	late := g.ending.lateLocked(now)
	if !late && !g.pressedLocked(now) {
		return
	}
	if w.call.to == toNext && g.fallbackLocked() != course.Free && g.disk.spoolLocked(now).Way != course.Free {
		return
	}
	under := now.Sub(w.call.since)
	if g.opts.Spool != nil {
		under = w.call.still // a next that gets on is slow, not away
	}
	if !late && under < long && !(w.call.to == toNext && g.course.Troubled()) {
		return
	}
	w.takeBackLocked()
	g.replaceLocked(w)
}

// standByLocked is called when w begins a call into a next that is in trouble, beside a
// fallback: as soon as half of the queue is taken another worker is to see to that. Who finds
// no room must not be the first to notice.
func (g *engine) standByLocked(w *worker, now time.Time) {
	switch {
	case g.phase != running || !g.course.Troubled() || g.fallbackLocked() != course.Free:
	case g.pressedLocked(now):
		g.replaceLocked(w)
	default:
		g.sleep.CompareAndSwap(awake, calling)
	}
}

// replaceLocked gives the role of w to another worker.
func (g *engine) replaceLocked(w *worker) {
	w.replaced = true
	g.sleep.CompareAndSwap(calling, awake)
	g.spawnLocked()
}

// stallLocked gives up on the call of w for now: who was called counts as broken
// until it returns, and another worker does what can be done without.
func (w *worker) stallLocked(err *StallError) {
	g := w.engine
	g.accounts.counts.stalls++
	g.accounts.counts.note(err.Error(), time.Now())
	w.takeBackLocked()
	w.call.stalled = true
	g.probe.open = false // the call gives the ticket back, should it return
	g.course.EndProbe()
	if w.call.to == toFallback {
		w.forsakeLocked()
	} else {
		g.barriers.releaseSyncLocked()
	}
	if w.replaced {
		g.sleeper.poke()
		return
	}
	g.replaceLocked(w)
}

// forsakeLocked accounts for the records of a call into the fallback that hangs: nobody else
// takes the one that is inside.
func (w *worker) forsakeLocked() {
	g := w.engine
	w.call.forsaken = true
	n := w.batch.own
	if n == 0 {
		return // the goroutine got no time to begin one
	}
	g.accounts.notePeakLocked()
	done := w.batch.done()
	g.accounts.ledger.Fallback += uint64(done)
	g.accounts.ledger.Failed += uint64(n - done)
	g.hands -= n
	for i := range n {
		g.accounts.outcomeLocked(w.batch.at(i))
	}
	g.accounts.settledLocked()
}

// takeBackLocked returns what w has in its hands and has not begun to where it came from,
// also while w is inside a call. There it can be evicted.
func (w *worker) takeBackLocked() {
	g := w.engine
	if !w.call.running || w.report { // a report is in no count
		return
	}
	b := &w.batch
	n, own := b.close(), b.own
	if own <= n {
		return
	}
	if len(b.held) > 0 {
		g.course.Hold(b.held[n:own]...)
		clear(b.held[n:own])
	} else {
		g.ring.Return(b.fresh[n:own])
		clear(b.fresh[n:own])
	}
	w.handLocked(n - own)
	b.own = n
}

// restoreLocked sees to the records that were not begun.
func (a *attempt) restoreLocked(begun int) {
	w, g := a.w, a.w.engine
	b := &w.batch
	if w.report || b.own <= begun {
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

// handLocked counts n records more in the hands of workers. Those that are on the disk are
// counted there.
func (w *worker) handLocked(n int) {
	if !w.report && !w.onDisk() {
		w.engine.hands += n
	}
}

// onDisk reports whether the records of the batch are counted as on the disk.
func (w *worker) onDisk() bool { return w.stored && !w.moved }
