package async

import "time"

// deliver does with the batch of w what is to be done now, and reports whether to
// go on with the rest of it.
func (c *core) deliver(w *worker) bool {
	v := c.decide(w)
	switch v.action {
	case try, divert:
		return c.attempt(w, v)
	case hold:
		c.hold(w, v)
	case putBack:
		c.mu.Lock()
		c.putBackLocked(w)
		c.mu.Unlock()
	}
	return false
}

// hold waits until next may be tried again. Meanwhile the records are where they
// can be evicted, but for the one that next has refused.
func (c *core) hold(w *worker, v verdict) {
	c.mu.Lock()
	bypass := c.bypassLocked(w, v.wait)
	c.putBackLocked(w)
	if v.outage {
		c.releaseSyncLocked()
	}
	c.mu.Unlock()
	if bypass {
		return
	}
	c.announce(time.Now(), true)
	if v.wait > 0 {
		w.wait(v.wait)
	} else {
		<-c.wakeUp
	}
}

// attempt is one call of a sink and what became of it.
type attempt struct {
	verdict
	done     int
	err      error
	panicked *PanicError // is err, if it was a panic

	// What complete finds out before it takes the lock.
	now       time.Time
	permanent bool
	text      string // of err

	// What it finds out with the lock.
	attempts int  // of the record that failed
	harmless bool // err is no failure of next
	goOn     bool // the worker has more of the batch to do
}

// attempt calls the sink, or the fallback's. Whatever that does, complete is
// called after it.
func (c *core) attempt(w *worker, v verdict) bool {
	c.mu.Lock()
	v.n = min(v.n, len(w.batch.entries)) // a caller may have taken them back
	if v.n == 0 || c.leftLocked(w) {
		c.mu.Unlock()
		if v.gated {
			c.opts.Gate.Done(v.ticket, false, nil)
		}
		return false
	}
	c.beginLocked(w, v.n, v.action == divert)
	c.mu.Unlock()
	sink := c.sink
	if v.action == divert {
		sink = handlerSink{fallback: true}
	}
	a := attempt{verdict: v}
	c.guard(func() {
		a.done, a.err = sink.Deliver(&w.batch)
	}, func(p *PanicError) {
		if p != nil {
			a.done, a.err, a.panicked = w.batch.done, p, p
		}
		c.complete(w, &a)
	})
	return a.goOn
}

// complete accounts for an attempt, lets the gate and the error handler know, and
// says whether w may go on with its batch. What is deferred is done even if code
// of the user's ends the goroutine.
func (c *core) complete(w *worker, a *attempt) {
	a.now = time.Now()
	if a.err != nil {
		a.permanent = a.panicked != nil || isPermanent(a.err)
		a.text = text(a.err)
	}
	c.mu.Lock()
	c.accountLocked(w, a)
	leftovers := c.leaveLocked(w, a)
	c.mu.Unlock()
	defer c.tellDropped(leftovers, shutdown)
	if a.err != nil {
		defer c.tellFailed(a)
	}
	if a.done > 0 {
		c.room.progress()
	}
	if c.budget != nil {
		c.announce(a.now, false)
	}
	if a.gated {
		err := a.err
		if a.harmless {
			err = nil
		}
		c.guard(func() { c.opts.Gate.Done(a.ticket, a.done > 0, err) }, c.notePanic)
	}
}

// tellFailed tells the error handler of a failed attempt.
func (c *core) tellFailed(a *attempt) {
	if a.panicked != nil {
		c.tell(a.panicked)
		return
	}
	c.tell(&DeliveryError{Handler: c.opts.Name, Attempts: a.attempts, Err: a.err})
}

