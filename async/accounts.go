package async

import (
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/latency"
	"github.com/asynchandler/asynchandler/internal/ledger"
)

// accounts are the books on what became of records, and on how it went.
type accounts struct {
	g         *engine
	refusedAt atomic.Uint64 // position behind the first of the refused records that the report does not know, plus one

	// Guarded by engine.mu.
	ledger    ledger.Ledger
	counts    counts
	report    dropReport
	latency   latency.Histogram
	durations latency.Cumulative
	health    health
}

func (c *accounts) init(g *engine) { c.g, c.report.last = g, g.began }

// notePeakLocked must be called before anything is removed: in between, depth
// only grows.
func (c *accounts) notePeakLocked() {
	g := c.g
	depth := g.depthLocked(g.ring.Tail())
	c.ledger.Peak = max(c.ledger.Peak, depth)
	c.health.noteFill(depth, g.ring.Cap())
}

// outcomeLocked is called for each record that has its outcome.
func (c *accounts) outcomeLocked(e *entry) {
	g := c.g
	if g.phase == finished { // it never was in the queue
		g.directDoneLocked()
	}
	g.freed += e.size
	if b := e.h.awaited; b != nil && !b.ripe {
		g.barriers.passLocked(b, nil)
	}
}

// measureLocked measures how long a record took. A time without a monotonic
// reading was not taken by the log call.
func (c *accounts) measureLocked(t *time.Time, now time.Time) {
	if *t != t.Round(0) {
		c.latency.Record(now, now.Sub(*t))
	}
}

// settledLocked must be called after records got their outcome.
func (c *accounts) settledLocked() {
	g := c.g
	tail := g.ring.Tail()
	depth := uint64(g.depthLocked(tail))
	c.health.noteFill(int(depth), g.ring.Cap())
	if g.highWater == 0 {
		return
	}
	g.outcomes.Store(tail - depth)
	if depth < (g.highWater+1)/2 {
		g.alerted.Store(false)
	}
}

// reportDueLocked tells whether a drop report should come before the next record,
// and if not, how many records should at most come before it.
func (c *accounts) reportDueLocked(now time.Time, limit int) (due bool, before int) {
	d := &c.report
	if !c.reportsLocked() || now.Before(d.next) {
		return false, limit
	}
	head, side := c.g.ring.Head(), c.g.ring.SideLen()
	if d.gap > head {
		return false, int(min(uint64(limit), uint64(side)+d.gap-head))
	}
	return true, limit
}

// reportsLocked reports whether there are drops that next should hear of.
func (c *accounts) reportsLocked() bool {
	g := c.g
	c.noteRefusedLocked()
	return c.report.open && g.opts.DropReports >= 0 && !g.course.Troubled() && g.busy[toNext] == nil
}

// finalReportDueLocked reports whether a report is to be delivered although there is no
// record left that it could go with.
func (c *accounts) finalReportDueLocked() bool {
	g := c.g
	return !c.report.final && g.depthLocked(g.ring.Tail())+g.course.Len()-g.course.Stored() == 0 && c.reportsLocked()
}

// noteRefusedLocked notes drops that were counted without the lock.
func (c *accounts) noteRefusedLocked() {
	if c.refusedAt.Load() > 0 {
		c.report.noteLocked(c.refusedAt.Swap(0) - 1)
	}
	if c.report.open {
		_, all := c.ledger.Balance(0)
		c.report.open = all != c.report.told // a report may have come between a count and its note
	}
}

// health is since when there is something wrong. Guarded by engine.mu.
type health struct {
	fullSince    time.Time // nine tenths of the queue are full
	refusedSince time.Time // the gate has said no, and no try has succeeded since then
	failingSince time.Time // the last try failed
	closedSince  time.Time
}

// noteRefused notes that the gate said no.
func (h *health) noteRefused(now time.Time) {
	since(&h.refusedSince, true, func() time.Time { return now })
}

// noteFill is called when the depth may have changed.
func (h *health) noteFill(depth, capacity int) {
	since(&h.fullSince, depth*10 >= capacity*9, time.Now)
}

// since keeps in t since when something is so.
func since(t *time.Time, is bool, now func() time.Time) {
	switch {
	case !is:
		*t = time.Time{}
	case t.IsZero():
		*t = now()
	}
}
