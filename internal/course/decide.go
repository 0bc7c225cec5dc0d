package course

import (
	"math/bits"
	"time"
)

// Way says whether somebody can be called.
type Way uint8

// What can be known of somebody.
const (
	Free    Way = iota // it can
	Unasked            // the gate was not asked yet
	Missing            // there is no such thing
	Refused            // the gate says no
	Busy               // a call is under way for long
	Hung               // a call does not return
)

// Facts are what a decision hangs on, beside what was told before.
type Facts struct {
	Now      time.Time
	Waiting  int           // records in the queue, which is behind those that are held
	Batch    int           // most records in one delivery
	Pressed  bool          // half of the queue, or of its bytes, is taken
	Next     Way           // the destination; never Missing
	Probe    bool          // Next is Free for a probe
	Retry    time.Duration // Next is Refused for so long
	Fallback Way
	Spool    Spool
}

// Act is what to do.
type Act uint8

// What there is to do.
const (
	Rest     Act = iota // wait
	Ask                 // decide again when the gate has answered
	Try                 // give records to the destination
	Divert              // give records to the fallback
	EndProbe            // tell the gate that the probe has failed
	Store               // put records on the disk
	Load                // remove from the disk what is done, and take so many records from there
)

// Queue is the place of records that are not held yet.
const Queue = -1

// Decision is what becomes of the records at the front.
type Decision struct {
	Act  Act
	From int           // the first of them among those held, or Queue
	N    int           // how many of them, at most
	Wait time.Duration // Rest: how long at most; 0 is until something happens
	Busy bool          // Rest: a record that comes meanwhile changes nothing
	Till bool          // Rest: it changes nothing unless the queue is pressed by it
	Each bool          // Rest: it may change something, though others wait already
}

// Decide says what to do now. Asking twice does no harm, but for a probe: each decision to
// Try in one counts as a try.
func (c *Course[T]) Decide(f Facts) Decision {
	waiting := f.Waiting > 0
	d := c.decide(&f)
	away := f.Next > Unasked
	switch {
	case d.Act != Rest:
	case f.Spool.Way == Free && (waiting || d.Busy || f.Spool.Some && away):
		d.Busy, d.Till, d.Each = false, false, true
	case waiting && f.Waiting == 0: // it is hidden, and so is what comes
		d.Busy = true
	}
	return d
}

func (c *Course[T]) decide(f *Facts) Decision {
	if d, ok := c.divert(f); ok {
		return d
	}
	if d, ok := c.spool(f); ok {
		return d
	}
	aside := f.Fallback == Free || f.Spool.Way == Free
	switch f.Next {
	case Refused:
		return Decision{Act: Rest, Wait: f.Retry, Busy: !aside}
	case Busy, Hung:
		return Decision{Act: Rest, Busy: !aside, Till: f.Next == Busy && aside}
	}
	d := c.next(f)
	if d.Act == Try && f.Next == Unasked {
		d.Act = Ask
	}
	return d
}

// next is Decide for a destination that can be called.
func (c *Course[T]) next(f *Facts) Decision {
	switch i := c.tornAt(); {
	case i >= 0 && f.Probe && c.round.on:
		return c.endProbe() // no other may be tried in it
	case i >= 0:
		return c.at(f, i, c.dueAt(f, i), false)
	case f.Probe:
		return c.probe(f)
	case c.trouble && f.Fallback != Free:
		return c.doubt(f)
	}
	return c.well(f)
}

// tornAt returns the place of the record that the destination has a part of, or -1.
func (c *Course[T]) tornAt() int { return c.find(func(h *Held[T]) bool { return h.torn }) }

// oldest returns the place of the oldest record that is not at fault, or -1.
func (c *Course[T]) oldest(f *Facts) int {
	if c.guilty == len(c.held) {
		return -1
	}
	return c.find(func(h *Held[T]) bool { return !h.passed && !c.barred(f, h) })
}

func (c *Course[T]) find(f func(*Held[T]) bool) int {
	for i := range c.held {
		if f(&c.held[i]) {
			return i
		}
	}
	return -1
}

// divert says what goes to the fallback.
func (c *Course[T]) divert(f *Facts) (d Decision, ok bool) {
	if f.Fallback != Free {
		return d, false
	}
	if i := c.find(func(h *Held[T]) bool { return h.Attempts > 0 && !h.torn }); i >= 0 {
		return Decision{Act: Divert, From: i, N: 1}, true
	}
	torn := c.tornAt()
	if !c.bypassed(f) && torn < 0 || torn >= 0 && c.isDue(f, torn) {
		return d, false
	}
	if i := c.find(func(h *Held[T]) bool { return !h.torn }); i >= 0 {
		return Decision{Act: Divert, From: i, N: 1}, true
	}
	return Decision{Act: Divert, From: Queue, N: f.Batch}, f.Waiting > 0
}

// bypassed reports whether the fallback gets all that waits.
func (c *Course[T]) bypassed(f *Facts) bool {
	switch f.Next {
	case Refused, Hung:
		return true
	case Busy:
		return f.Pressed
	}
	if d := &c.drain; d.on {
		// It is down, or fails as many as a probe would try, or for as long.
		return d.failed >= 1 && (d.down || d.failed > ProbeRecords || f.Now.Sub(d.since) >= ProbeTime)
	}
	return c.trouble && f.Pressed && !f.Probe && f.Now.Before(c.last.Add(c.gap()))
}

