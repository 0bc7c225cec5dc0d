package async

import "time"

// call is one call of the sink, the fallback or their Flush that is watched.
// Guarded by core.mu.
type call struct {
	running  bool
	stalled  bool
	fallback bool
	forsaken bool // its records have their outcome already
	since    time.Time
	timer    *time.Timer // of the watch; armed while running
	seen     int64       // records begun at the last look
	moved    time.Time   // when one began last, as far as looks can tell
}

// beginLocked notes that w makes a call in which the first n records of its batch
// may begin.
func (c *core) beginLocked(w *worker, n int, fallback bool) {
	w.batch.open(n)
	now := time.Now()
	w.call = call{running: true, fallback: fallback, since: now, moved: now, seen: 1, timer: w.call.timer}
	c.calling = append(c.calling, w)
	if c.opts.StallTimeout < 0 {
		return
	}
	if w.call.timer == nil {
		w.call.timer = time.AfterFunc(c.opts.StallTimeout/4, func() { c.look(w) })
	} else {
		w.call.timer.Reset(c.opts.StallTimeout / 4)
	}
}

// endLocked notes that the call has returned.
func (c *core) endLocked(w *worker) {
	if w.call.timer != nil {
		w.call.timer.Stop()
	}
	w.call.running = false
	for i, other := range c.calling {
		if other == w {
			c.calling = append(c.calling[:i], c.calling[i+1:]...)
			break
		}
	}
	if w.call.stalled {
		*c.stuckLocked(w)--
		c.outage.bypass = time.Time{}
		c.poke() // the worker may hold because of this call
	}
}

// stuckLocked is the count that a stalled call of w is in.
func (c *core) stuckLocked(w *worker) *int {
	if w.call.fallback {
		return &c.outage.stuckFallback
	}
	return &c.outage.stuck
}

// look looks whether the call of w still gets on. A sink that loops over many
// short calls does, as long as it begins records: so a hang is noticed after
// StallTimeout, or up to a quarter later if the call did get on before.
func (c *core) look(w *worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !w.call.running || w.call.stalled || c.phase > draining {
		return
	}
	now := time.Now()
	if begun := w.batch.begun.Load() &^ taken; begun > w.call.seen {
		w.call.seen, w.call.moved = begun, now
	}
	age := now.Sub(w.call.moved)
	if left := c.opts.StallTimeout - age; left > 0 {
		w.call.timer.Reset(min(left, c.opts.StallTimeout/4))
		return
	}
	c.stallLocked(w, now, age)
}

// stallLocked gives up on the call of w for now: who was called counts as broken
// until it returns, and a new worker does what can be done without.
func (c *core) stallLocked(w *worker, now time.Time, age time.Duration) {
	err := &StallError{Handler: c.opts.Name, Age: age}
	c.counts.stalls++
	c.noteErrorLocked(err.Error(), now)
	c.takeBackLocked(w)
	*c.stuckLocked(w)++
	w.call.stalled, w.replaced = true, true
	if w.call.fallback {
		c.forsakeLocked(w)
	}
	c.spawnLocked(err, c.opts.Gate != nil && !w.call.fallback)
}

// forsakeLocked accounts for the records of a call into the fallback that hangs:
// it has taken all but the last one it began, and nobody else takes that.
func (c *core) forsakeLocked(w *worker) {
	w.call.forsaken = true
	n := len(w.batch.entries)
	if n == 0 {
		return // the goroutine got no time to begin one
	}
	c.notePeakLocked()
	c.counts.fallback += uint64(n - 1)
	c.counts.failed++
	c.hands -= n
	c.releaseAll(w.batch.entries)
	c.settledLocked()
}
