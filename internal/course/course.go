// Package course decides what becomes of records while the handler behind the queue is
// well, while it is in trouble, and on the way back. It has no lock, clock or goroutine:
// facts and events come in, one decision goes out.
//
//	d := c.Decide(facts)              // try so many, divert them, or rest
//	c.Taken(batch, now)               // the handler took these
//	fate := c.Failed(held, why, now)  // it refused this one
//
// Two things look alike at first, a handler that is down and a record that it will never
// take. Only another record tells them apart: so a record that failed is tried again soon,
// and then one behind it is. If that one is taken, those held before it are at fault: they
// get their remaining tries beside the traffic and are given up then. If all fail it is an
// outage, and the records wait here, in order, until the handler is back.
package course

import (
	"slices"
	"sort"
	"time"
)

const (
	// MinPause and MaxPause bound the pause between two tries of one record while there
	// are others; it doubles from try to try.
	MinPause = 10 * time.Millisecond
	// MaxPause is the other bound.
	MaxPause = time.Second
	// ProbeRecords is how many records beside the oldest are tried in a probe, one at a time.
	ProbeRecords = 64
	// ProbeTime is how long a next one may begin in it.
	ProbeTime = 100 * time.Millisecond
	// MaxHeld is how many records are taken from the disk in one outage; after that those
	// are tried again that were tried longest ago.
	MaxHeld = 1024
	// lately is how long a record found at fault makes the next failure look like one more:
	// then a record behind is tried without a pause.
	lately = time.Second
)

// Held is a record that was tried and is not done.
type Held[T any] struct {
	Value    T
	Seq      uint64 // its age: a later record has a higher one
	Attempts int    // failures of it alone
	Line     []byte // what the sink made of it, if that is kept
	Stored   bool   // it is on the disk too
	Older    bool   // it is not, but older than what is

	charged bool      // the gate has heard of its failure
	passed  bool      // a record behind it was taken since it failed: it is at fault
	torn    bool      // the destination has a part of it
	tried   time.Time // when it failed last
	pauses  int       // after tries since it was due at once
	round   uint64    // the last probe it was tried in
}

// Torn reports whether the destination has a part of the record.
func (h *Held[T]) Torn() bool { return h.torn }

// spared reports whether the record is for the fallback, as soon as that can be called.
func (h *Held[T]) spared(f *Facts) bool { return f.Fallback == Busy && h.Attempts > 0 && !h.torn }

// Course is the state of the destination as its answers show it, and the records that
// wait for it to be well again. The zero value, with its settings, is one that is well.
type Course[T any] struct {
	MaxAttempts int           // failures after which a record at fault is given up
	Plain       bool          // there is no gate: each record is given up after so many
	OpenTime    time.Duration // the longest pause, with nothing else to try

	held     []Held[T] // by Seq
	stored   int       // how many of them are on the disk
	fresh    int       // how many of them were not tried yet
	guilty   int       // how many of them are at fault
	cursor   int       // the place of the one of these that was tried last
	idle     time.Time // none of these is due before; zero if that is not known
	trouble  bool      // the last record that was not at fault for sure has failed
	distinct int       // different records that failed in a row
	again    uint64    // Seq of the record to be tried again before others; 0 if none
	last     time.Time // of the last failure
	found    time.Time // when a record was last found at fault
	behind   bool      // the disk has records that come before those held which are younger
	leaving  bool      // a shutdown tries no more of what is on the disk
	limit    int       // most records in one delivery on the way back; 0 is no limit
	drain    drain
	round    round
	scale    scale[T]
}

// drain is a shutdown under way.
type drain struct {
	on, down bool      // down: the destination was left alone when it began
	failed   int       // tries since then, or since one was taken
	since    time.Time // of the first of them
}

// round is a probe under way.
type round struct {
	on    bool
	id    uint64
	began time.Time
	tried int
}

// Len returns how many records are held.
func (c *Course[T]) Len() int { return len(c.held) }

