package async

import "time"

// failingFor is how long the oldest record may fail before the handler is not well.
const failingFor = 30 * time.Second

// unhealthy is Handler.Health.
func (c *accounts) unhealthy() (err error) {
	g := c.g
	state := ""
	if o, ok := g.opts.Gate.(ObservableGate); ok {
		g.guard(func() { state = o.Stats().State }, g.notePanic)
	}
	g.locked(func() {
		if reason, since := c.reasonLocked(state, time.Now()); reason != "" {
			err = &HealthError{Handler: g.opts.Name, Reason: reason, Since: since}
		}
	})
	return err
}

// reasonLocked says what is wrong.
func (c *accounts) reasonLocked(breaker string, now time.Time) (reason string, since time.Time) {
	g := c.g
	depth := g.depthLocked(g.ring.Tail())
	c.health.noteFill(depth, g.ring.Cap())
	if g.phase != running {
		return "closed", c.health.closedSince
	}
	for _, w := range g.busy {
		if w != nil && w.call.stalled {
			return "a call hangs", w.call.since
		}
	}
	waiting := depth + g.disk.waiting
	switch h := &c.health; {
	case !g.disk.broken.IsZero():
		return "the spool is broken", g.disk.broken
	case (breaker == "open" || breaker == "half-open") && waiting > 0 && !h.refusedSince.IsZero():
		return "the breaker is open and records wait", h.refusedSince
	case g.course.Troubled() && waiting > 0 && now.Sub(h.failingSince) >= failingFor:
		return "the oldest record cannot be delivered", h.failingSince
	case !h.fullSince.IsZero():
		return "nine tenths of the queue are full", h.fullSince
	}
	return "", since
}

// brokenLocked reports whether the last call into the spool failed, or one hangs.
func (d *disk) brokenLocked() bool {
	w := d.g.busy[toSpool]
	return !d.broken.IsZero() || w != nil && w.call.stalled
}
