package async

import (
	"context"
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/ledger"
)

// letter is a dropped record that OnDrop is still to be called with.
type letter struct {
	entry  entry
	reason DropReason
}

// refuse counts a record that is not taken, and returns the error that says so.
func (c *accounts) refuse(ctx context.Context, h *Handler, r *slog.Record, reason ledger.Reason) error {
	c.count(reason, r.Level)
	if c.g.opts.OnDrop != nil {
		c.g.tellDropped([]letter{{newEntry(ctx, h, r, 0), reasons[reason]}})
	}
	if reason == closed {
		return ErrClosed
	}
	return ErrDropped
}

// count counts a record that never was in the queue as dropped.
func (c *accounts) count(reason ledger.Reason, level slog.Level) {
	c.ledger.Refuse(reason, level)
	c.refusedAt.CompareAndSwap(0, c.g.ring.Tail()+1)
}

// dropLocked counts a record that was in the queue as dropped, and adds it to those that
// OnDrop gets.
func (c *accounts) dropLocked(letters []letter, e *entry, reason ledger.Reason) []letter {
	c.ledger.Evicted.Count(reason, e.rec.Level)
	c.outcomeLocked(e)
	if c.g.opts.OnDrop != nil {
		letters = append(letters, letter{*e, reasons[reason]})
	}
	return letters
}

// tellDropped calls OnDrop for each letter, but for what a call from within OnDrop drops:
// that could go on for ever.
func (g *engine) tellDropped(letters []letter) {
	if len(letters) == 0 || g.callers.droppers.Here() {
		return
	}
	defer g.callers.droppers.Enter()()
	for _, l := range letters {
		g.tellLetter(&l)
	}
}

func (g *engine) tellLetter(l *letter) {
	g.guard(func() { g.opts.OnDrop(l.entry.context(), l.entry.h.trail.whole(l.entry.rec), l.reason) }, g.notePanic)
}
