package async

import (
	"errors"
	"slices"
	"time"
)

const (
	minPause = 10 * time.Millisecond
	maxPause = time.Second
)

// outage is what is known of next's trouble; the zero value is a next in good
// health. Guarded by core.mu.
//
// A record that next refused is held here, in front of all that waits, and tried
// again. Once it has failed often enough, each second time a record behind it goes
// ahead: if next takes that one, those held before it are at fault, not next. One
// that went ahead and failed is held too, and after it has failed as often the one
// behind it goes ahead: several bad records in a row hold the others up, but not for
// ever.
type outage struct {
	held     []held
	failures int           // deliveries that failed since the last success
	pause    time.Duration // between two tries
	until    time.Time     // end of the pause
	limit    int           // most records in a batch; 0 means BatchSize
	ahead    bool          // a record behind the oldest is next to be tried
	proven   bool          // next took a record behind those that are held

	stuck, stuckFallback int // calls that hang

	// bypass is until when the held record, of which the writer took a part, must
	// wait, while the others go to the fallback.
	bypass time.Time
}

// held is a record that next refused so often.
type held struct {
	entry    entry
	attempts int
	divert   bool // it was about to go to the fallback
}

// hold puts a record in front of all that waits, or behind the one in front.
func (o *outage) hold(at int, h held) {
	o.held = slices.Insert(o.held, min(at, len(o.held)), h)
}

// take returns the held record at that place.
func (o *outage) take(at int) held {
	h := o.held[at]
	o.held = slices.Delete(o.held, at, at+1)
	return h
}

// rest is what is left of the pause.
func (o *outage) rest() time.Duration {
	if o.until.IsZero() {
		return 0
	}
	return time.Until(o.until)
}

func (o *outage) endPause() { o.pause, o.until = 0, time.Time{} }

// wake ends all that the worker waits for of its own accord.
func (o *outage) wake() {
	o.endPause()
	o.bypass = time.Time{}
}

// succeeded notes that next took records of a batch of that kind.
func (o *outage) succeeded(k kind, batchSize int) {
	o.failures = 0
	o.endPause()
	switch k {
	case retry:
		o.ahead = false
	case behind:
		o.ahead, o.proven = false, true
	}
	if o.limit > 0 {
		if o.limit *= 4; o.limit >= batchSize { // in steps: next has just come back
			o.limit = 0
		}
	}
}

// failed notes that next refused a delivery at that time.
func (o *outage) failed(now time.Time, pause bool) {
	o.failures++
	o.limit = 1
	o.ahead = !o.ahead
	if pause {
		o.pause = min(max(minPause, 2*o.pause), maxPause)
		o.until = now.Add(o.pause)
	}
}

// maxHeld is the most records that are held: they cannot be evicted, and in a long
// outage ever more would go ahead.
const maxHeld = 64

// fillHeldLocked gives w the oldest held record, or the one that goes ahead of it if
// it is that one's turn.
func (c *core) fillHeldLocked(w *worker) {
	o := &c.outage
	w.kind, w.at = retry, 0
	if o.ahead && !o.proven && o.held[0].attempts >= c.opts.MaxAttempts && !c.tornLocked() {
		at := 1
		for at < len(o.held) && o.held[at].attempts >= c.opts.MaxAttempts && at < maxHeld-1 {
			at++
		}
		if at == len(o.held) {
			if c.takeLocked(w, 1); len(w.batch.entries) == 1 {
				w.kind, w.at = behind, at
				return
			}
		} else {
			w.kind, w.at = behind, at
		}
	}
	h := o.take(w.at)
	w.attempts, w.divert = h.attempts, h.divert
	w.batch.entries = append(w.memory[:0], h.entry)
	c.hands++
}

// forever is long enough for a record to wait for a call that hangs.
const forever = 24 * time.Hour

// bypassLocked lets the other records pass the one in w's hands for that time, 0
// being until something happens, if they have somewhere to go.
func (c *core) bypassLocked(w *worker, d time.Duration) bool {
	if !c.isTornLocked(w) || !c.fallbackLocked() {
		return false
	}
	if d == 0 {
		d = forever
	}
	c.outage.bypass = time.Now().Add(d)
	return true
}

// bypassedLocked is for how long the held records are to be passed.
func (c *core) bypassedLocked() time.Duration {
	if c.outage.bypass.IsZero() || c.phase > draining || !c.fallbackLocked() {
		return 0
	}
	return max(0, time.Until(c.outage.bypass))
}

// exhaustedLocked reports whether the first record of the batch, which has failed
// once more, is to be given up.
func (c *core) exhaustedLocked(w *worker) bool {
	if c.opts.Gate == nil {
		return w.attempts >= c.opts.MaxAttempts
	}
	return w.kind == retry && c.outage.proven && w.attempts > c.opts.MaxAttempts
}

// isPermanent reports whether the record is at fault, not next.
func isPermanent(err error) (permanent bool) {
	defer func() { _ = recover() }() // errors.Is calls methods of the user's
	return errors.Is(err, ErrPermanent)
}
