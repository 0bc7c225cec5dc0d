package async

import "time"

// worker is one goroutine that delivers. There is one at a time, and beside it at
// most those stuck in a call that counts as an outage: another took their place.
type worker struct {
	core    *core
	timer   *time.Timer // of naps and holds
	short   bool        // a nap to take before it parks
	long    bool        // another one, after that
	last    time.Time   // end of the last delivery
	yielded time.Time   // to goroutines that are ready to run
	settled int         // records that got their outcome in it
	bytes   int64       // of these
	quick   bool        // that was short, and there was no nap since
	trip    bool        // it has to trip the gate first
	news    error       // what to tell the error handler then

	// Guarded by core.mu. The records of the batch that have begun belong to the
	// goroutine while it is inside a call.
	batch    Batch
	memory   []entry // of batch
	kind     kind
	at       int  // place among those held that the batch's record has
	attempts int  // failures so far of the batch's first record
	divert   bool // that record goes to the fallback, next has refused it
	call     call
	replaced bool // ends when its call returns
}

// kind is where a batch came from.
type kind uint8

const (
	fresh  kind = iota // the ring
	retry              // the oldest record that next refused
	behind             // one behind that, which goes ahead to tell whose fault it is
	report             // made by the handler
)

func (c *core) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spawnLocked(nil, false)
}

func (c *core) spawnLocked(news error, trip bool) {
	c.worker = &worker{core: c, news: news, trip: trip}
	go c.worker.run()
}

// run is the worker's goroutine.
func (w *worker) run() {
	c := w.core
	workerEntry.Store(outermost())
	defer c.workers.enter()()
	ended := false
	defer func() {
		if !ended { // code of the user's called runtime.Goexit
			c.succeed(w)
		}
	}()
	w.timer = time.NewTimer(time.Hour)
	w.timer.Stop()
	if w.trip {
		c.opts.Gate.Trip()
	}
	if w.news != nil {
		c.tell(w.news)
	}
	for c.step(w) {
	}
	ended = true
}

// succeed starts a worker in the place of one that ends early.
func (c *core) succeed(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leftLocked(w) {
		c.putBackLocked(w)
		c.spawnLocked(nil, false)
	}
}

// leftLocked reports whether w has nothing to do any more.
func (c *core) leftLocked(w *worker) bool { return w.replaced || c.phase > draining }

// step does one thing: deliver, wait or sleep. It reports false when there is
// nothing left to do.
func (c *core) step(w *worker) (more bool) {
	if c.waiters.Load() > 0 {
		c.serveBarriers(w)
	}
	c.mu.Lock()
	if c.leftLocked(w) {
		c.mu.Unlock()
		return false
	}
	if c.sparseLocked(w) {
		c.mu.Unlock()
		c.nap(w, 0)
		return true
	}
	some := c.fillLocked(w)
	drained := !some && c.drainedLocked()
	bypassed, torn := c.bypassedLocked(), c.report.torn
	c.mu.Unlock()
	switch {
	case drained:
		return c.finish(w)
	case some && w.kind == report && !torn && !c.wantsReports():
		c.mu.Lock()
		c.removeLocked(w, len(w.batch.entries)) // none if a caller made w put it back
		c.mu.Unlock()
	case some:
		began := time.Now()
		c.announce(began, false)
		w.settled, w.bytes = 0, 0
		for c.deliver(w) {
		}
		w.delivered(began)
		c.yield(w)
	default:
		c.rest(w, bypassed)
	}
	return true
}

// urgent is the size of a batch while callers wait for room and deliveries take long:
// where CPU time is short the worker shows sooner that it is not stalled.
const urgent = 64

// fillLocked gives w its next batch and reports whether there was one.
func (c *core) fillLocked(w *worker) bool {
	limit := c.opts.BatchSize
	if c.outage.limit > 0 {
		limit = min(limit, c.outage.limit)
	}
	if c.room.waiting.Load() > 0 && !w.quick {
		limit = min(limit, urgent)
	}
	due, limit := c.reportDueLocked(limit)
	w.attempts, w.divert = 0, false
	switch {
	case c.report.torn && c.bypassedLocked() == 0:
		w.kind = report
		w.batch.entries = append(w.memory[:0], entry{h: c.root}) // the sink has what it says
		return true
	case due:
		w.kind = report
		w.batch.entries = append(w.memory[:0], entry{h: c.root, rec: c.reportLocked(time.Now())})
		return true
	case len(c.outage.held) > 0 && c.bypassedLocked() == 0:
		c.fillHeldLocked(w)
	default:
		w.kind, w.at = fresh, 0
		c.outage.ahead, c.outage.proven = false, false
		c.takeLocked(w, limit)
	}
	return len(w.batch.entries) > 0
}

// takeLocked takes up to n records from the ring.
func (c *core) takeLocked(w *worker, n int) {
	c.notePeakLocked()
	w.batch.entries = c.ring.Take(w.memory[:0], n)
	w.memory = w.batch.entries[:0]
	c.hands += len(w.batch.entries)
}

// removeLocked lets go of the first n records of the batch, which have their
// outcome or are elsewhere now.
func (c *core) removeLocked(w *worker, n int) {
	clear(w.batch.entries[:n])
	w.batch.entries = w.batch.entries[n:]
	if w.kind != report {
		c.hands -= n
	}
}

// putBackLocked returns what w has in its hands and no sink has begun to where it
// came from. There it can be evicted.
func (c *core) putBackLocked(w *worker) {
	entries := w.batch.entries
	if len(entries) == 0 {
		return
	}
	switch {
	case w.kind == report:
		if !c.report.torn {
			c.report = *c.report.undo
		}
	case w.kind != fresh || w.divert:
		c.holdLocked(w)
		return
	default:
		c.ring.Return(entries)
	}
	c.removeLocked(w, len(entries))
}

// takeBackLocked returns what w has in its hands and has not begun to where it
// came from, also while w is inside a call.
func (c *core) takeBackLocked(w *worker) {
	n := 0
	if w.call.running {
		n = w.batch.close()
	}
	w.divert = w.divert && n == 0 // that is about the first record only
	begun, all := w.batch.entries[:n], w.batch.entries
	w.batch.entries = all[n:]
	c.putBackLocked(w)
	if w.call.running {
		w.batch.entries = begun
	}
}
