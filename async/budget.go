package async

import "sync/atomic"

// A Budget bounds the bytes that waiting records hold, as they are estimated. Its
// methods are called concurrently, with no lock held. It may also be a [SharedBudget] and a
// [Leaver].
type Budget interface {
	// TryAcquire takes n bytes if there are that many.
	TryAcquire(n int64) bool
	// Release gives n bytes back.
	Release(n int64)
	// Used returns how many bytes this handler has taken.
	Used() int64
	// Limit returns how many bytes there are in all.
	Limit() int64
}

// A SharedBudget is a [Budget] with other users.
type SharedBudget interface {
	// Most returns the size of the largest record that could ever have room.
	Most() int64
	// TryAgain is TryAcquire for a record that was refused before and waits.
	TryAgain(n int64) bool
	// Free returns how many bytes TryAcquire would take now.
	Free() int64
}

// A Leaver is a [Budget] that wants to know when no more will be taken.
type Leaver interface {
	// Leave is called after the drain.
	Leave()
}

// purse is the bytes that records hold, of the budget if there is one.
type purse struct {
	g        *engine
	pressure atomic.Bool // half of the bytes are taken
}

// leave tells the budget, whose code may panic, that no more will be taken: then others get
// this handler's share.
func (p *purse) leave() {
	if b, ok := p.g.budget.(Leaver); ok {
		b.Leave()
	}
}

// most is how large a record may be: others may keep bytes of a shared budget for
// themselves.
func (p *purse) most() int64 {
	if b, ok := p.g.budget.(SharedBudget); ok {
		return b.Most()
	}
	return p.g.budget.Limit()
}

// free returns how many bytes there are.
func (p *purse) free() int64 {
	g := p.g
	if b, ok := g.budget.(SharedBudget); ok {
		return b.Free()
	}
	return max(0, g.budget.Limit()-g.budget.Used())
}

// acquire takes the bytes of a record, once.
func (p *purse) acquire(q *request) bool {
	if !q.acquired {
		q.acquired = p.g.budget == nil || p.g.budget.TryAcquire(q.size)
	}
	return q.acquired
}

// acquireAgain takes the bytes of a record that waits for them.
func (p *purse) acquireAgain(size int64) bool {
	g := p.g
	if b, ok := g.budget.(SharedBudget); ok {
		return b.TryAgain(size)
	}
	return g.budget == nil || g.budget.TryAcquire(size)
}

// release gives bytes back.
func (p *purse) release(size int64) {
	g := p.g
	if g.budget != nil && size > 0 {
		g.guard(func() { g.budget.Release(size) }, g.notePanic)
	}
}

// gauge finds out whether half of the bytes are taken, where that matters.
func (p *purse) gauge() (pressure bool) {
	g := p.g
	if g.hasAside() && g.budget != nil {
		g.guard(func() { pressure = g.budget.Used() >= g.budget.Limit()/2 }, g.notePanic)
		p.pressure.Store(pressure)
	}
	return pressure
}
