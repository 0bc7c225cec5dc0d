package async

import (
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/sleeper"
)

// way is what others see of a call that is under way.
func (c *call) way() course.Way {
	if c.stalled {
		return course.Hung
	}
	return course.Busy
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
				g.sleeper.Poke() // who has the role may rest
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

// relieve has another worker do what can be done without the call under way.
func (g *engine) relieve() {
	g.locked(func() { g.relieveLocked(g.worker, time.Now()) })
}

// relieveLocked gives the role of w, which is inside a call, to another worker if that can
// keep records from being lost.
func (g *engine) relieveLocked(w *worker, now time.Time) {
	if w == nil || w.replaced || !w.call.running || g.phase > draining {
		return
	}
	c := course.Call{Next: w.call.to == toNext, Still: now.Sub(w.call.since), Late: g.ending.lateLocked(now)}
	if g.opts.Spool != nil {
		c.Still = w.call.still // a next that gets on is slow, not away
	}
	if g.course.Relieve(g.asideLocked(now), c) {
		w.takeBackLocked()
		g.replaceLocked(w)
	}
}

// standByLocked is called when w begins a call into a next that is in trouble.
func (g *engine) standByLocked(w *worker, now time.Time) {
	switch g.course.StandBy(g.asideLocked(now)) {
	case course.Another:
		g.replaceLocked(w)
	case course.OnCall:
		g.sleep.Change(sleeper.Awake, sleeper.Calling)
	}
}

// replaceLocked gives the role of w to another worker.
func (g *engine) replaceLocked(w *worker) {
	w.replaced = true
	g.sleep.Change(sleeper.Calling, sleeper.Awake)
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
		g.sleeper.Poke()
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

// callNext begins a call into next that is no delivery of records, unless another has the
// role or a call is under way. fill says what it is for, and whether it is to be made.
func (w *worker) callNext(fill func(now time.Time) bool) (begun bool) {
	g, now := w.engine, time.Now()
	g.locked(func() {
		if w.leftLocked() || g.busy[toNext] != nil {
			return
		}
		if w.emptyLocked(); fill(now) {
			w.beginLocked(toNext, now)
			begun = true
		}
	})
	return begun
}
