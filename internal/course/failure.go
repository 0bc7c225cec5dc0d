package course

import "time"

// Failure says how a try ended that did not get its record where it should.
type Failure struct {
	Permanent bool // the record is at fault, the error says
	Panicked  bool
	Torn      bool // the destination has a part of the record
	Fallback  bool // there is one that can be called, now or when its call returns
}

// Fate is what becomes of a record that failed.
type Fate uint8

// What can become of it.
const (
	Kept     Fate = iota // it is held, and tried again
	Diverted             // it is held, for the fallback
	GivenUp              // it has failed for good
)

// Failed tells that the destination refused a record that was tried alone. It returns what
// becomes of the record, and whether that is a failure for the gate: one record is one
// failure, however often it is tried.
func (c *Course[T]) Failed(h Held[T], f Failure, now time.Time) (fate Fate, charge bool) {
	h.Attempts++
	h.torn = f.Torn
	atFault := f.Permanent || f.Panicked
	charge = !h.charged && (!f.Permanent || f.Panicked)
	h.charged = h.charged || charge
	h.tried = now
	h.pauses++
	h.round = c.round.id
	if charge {
		c.distinct++
	}
	if !f.Permanent {
		c.drain.fails(now)
	}
	if !atFault || f.Torn {
		c.blame(&h, f, now)
	}
	switch {
	case f.Torn:
		c.Hold(h)
		return Kept, charge
	case f.Fallback:
		c.Hold(h)
		return Diverted, charge
	case atFault, h.Attempts >= c.MaxAttempts && (c.Plain || h.passed):
		return GivenUp, charge
	}
	c.Hold(h)
	return Kept, charge
}

// blame notes a failure that may be the destination's.
func (c *Course[T]) blame(h *Held[T], f Failure, now time.Time) {
	if h.passed && !c.trouble && !f.Torn {
		return // it is known to be at fault: nothing waits for it
	}
	c.last, c.limit = now, 1
	begins := !c.trouble && h.Attempts == 1
	c.trouble, c.again = true, 0
	if begins && now.Sub(c.found) >= lately || f.Torn {
		c.again = h.Seq
	}
}

// FailedTogether tells that records were refused as one, so that nobody knows whose fault
// it was: each is tried alone now, the first one at once.
func (c *Course[T]) FailedTogether(records []Held[T], permanent bool, now time.Time) (charge bool) {
	first := &records[0]
	if !first.charged && !permanent {
		first.charged, charge = true, true
		c.distinct++
	}
	c.Hold(records...)
	c.drain.fails(now)
	c.trouble, c.last, c.limit = true, now, 1
	c.again = records[0].Seq
	return charge
}

// fails counts a failure that may be the destination's.
func (d *drain) fails(now time.Time) {
	if d.failed == 0 {
		d.since = now
	}
	d.failed++
}
