package async

import (
	"context"
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
	"github.com/asynchandler/asynchandler/internal/notify"
	"github.com/asynchandler/asynchandler/internal/panics"
	"github.com/asynchandler/asynchandler/internal/recordsize"
	"github.com/asynchandler/asynchandler/internal/ring"
	"github.com/asynchandler/asynchandler/internal/sleeper"
)

// Enqueue is Handle for handlers that wrap this one: it spares them the copy of
// a record passed by value. It may change *r and does not keep r.
func (h *Handler) Enqueue(ctx context.Context, r *slog.Record) (err error) {
	in := intake{g: h.engine}
	defer in.end(&err)
	through, size := h.fit(r)
	if through != h {
		size += known.DerivedBytes
	}
	err = in.g.enqueue(ctx, through, r, size, &in)
	in.returned = true
	return err
}

// intake is a record that Handle was given and has not returned from. Code of the user's that
// runs on the caller meanwhile may panic or end the goroutine: the record is received all the
// same, and has failed unless it has got further. Nobody may see what ReplaceAttr has not.
type intake struct {
	g        *engine
	counted  bool // it is in the queue, or its end is counted where that is known
	returned bool
}

// end is deferred by who gives the record to the engine.
func (i *intake) end(err *error) {
	if i.returned {
		return
	}
	g, counted := i.g, i.counted
	value := recover()
	if counted {
		g.sleeper.WakeUp() // it may have come to that only now
	} else {
		g.locked(func() {
			g.accounts.ledger.Direct++
			g.accounts.ledger.Failed++
		})
	}
	if counted && value == nil {
		return // who ended the goroutine has told, if it was next
	}
	p := panics.New(g.opts.Name, value)
	g.notePanic(p)
	g.tell.error(p)
	*err = p
}

// fit makes r ready to wait, and cuts it if it is too large. It returns the handler that r is
// to be delivered through, and the size of what is kept.
func (h *Handler) fit(r *slog.Record) (*Handler, int64) {
	h, size, whole := h.prepare(r)
	if limit := h.engine.maxSize; limit > 0 && size > limit && whole {
		recordsize.Truncate(r, limit, h.shownText)
		size = recordsize.Of(r)
	}
	return h, size
}

// shownText returns the text of a value that is cut.
func (h *Handler) shownText(x any) string { return capture.ShownText(x, h.values.format) }

// prepare makes r ready to wait. It returns the handler that r is to be delivered through, the size
// of what is kept, and false if that is cut to fit already.
func (h *Handler) prepare(r *slog.Record) (through *Handler, size int64, whole bool) {
	v := &h.values
	if v.captures && !v.preformat && v.replace == nil { // the way of most handlers
		return h, capture.Sized(r, v.format), true
	}
	if size, plain := recordsize.OfPlain(r); plain && !v.everyRecord() {
		return h, size, true
	}
	through, size = h.capture(r)
	return through, size, !v.preformat
}

// enqueue puts the record into the ring. This is the log call: every caller pays
// for what is done here.
func (g *engine) enqueue(ctx context.Context, h *Handler, r *slog.Record, size int64, in *intake) error {
	if g.rare {
		return g.enqueueRare(ctx, h, r, size, in)
	}
	if g.budget != nil && !g.budget.TryAcquire(size) {
		return g.admission.enqueueSlow(ctx, h, r, &request{level: r.Level, size: size}, in)
	}
	pos, e, status := g.ring.Reserve()
	if status != ring.Reserved {
		return g.admission.enqueueSlow(ctx, h, r, &request{level: r.Level, size: size, acquired: true}, in)
	}
	in.counted = true
	g.put(pos, e, ctx, h, r, size)
	g.follow(pos, r.Level)
	return nil
}

// enqueueRare is enqueue for handlers with options that few have.
func (g *engine) enqueueRare(ctx context.Context, h *Handler, r *slog.Record, size int64, in *intake) error {
	if g.opts.ContextFunc != nil {
		ctx = g.opts.ContextFunc(ctx)
	}
	q := &request{level: r.Level, size: size}
	awaited := g.opts.SyncLevel != nil && r.Level >= g.opts.SyncLevel.Level() && !g.callers.within()
	if !awaited {
		return g.admission.enqueueSlow(ctx, h, r, q, in)
	}
	b := &barrier{sync: true}
	if !g.barriers.add(b) {
		return g.admission.enqueueSlow(ctx, h, r, q, in)
	}
	defer g.barriers.remove(b)
	err := g.admission.enqueueSlow(ctx, h.awaitedBy(b), r, q, in)
	if err == nil {
		g.sleeper.WakeUp()
		g.barriers.awaitOutcome(b)
	}
	return err
}

// put fills the reserved slot and hands it over.
func (g *engine) put(pos uint64, e *entry, ctx context.Context, h *Handler, r *slog.Record, size int64) {
	if !h.values.noContext {
		e.ctx = ctx
	}
	e.h = h
	e.size = size
	e.rec = *r
	g.ring.Publish(pos)
}

// follow sees to what follows from a record in the ring.
func (g *engine) follow(pos uint64, level slog.Level) {
	if g.lingers && g.urgent(level) {
		g.hurry(pos)
	} else if g.sleep.Load() != sleeper.Awake {
		g.wakeFor(pos, level)
	}
	if g.highWater > 0 {
		g.tellHighWater(g.reachedHighWater(pos))
	}
}

// reachedHighWater returns Depth if the record at pos, just published, made it reach the
// mark, else 0.
func (g *engine) reachedHighWater(pos uint64) (depth int) {
	depth = int(int64(pos + 1 - g.outcomes.Load())) // negative if records behind this one have their outcome already
	if depth < int(g.highWater) || g.alerted.Load() || !g.alerted.CompareAndSwap(false, true) {
		return 0
	}
	return depth
}

// tellHighWater has OnHighWater called if depth says that the mark was reached.
func (g *engine) tellHighWater(depth int) {
	if depth > 0 {
		g.tell.queue.Add(notify.All, func() { g.opts.OnHighWater(depth, g.ring.Cap()) })
	}
}
