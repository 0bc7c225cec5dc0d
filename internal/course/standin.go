package course

import "time"

// Long is how long a call is under way before somebody else may do what can be done without.
const Long = time.Second

// StandIn says who sees to other records while a call is under way.
type StandIn uint8

// Who can see to them.
const (
	Nobody  StandIn = iota // they wait for the call
	OnCall                 // somebody else, as soon as the queue is pressed
	Another                // somebody else, now
)

// Call is what is known of a call under way.
type Call struct {
	Next  bool          // it is into the destination
	Still time.Duration // for how long it has been under way, or with a spool has not got on
	Late  bool          // a shutdown has little time left
}

// StandBy says who sees to other records while a call into the destination is under way that
// begins now. Beside a fallback who finds no room must not be the first to notice that the
// call was in vain.
func (c *Course[T]) StandBy(f Facts) StandIn {
	switch {
	case !c.trouble || c.drain.on || f.Fallback != Free:
		return Nobody
	case f.Pressed:
		return Another
	}
	return OnCall
}

// Relieve reports whether somebody else is to do what can be done without a call under way,
// which keeps records from being lost.
func (c *Course[T]) Relieve(f Facts, call Call) bool {
	switch {
	case !call.Late && !f.Pressed: // there is room
		return false
	case call.Next && f.Fallback != Free && f.Spool.On && f.Spool.Way != Free: // nor is there elsewhere
		return false
	}
	return call.Late || call.Still >= Long || call.Next && c.trouble
}