// Stored returns how many of those held are on the disk too.
func (c *Course[T]) Stored() int { return c.stored }

// At returns the i-th of those held, oldest first.
func (c *Course[T]) At(i int) *Held[T] { return &c.held[i] }

// Troubled reports whether the last try failed.
func (c *Course[T]) Troubled() bool { return c.trouble }

// Torn reports whether the destination has a part of a record.
func (c *Course[T]) Torn() bool { return c.tornAt() >= 0 }

// Probing reports whether a probe is under way.
func (c *Course[T]) Probing() bool { return c.round.on }

// EndProbe ends a probe without a verdict.
func (c *Course[T]) EndProbe() { c.round.on = false }

// Take removes n held records, from the i-th on, and appends them to dst. Who takes them
// tells what became of them, by Taken, Failed or FailedTogether, or Holds them again.
func (c *Course[T]) Take(dst []Held[T], i, n int) []Held[T] {
	for j := i; j < i+n; j++ {
		c.count(&c.held[j], -1)
	}
	dst = append(dst, c.held[i:i+n]...)
	c.held = slices.Delete(c.held, i, i+n)
	return dst
}

func (c *Course[T]) count(h *Held[T], n int) {
	c.weigh(h, n)
	if h.Stored {
		c.stored += n
	}
	if h.Attempts == 0 {
		c.fresh += n
	}
	if h.passed {
		c.guilty += n
		c.idle = time.Time{}
	}
}

// Hold puts records back among those held, in their order.
func (c *Course[T]) Hold(records ...Held[T]) {
	c.held = slices.Grow(c.held, len(records))
	for i := range records {
		at := sort.Search(len(c.held), func(j int) bool { return c.held[j].Seq > records[i].Seq })
		c.held = slices.Insert(c.held, at, records[i])
		c.count(&records[i], 1)
	}
}

// Remove removes the held records for which f is true, oldest first.
func (c *Course[T]) Remove(f func(*Held[T]) bool) {
	kept := c.held[:0]
	for i := range c.held {
		if f(&c.held[i]) {
			c.count(&c.held[i], -1)
			continue
		}
		kept = append(kept, c.held[i])
	}
	clear(c.held[len(kept):])
	if c.held = kept; len(kept) == 0 {
		c.held = nil // the memory of an outage
	}
}

// Taken tells that the destination took the record with that Seq, at that time: those held
// that are older and have failed are at fault. Those behind that failed may be a failure for
// the gate once more. Deliveries then grow up to batch records.
func (c *Course[T]) Taken(seq uint64, batch int, now time.Time) {
	for i := range c.held {
		if c.guilty+c.fresh == len(c.held) {
			break
		}
		h := &c.held[i]
		switch {
		case h.Seq > seq:
			h.charged = false
		case h.Attempts > 0 && !h.passed:
			h.passed = true
			c.guilty++
			c.idle, c.found = time.Time{}, now
		}
	}
	c.trouble, c.distinct, c.again = false, 0, 0
	c.round.on, c.drain.failed = false, 0
	if c.limit > 0 {
		if c.limit *= 4; c.limit >= batch { // in steps: the destination has just come back
			c.limit = 0
		}
	}
}

// Wake makes the next try due now: somebody says that the destination may be well. So it
// is one of the oldest record: a later one would put those before it at fault.
func (c *Course[T]) Wake() {
	c.last, c.again = time.Time{}, 0
	if i := c.oldest(&Facts{}); i >= 0 {
		c.again = c.held[i].Seq
	}
	for i := range c.held {
		h := &c.held[i]
		h.tried, h.pauses, c.idle = time.Time{}, 0, time.Time{}
		h.charged = h.charged && h.passed
	}
}

// Drain tells that a shutdown has begun, and whether the destination was left alone then.
// From now on Facts.Next is not Refused: the gate is not asked.
func (c *Course[T]) Drain(down bool) {
	c.Wake()
	c.drain = drain{on: true, down: down || c.trouble}
	c.distinct, c.round.on = 0, false
}
