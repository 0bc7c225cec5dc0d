package async

import (
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/waitroom"
)

// While somebody waits for room, a chain of timers looks whether next makes progress: if it
// does not, the credit for waiting runs down. Under Block it only looks whether other
// handlers have released bytes of a shared budget. It ends when nobody waits.

// patience is for how long callers wait for room, all in all.
type patience struct {
	g       *engine
	credit  *waitroom.Credit
	dry     atomic.Pointer[chan struct{}] // closed when the credit is used up
	ticking atomic.Bool
}

func (p *patience) init(g *engine) {
	dry := make(chan struct{})
	p.g, p.credit = g, waitroom.NewCredit(g.opts.maxWait())
	p.dry.Store(&dry)
}

// poll is how often it looks under Block.
const poll = 10 * time.Millisecond

// startTicking begins the chain unless it runs.
func (p *patience) startTicking() {
	if p.ticking.CompareAndSwap(false, true) {
		p.tickAfter(time.Now())
	}
}

func (p *patience) tickAfter(last time.Time) {
	every := waitroom.Tick
	if p.g.opts.Overflow == Block {
		every = poll
	}
	time.AfterFunc(every, func() { p.tick(last) })
}

// tick is one look.
func (p *patience) tick(last time.Time) {
	g := p.g
	now := time.Now()
	p.spend(now, now.Sub(last))
	if p.credit.Left() <= 0 {
		p.dryUp()
	}
	g.guard(g.admission.admitNow, g.notePanic) // others may have released bytes of the budget
	if g.admission.room.Waiting() > 0 && !g.ring.Sealed() {
		p.tickAfter(now)
		return
	}
	p.ticking.Store(false)
	if g.admission.room.Waiting() > 0 && !g.ring.Sealed() {
		p.startTicking()
	}
}

// spend charges the credit for the time since the last tick. Beside a next that hangs it is
// the fallback that makes room.
func (p *patience) spend(now time.Time, passed time.Duration) {
	g := p.g
	waited := g.admission.room.Longest(now)
	if waited == 0 {
		return // those who waited at the last tick, or came since, have got in
	}
	called := false
	g.locked(func() {
		w := g.busy[toFallback]
		if next := g.busy[toNext]; w == nil && next != nil && !(next.call.stalled && g.opts.Fallback != nil) {
			w = next
		}
		if called = w != nil; called {
			begun := int(max(0, w.batch.begun.Load()&^taken-1))
			p.credit.Stand(&w.call.charge, passed, now.Sub(w.call.since), begun)
		}
	})
	if !called && g.resting.Load() > 0 {
		p.credit.Idle(min(passed, waited))
	}
}

// dryUp tells all that wait that it is not worth it any more.
func (p *patience) dryUp() {
	if dry := *p.dry.Load(); !isClosed(dry) {
		close(dry)
	}
}

// refill lets callers wait again, if there is credit for it. The worker calls it, after a
// call: see [waitroom.Bells] for why it makes the channel.
func (p *patience) refill() {
	if p.credit.Left() > 0 {
		dry := make(chan struct{})
		p.dry.Store(&dry)
	}
}
