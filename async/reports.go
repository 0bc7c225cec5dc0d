package async

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/ledger"
)

// dropReport knows which drops the sink was not told of yet. Guarded by engine.mu.
type dropReport struct {
	told  ledger.Drops // in reports so far, the one under way included
	gap   uint64       // position of the ring at which records are missing
	open  bool         // there are drops that were not reported
	last  time.Time    // of the last report, at first of the start
	next  time.Time    // of the next one, at the earliest
	undo  *dropReport  // as it was before the one under way
	final bool         // the one at the end of the shutdown was begun
}

// noteLocked is called after drops; records are missing before position gap.
func (d *dropReport) noteLocked(gap uint64) {
	if !d.open {
		d.open, d.gap = true, gap
	}
}

// undone is called when next did not take the report under way. It must not come again at
// once, and in a shutdown, which waits for it, not at all.
func (d *dropReport) undone(last bool) {
	next := d.next
	*d = *d.undo
	d.next = next
	if last {
		d.open = false
	}
}

// reportLocked makes the drop report, and forgets what it says.
func (c *accounts) reportLocked(now time.Time) slog.Record {
	_, all := c.ledger.Balance(0)
	news := all.Sub(&c.report.told)
	rec := slog.NewRecord(now, slog.LevelWarn, "log records dropped", 0)
	rec.AddAttrs(
		slog.String("handler", c.g.opts.Name),
		slog.Uint64("count", news.Total()),
		slog.Time("since", c.report.last),
		slog.GroupAttrs("reasons", reasonAttrs(&news)...),
		slog.GroupAttrs("levels", levelAttrs(&news)...),
	)
	before := c.report
	before.undo = nil
	c.report.undo, c.report.told = &before, all
	c.report.last, c.report.next, c.report.open = now, now.Add(c.g.opts.DropReports), false
	return rec
}

func reasonAttrs(d *ledger.Drops) (attrs []slog.Attr) {
	for r, byLevel := range d {
		var count uint64
		for _, n := range byLevel {
			count += n
		}
		if count > 0 {
			attrs = append(attrs, slog.Uint64(string(reasons[r]), count))
		}
	}
	return attrs
}

func levelAttrs(d *ledger.Drops) []slog.Attr {
	return slices.Collect(func(yield func(slog.Attr) bool) {
		for l, level := range ledger.Levels {
			var count uint64
			for r := range d {
				count += d[r][l]
			}
			if count > 0 && !yield(slog.Uint64(level.String(), count)) {
				return
			}
		}
	})
}

// wantsReports asks next whether it handles drop reports at all.
func (c *accounts) wantsReports() (yes bool) {
	c.g.aside(func() { yes = c.g.reporter.Enabled(context.Background(), slog.LevelWarn) })
	return yes
}

// deliverReport gives a drop report to next, if that wants it.
func (w *worker) deliverReport(p *plan) {
	g := w.engine
	begun := false
	defer func() { // also if next ends the goroutine when it is asked
		if !begun && p.gated && !p.probe {
			g.settleTicket(p.ticket, false, nil)
		}
	}()
	wanted := g.accounts.wantsReports()
	begun = w.callNext(func(now time.Time) bool {
		report := g.accounts.reportLocked(now)
		if wanted {
			w.report = true
			w.batch.first = 0 // older than all records
			w.batch.fresh = append(w.batch.fresh, entry{h: g.reporter, rec: report})
		}
		return wanted
	})
	if begun {
		p.Act = course.Try
		w.attempt(p)
	}
}
