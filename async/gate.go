package async

import (
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// A Gate says whether next may be tried now: a circuit breaker. The handler asks
// before each delivery, which may be of many records. It calls the methods with no
// lock held, and concurrently. A Gate that panics is taken for one that lets pass.
//
// A Gate may also be an [ObservableGate] and an [OpenTimer].
type Gate interface {
	// Allow asks for leave to try next.
	Allow() Permit
	// Done gives a ticket back and tells how the delivery ended: succeeded says that next
	// took a record, err is the failure after that, if it counts against next. With
	// succeeded false and err nil, the delivery does not count.
	Done(ticket uint64, succeeded bool, err error)
	// Trip tells that a delivery hangs, which is an outage. Done is called for that
	// delivery too, should it return; without an error, next is well again. If it returned
	// at that moment Done may come first: with no ticket out, Trip does nothing.
	Trip()
}

// A Permit is the answer of [Gate.Allow]. The type is an unnamed struct, so that a breaker
// can return it without an import of this package.
type Permit = struct {
	// OK: next may be tried. The Ticket is given back to [Gate.Done].
	OK     bool
	Ticket uint64
	// Probe: only to find out whether next is well. One after the other, up to 65
	// records are tried with this ticket, until one is taken or 100 ms are spent.
	Probe bool
	// Retry is how long until asking again makes sense, above 0, if not OK.
	Retry time.Duration
}

// An OpenTimer is a [Gate] that says how long it refuses at a time.
type OpenTimer interface {
	// OpenTime is called by [New].
	OpenTime() time.Duration
}

// probe is the ticket of a probe under way.
type probe struct {
	open   bool
	ticket uint64
	err    error // of the last record that failed in it
}

// allow asks the gate. One that panics or ends the goroutine lets pass.
func (g *engine) allow() (p Permit, gated bool) {
	p.OK = true
	g.aside(func() { p, gated = g.opts.Gate.Allow(), true })
	gated = gated && p.OK
	if !p.OK && p.Retry <= 0 {
		p.Retry = time.Millisecond
	}
	return p, gated
}

// permittedLocked notes what the gate has said, and what came of that.
func (g *engine) permittedLocked(p *plan, permit *Permit, now time.Time) {
	if !permit.OK {
		g.accounts.health.noteRefused(now)
		g.course.Wake() // the gate says when
		g.barriers.releaseSyncLocked()
	}
	if p.probe = permit.Probe && p.Act == course.Try; p.probe {
		g.probe = probe{open: true, ticket: permit.Ticket}
	} else if permit.Probe {
		g.course.EndProbe() // nothing was there to try, or it is not published yet
	}
}

// settleTicket tells the gate how a delivery ended.
func (g *engine) settleTicket(ticket uint64, succeeded bool, err error) {
	g.aside(func() { g.opts.Gate.Done(ticket, succeeded, err) })
}

// trip tells the gate that a delivery hangs.
func (g *engine) trip() {
	if g.opts.Gate != nil {
		g.guard(g.opts.Gate.Trip, g.notePanic)
	}
}

func (g *engine) endProbeLocked() (p plan) {
	p.Act, p.ticket, p.err = course.EndProbe, g.probe.ticket, g.probe.err
	g.probe.open = false
	return p
}
