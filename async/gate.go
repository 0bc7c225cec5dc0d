package async

import "time"

// A Gate says whether next may be tried now: a circuit breaker. The handler asks
// once for each delivery, which may be of many records. It calls the methods with no
// lock held, and concurrently.
//
// [Stats] shows the state of a Gate that has a method BreakerStats() [BreakerStats].
type Gate interface {
	// Allow reports whether next may be tried. If ok, Done is called with the
	// ticket when the delivery has ended; with probe it is of one record. If not,
	// retry is how long until asking again makes sense, above 0.
	Allow() (ticket uint64, probe bool, retry time.Duration, ok bool)
	// Done tells how a delivery ended: whether next took any record, and then
	// what failed, if anything. A permanent error of a record is no failure.
	Done(ticket uint64, succeeded bool, err error)
	// Trip tells that a delivery hangs, which is an outage. Done is called for it
	// too should it return.
	Trip()
}

// verdict is what becomes now of the records in the worker's hands.
type verdict struct {
	action action
	n      int           // at most so many records
	gated  bool          // try: the gate is to hear how it ended
	ticket uint64        // for the gate
	wait   time.Duration // hold: how long at most; 0 is until something happens
	outage bool          // hold: because next is left alone
}

type action uint8

const (
	undecided action = iota
	nothing          // there are none
	try              // they are given to next
	divert           // they go to the fallback
	hold             // they wait
	putBack          // another record comes first
)

// decide says what to do with the batch of w. It asks the gate only if it does
// not know the answer.
func (c *core) decide(w *worker) verdict {
	c.mu.Lock()
	v, fallback, pause := c.verdictLocked(w)
	c.mu.Unlock()
	if v.action != undecided {
		return v
	}
	ticket, probe, retry, ok := c.opts.Gate.Allow()
	switch {
	case !ok && fallback:
		return verdict{action: divert, n: v.n}
	case !ok:
		c.mu.Lock()
		c.outage.endPause() // the gate says when
		c.mu.Unlock()
		return verdict{action: hold, wait: retry, outage: true}
	case probe:
		v.n = 1
	case pause > 0:
		c.opts.Gate.Done(ticket, false, nil)
		return verdict{action: hold, wait: pause}
	}
	return verdict{action: try, n: v.n, gated: true, ticket: ticket}
}

// verdictLocked is decide's answer without the gate.
func (c *core) verdictLocked(w *worker) (v verdict, fallback bool, pause time.Duration) {
	v.n = len(w.batch.entries)
	stuck := c.outage.stuck > 0
	fallback = c.fallbackLocked() && w.kind != report && !c.isTornLocked(w)
	pause = c.outage.rest()
	switch {
	case v.n == 0:
		v.action = nothing
	case w.divert && fallback:
		v.action, v.n = divert, 1
	case w.kind == fresh && c.bypassedLocked() > 0:
		v.action = divert
	case stuck && fallback:
		v.action = divert
	case stuck:
		v.action, v.outage = hold, true
	case c.tornLocked() && !c.isTornLocked(w) && (len(c.outage.held) > 0 || c.report.torn):
		v.action = putBack // the time to pass the torn one is over: the sink would go on with that
	case c.phase == running && c.opts.Gate != nil:
		// undecided
	case pause > 0:
		v.action, v.wait = hold, pause
	default: // during shutdown the open time is not waited for
		v.action = try
	}
	return v, fallback, pause
}

// fallbackLocked reports whether there is a fallback that can be called.
func (c *core) fallbackLocked() bool {
	return c.opts.Fallback != nil && c.outage.stuckFallback == 0
}

// isTornLocked reports whether a part of the batch's first record was written.
// That record was held since.
func (c *core) isTornLocked(w *worker) bool {
	return (w.kind == retry || w.kind == report) && c.tornLocked()
}

func (c *core) tornLocked() bool {
	t, ok := c.sink.(Tearer)
	return ok && t.Torn()
}