func (c *Course[T]) isDue(f *Facts, i int) bool {
	return f.Next <= Unasked && !c.dueAt(f, i).After(f.Now)
}

// well says what to do with a destination that is well: those at fault are tried when it
// is time for that, and before all else those that were only held.
func (c *Course[T]) well(f *Facts) Decision {
	i, due := c.guiltyOne(f)
	if i >= 0 {
		return Decision{Act: Try, From: i, N: 1}
	}
	n := f.Batch
	if c.limit > 0 {
		n = min(n, c.limit)
	}
	switch i = c.oldest(f); {
	case i >= 0:
		return Decision{Act: Try, From: i, N: c.run(f, i, n)}
	case f.Waiting > 0:
		return Decision{Act: Try, From: Queue, N: n}
	case due.IsZero():
		return Decision{Act: Rest}
	}
	return Decision{Act: Rest, Wait: due.Sub(f.Now)}
}

// guiltyOne returns the place of a record at fault that is due, or -1 and when one will be.
func (c *Course[T]) guiltyOne(f *Facts) (i int, due time.Time) {
	if f.Fallback == Busy { // all of them are spared
		return -1, time.Time{}
	}
	if c.guilty == 0 || f.Now.Before(c.idle) {
		return -1, c.idle
	}
	first := time.Time{}
	for k := range c.held { // there may be thousands
		i = (c.cursor + k) % len(c.held)
		if !c.held[i].passed || c.hidden(&c.held[i]) {
			continue
		}
		if due = c.dueAt(f, i); !due.After(f.Now) {
			c.cursor = i
			return i, due
		}
		if first.IsZero() || due.Before(first) {
			first = due
		}
	}
	c.idle = first
	return -1, first
}

// run returns how many of n records from the i-th on can be tried as one.
func (c *Course[T]) run(f *Facts, i, n int) int {
	k := 1
	for k < n && i+k < len(c.held) && !c.held[i+k].passed && c.held[i+k].Stored == c.held[i].Stored && !c.barred(f, &c.held[i+k]) {
		k++
	}
	return k
}

// doubt says what to try while it is open whose fault it is: the record that failed first
// once more, then one that was not tried yet, and if there is none, who waited longest.
func (c *Course[T]) doubt(f *Facts) Decision {
	if c.again != 0 {
		if i := c.find(func(h *Held[T]) bool { return h.Seq == c.again && !c.barred(f, h) }); i >= 0 {
			return c.at(f, i, c.dueAt(f, i), true)
		}
	}
	gap := c.last.Add(c.gap())
	if i := c.untried(); i >= 0 {
		return c.at(f, i, gap, true)
	}
	if f.Waiting > 0 {
		return c.at(f, Queue, gap, true)
	}
	if f.Fallback == Busy && len(c.held) > 0 {
		return Decision{Act: Rest} // all of these are spared
	}
	next := -1
	for i := range c.held {
		if !c.hidden(&c.held[i]) && (next < 0 || c.dueAt(f, i).Before(c.dueAt(f, next))) {
			next = i
		}
	}
	if next < 0 { // what failed was evicted
		return c.at(f, Queue, gap, false)
	}
	return c.at(f, next, c.dueAt(f, next), f.Waiting > 0)
}

// at says to try one record then.
func (c *Course[T]) at(f *Facts, i int, due time.Time, busy bool) Decision {
	if wait := due.Sub(f.Now); wait > 0 {
		return Decision{Act: Rest, Wait: wait, Busy: busy || f.Waiting > 0}
	}
	if i == Queue && f.Waiting == 0 {
		return Decision{Act: Rest}
	}
	return Decision{Act: Try, From: i, N: 1}
}

// gap is the pause between the tries of different records: it doubles with each that fails.
// In a shutdown no gate is asked: as many are tried as in a probe, then twice as many.
func (c *Course[T]) gap() time.Duration {
	n := c.distinct - 1
	switch {
	case c.drain.on && (c.distinct < ProbeRecords || c.distinct&(c.distinct-1) != 0):
		return 0
	case c.drain.on:
		n = bits.Len(uint(c.distinct/ProbeRecords)) - 1
	case c.last.Sub(c.found) < lately:
		n-- // the first one looks like one more at fault
	}
	if n < 0 {
		return 0
	}
	return backoff(n, MaxPause)
}

// dueAt is when the i-th record held may be tried again.
func (c *Course[T]) dueAt(f *Facts, i int) time.Time {
	h := &c.held[i]
	longest := MaxPause
	if !h.passed && f.Waiting == 0 && c.OpenTime > longest {
		longest = c.OpenTime
	}
	return h.tried.Add(backoff(h.pauses-1, longest))
}

// backoff returns MinPause doubled n times, at most longest.
func backoff(n int, longest time.Duration) time.Duration {
	return min(MinPause<<min(max(n, 0), 30), longest)
}
