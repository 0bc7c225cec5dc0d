package async

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/goid"
)

func (d *dropCounts) count(reason int, level slog.Level) { d[reason][levelIndex(level)]++ }

// refuse counts a record that is not taken, and returns the error that says so.
func (c *core) refuse(ctx context.Context, h *Handler, r *slog.Record, reason int) error {
	c.mu.Lock()
	c.refused.count(reason, r.Level)
	c.report.noteLocked(c.ring.Tail())
	c.mu.Unlock()
	if c.opts.OnDrop != nil {
		c.tellDropped([]entry{{ctx: ctx, rec: *r, h: h}}, reason)
	}
	if reason == closed {
		return ErrClosed
	}
	return ErrDropped
}

// letters are the dropped records that OnDrop is still to be called with, for each
// goroutine that is calling it: one that is dropped by what OnDrop logs waits for its
// turn.
type letters struct {
	n  atomic.Int32 // goroutines
	mu sync.Mutex
	by map[uint64][]letter
}

type letter struct {
	entry  entry
	reason DropReason
}

// here reports whether the calling goroutine is in OnDrop.
func (l *letters) here() bool {
	if l.n.Load() == 0 {
		return false
	}
	id := goid.ID()
	l.mu.Lock()
	defer l.mu.Unlock()
	_, yes := l.by[id]
	return yes
}

// add adds letters and reports whether the goroutine is to begin calling OnDrop.
func (l *letters) add(id uint64, entries []entry, reason DropReason) (begin bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = make(map[uint64][]letter)
	}
	list, calling := l.by[id]
	for _, e := range entries {
		if !e.h.quiet {
			list = append(list, letter{e, reason})
		}
	}
	if len(list) == 0 && !calling {
		return false
	}
	if l.by[id] = list; !calling {
		l.n.Add(1)
	}
	return !calling
}

func (l *letters) next(id uint64) (next letter, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.by[id]
	if len(list) == 0 {
		return next, false
	}
	l.by[id] = list[1:]
	return list[0], true
}

func (l *letters) end(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.by, id)
	l.n.Add(-1)
}

// tellDropped calls OnDrop for each entry, except for what was logged from within
// OnDrop: that could go on for ever.
func (c *core) tellDropped(entries []entry, reason int) {
	if len(entries) == 0 || c.opts.OnDrop == nil {
		return
	}
	id := goid.ID()
	if !c.letters.add(id, entries, reasons[reason]) {
		return
	}
	defer c.letters.end(id)
	for {
		l, ok := c.letters.next(id)
		if !ok {
			return
		}
		c.guard(func() { c.opts.OnDrop(l.entry.context(), l.entry.rec.Clone(), l.reason) }, c.notePanic)
	}
}

// dropReport knows which drops the sink was not told of yet. Guarded by mu.
type dropReport struct {
	told dropCounts  // drops in reports so far, the one under way included
	gap  uint64      // position of the ring at which records are missing
	open bool        // there are drops that were not reported
	last time.Time   // of the last report, at first of the start
	next time.Time   // of the next one, at the earliest
	undo *dropReport // as it was before the one under way
	torn bool        // the writer took a part of the last one
}

// noteLocked is called after drops; records are missing before position gap.
func (d *dropReport) noteLocked(gap uint64) {
	if !d.open {
		d.open, d.gap = true, gap
	}
}

// dropLocked counts waiting records as dropped by the shutdown, and returns copies of
// them for OnDrop.
func (c *core) dropLocked(entries []entry) (dropped []entry) {
	for i := range entries {
		c.evicted.count(shutdown, entries[i].rec.Level)
	}
	c.releaseAll(entries)
	if c.opts.OnDrop != nil {
		dropped = slices.Clone(entries)
	}
	return dropped
}

// reportDueLocked tells whether a drop report should come before the next record,
// and if not, how many records should at most come before it.
func (c *core) reportDueLocked(limit int) (due bool, before int) {
	d := &c.report
	if !d.open || c.opts.DropReports < 0 || c.outage.failures+c.outage.stuck > 0 {
		return false, limit
	}
	if final := c.drainedLocked(); !final {
		if time.Now().Before(d.next) {
			return false, limit
		}
		head, side := c.ring.Head(), c.ring.SideLen()
		if d.gap > head {
			return false, int(min(uint64(limit), uint64(side)+d.gap-head))
		}
		if c.ring.Len() == 0 {
			return false, limit // it goes with the next record
		}
	}
	return true, limit
}

// wantsReports asks next whether it handles drop reports at all.
func (c *core) wantsReports() (yes bool) {
	c.guard(func() { yes = c.root.Enabled(context.Background(), slog.LevelWarn) }, c.notePanic)
	return yes
}

// reportLocked makes the drop report, and forgets what it says.
func (c *core) reportLocked(now time.Time) slog.Record {
	all := c.refused
	all.add(&c.evicted)
	var total uint64
	byReason, byLevel := []slog.Attr(nil), make([]uint64, len(levels))
	for r := range all {
		var count uint64
		for l := range all[r] {
			n := all[r][l] - c.report.told[r][l]
			count += n
			byLevel[l] += n
		}
		if count > 0 {
			byReason = append(byReason, slog.Uint64(string(reasons[r]), count))
			total += count
		}
	}
	perLevel := slices.Collect(func(yield func(slog.Attr) bool) {
		for l, count := range byLevel {
			if count > 0 && !yield(slog.Uint64(levels[l].String(), count)) {
				return
			}
		}
	})
	rec := slog.NewRecord(now, slog.LevelWarn, "log records dropped", 0)
	rec.AddAttrs(
		slog.String("handler", c.opts.Name),
		slog.Uint64("count", total),
		slog.Time("since", c.report.last),
		slog.GroupAttrs("reasons", byReason...),
		slog.GroupAttrs("levels", perLevel...),
	)
	before := c.report
	before.undo = nil
	c.report.undo, c.report.told = &before, all
	c.report.last, c.report.next, c.report.open = now, now.Add(c.opts.DropReports), false
	return rec
}