// accountLocked gives the records of an attempt their outcome, as far as they
// have one, and routes the one that failed.
func (c *core) accountLocked(w *worker, a *attempt) {
	begun := w.batch.close()
	a.done = min(max(a.done, 0), begun) // whatever the sink says
	if a.action == try {
		c.durations.Record(a.now.Sub(w.call.since))
	}
	c.endLocked(w)
	if w.replaced && c.phase <= draining {
		// It has taken younger records meanwhile. What w puts back must come before them.
		c.takeBackLocked(c.worker)
	}
	if w.call.forsaken {
		clear(w.batch.entries) // they must not be put back
		w.batch.entries = nil
		a.err = nil
		return
	}
	if a.done > 0 {
		outcome := &c.counts.fallback
		if a.action == try {
			outcome = &c.counts.delivered
			c.outage.succeeded(w.kind, c.opts.BatchSize)
		}
		c.settleLocked(w, a.done, outcome, a.now)
		w.attempts, w.divert = 0, false
	}
	if a.err == nil {
		return
	}
	a.attempts = w.attempts + 1
	c.result.lastErr = a.err
	c.noteErrorLocked(a.text, a.now)
	if a.panicked != nil {
		c.counts.panics++
	} else {
		c.counts.deliveryErrors++
	}
	failed := begun - a.done
	a.harmless = failed == 0 || a.permanent && a.panicked == nil
	if failed > 0 {
		c.failedLocked(w, a, failed)
	}
}

// failedLocked says what becomes of records that an attempt began and that have
// not got where they should.
func (c *core) failedLocked(w *worker, a *attempt, failed int) {
	if a.action == divert { // nobody else would take it
		c.settleLocked(w, 1, &c.counts.failed, a.now)
		w.divert = false
		return
	}
	torn := c.tornLocked()
	alone := failed == 1 || torn // else nobody knows whose fault it is
	if alone {
		w.attempts++
	}
	fallback := c.fallbackLocked() && !torn
	if torn || !alone || !a.harmless { // else it is that record's fault for sure
		c.outage.failed(a.now, torn || !fallback && !(alone && a.permanent))
	}
	switch {
	case w.kind == report && torn:
		c.report.torn = true // the rest of it comes before all else
		c.removeLocked(w, 1)
	case w.kind == report:
		next := c.report.next // a report that next cannot take must not come again at once
		c.putBackLocked(w)
		c.report.next = next
	case c.phase > draining:
		c.settleLocked(w, failed, &c.counts.failed, a.now)
	case torn:
		w.at = 0 // nothing may come before the rest of it
		c.holdLocked(w)
	case !alone:
		c.putBackLocked(w)
	case fallback:
		w.divert = true
	case a.permanent || c.exhaustedLocked(w):
		c.settleLocked(w, 1, &c.counts.failed, a.now)
	default:
		c.holdLocked(w)
	}
}

// holdLocked holds the batch's first record and puts the others back.
func (c *core) holdLocked(w *worker) {
	c.outage.hold(w.at, held{w.batch.entries[0], w.attempts, w.divert})
	c.removeLocked(w, 1)
	w.divert = false
	c.ring.Return(w.batch.entries)
	c.removeLocked(w, len(w.batch.entries))
}

// settleLocked gives the first n records of the batch the outcome that is counted
// there.
func (c *core) settleLocked(w *worker, n int, outcome *uint64, now time.Time) {
	if w.kind == report {
		c.counts.dropReports++
		c.report.torn = false
		c.removeLocked(w, n)
		return
	}
	c.notePeakLocked()
	*outcome += uint64(n)
	w.settled += n
	w.bytes += c.releaseAll(w.batch.entries[:n])
	if outcome != &c.counts.failed {
		for i := range w.batch.entries[:n] {
			c.measureLocked(&w.batch.entries[i].rec.Time, now)
		}
	}
	c.removeLocked(w, n)
	c.settledLocked()
}

// measureLocked measures how long a record took. A time without a monotonic
// reading was not taken by the log call.
func (c *core) measureLocked(t *time.Time, now time.Time) {
	if *t != t.Round(0) {
		c.latency.Record(now, now.Sub(*t))
	}
}

// leaveLocked sees to the rest of the batch: it says whether w may go on with it,
// and returns the records that are dropped because the handler has ended.
func (c *core) leaveLocked(w *worker, a *attempt) (leftovers []entry) {
	switch {
	case c.phase > draining:
		leftovers = c.dropLocked(w.batch.entries)
		c.removeLocked(w, len(w.batch.entries))
	case w.replaced:
		c.putBackLocked(w)
	default:
		a.goOn = len(w.batch.entries) > 0
	}
	return leftovers
}
