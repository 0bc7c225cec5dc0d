package async

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/claims"
)

// Handler is a [slog.Handler] that puts records into a bounded queue and returns;
// one worker delivers them to next. Create it with [New] and end it with
// [Handler.Close] or [Handler.Shutdown]. The zero Handler is not usable.
//
// Handlers derived with WithAttrs and WithGroup share the queue and the worker:
// Flush, Shutdown, Close and Stats of any of them concern all.
//
// All methods may be called concurrently.
type Handler struct {
	engine   *engine
	next     slog.Handler
	fallback slog.Handler // nil if there is none
	awaited  *barrier     // who waits for the outcome of the one record that has this handler
	values   values
	groups   []string // opened by WithGroup, for ReplaceAttr
	trail    *trail   // what it adds to its records, for OnDrop
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that delivers to next, and starts its worker. It panics
// if next is nil or an option is out of its range.
func New(next slog.Handler, opts Options) (h *Handler) {
	if next == nil {
		panic("async: New: next is nil")
	}
	opts = opts.withDefaults()
	check("Spool", "that of another handler", claims.Take(opts.Spool))
	defer func() {
		if h == nil { // code of the user's ended the goroutine
			claims.Release(opts.Spool)
		}
	}()
	g := newEngine(opts)
	h = &Handler{engine: g, next: next, fallback: g.opts.Fallback, values: newValues(next, &g.opts)}
	reporter := &Handler{engine: g, next: next}
	if h.values.replace != nil {
		reporter.next = replacing{next, h}
	}
	g.reporter, g.disk.root = reporter, h
	g.spawn(nil)
	return h
}

// Enabled reports whether next handles records of that level. It asks next on the
// caller.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle puts the record into the queue and returns nil, or [ErrDropped] or
// [ErrClosed] if this very record was refused. What next says of it later goes to
// [Options.ErrorHandler]. Handle ignores cancellation of ctx, except while it waits for
// room under [Block]; see [Options.BlockTimeout]. A panic of ReplaceAttr, ContextFunc, a
// level or the budget is returned as a [*PanicError]: the record has failed, unless it is in
// the queue already.
//
// After a shutdown that delivered everything, records go straight to next, one
// at a time, and next's error is returned.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	return h.Enqueue(ctx, &r)
}

// WithAttrs returns a handler on the same queue and worker whose records have
// these attributes too. They reach next at once, on the caller. Without
// attributes it returns h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	d := h.Derived(attrs)
	return &d
}

// Derived is WithAttrs for handlers that wrap this one: it spares them an object, as the
// result can be a part of theirs.
func (h *Handler) Derived(attrs []slog.Attr) Handler {
	forNext, forOthers := h.captureOwn(attrs)
	d := *h
	d.next = h.next.WithAttrs(forNext)
	if h.fallback != nil {
		d.fallback = h.fallback.WithAttrs(forOthers)
	}
	if h.values.trails {
		d.trail = &trail{before: h.trail, attrs: forOthers}
	}
	return d
}

// WithGroup returns a handler on the same queue and worker that puts what
// follows into a group. The name reaches next at once, on the caller. For ""
// it returns h.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	if h.values.format&capture.Copy != 0 {
		name = strings.Clone(name)
	}
	d := *h
	d.next = h.next.WithGroup(name)
	if h.fallback != nil {
		d.fallback = h.fallback.WithGroup(name)
	}
	if h.values.trails {
		d.trail = &trail{before: h.trail, group: name}
	}
	d.groups = append(slices.Clip(h.groups), name)
	return &d
}

// awaitedBy returns h for a record whose outcome somebody waits for.
func (h *Handler) awaitedBy(b *barrier) *Handler {
	a := *h
	a.awaited = b
	return &a
}

// Flush waits until every record received before the call has its outcome and the
// [Sink] is flushed, if it is a [Flusher], and returns the error of that. When ctx
// ends first it returns the context's error; called by next, a callback on the worker
// or a shutdown function, [ErrReentrant]; on an ended handler with records still stuck
// inside next, [ErrClosed]. A record in [Options.Spool] has its outcome.
func (h *Handler) Flush(ctx context.Context) error { return h.engine.barriers.flush(ctx) }

// Shutdown stops the handler: it delivers what waits, flushes, runs
// [Options.OnShutdown], and returns nil if all went well. Records logged from
// the call on are refused with [ErrClosed]; see [Handler.Handle] for those after
// the end. Callers waiting for room return ErrClosed.
//
// When ctx ends first, the records that next was not given are dropped, and the
// error has a [*ShutdownError] that counts them and those stuck inside next. The
// shutdown functions still run, with the ended ctx; one that does not return
// then is left behind. An ended ctx is the immediate mode,
// [context.Background] waits for ever.
//
// Meanwhile [Options.Gate] is not asked: next is tried at the pace of retries. The
// first ctx to end ends the drain for all callers. Each returns after the drain, with
// the same error; so does a call on an ended handler. Called by next, a callback on the
// worker or a shutdown function it returns [ErrReentrant].
func (h *Handler) Shutdown(ctx context.Context) error { return h.engine.ending.shutdown(ctx) }

// Close is Shutdown bounded by [Options.CloseTimeout]. It may be called again.
func (h *Handler) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), h.engine.opts.CloseTimeout)
	defer cancel()
	return h.engine.ending.shutdown(ctx)
}

// Stats returns a snapshot. The record counters and Depth are of the same moment, what
// the budget, the gate and the sink tell of one right after. It waits for no delivery.
func (h *Handler) Stats() Stats { return h.engine.accounts.stats() }

// Health returns nil, or a [*HealthError] that says what is wrong with the handler: its
// gate refuses next while records wait, a call hangs, the oldest record has been failing
// for 30 s, nine tenths of the queue are full, the spool is broken, or the handler is
// closed. It waits for nothing. It is not meant for the readiness of a service that can
// live without its log.
func (h *Handler) Health() error { return h.engine.accounts.unhealthy() }

// AskGate makes the worker ask [Options.Gate] again now, instead of after the time
// that the gate named: call it after closing a breaker by hand.
func (h *Handler) AskGate() {
	g := h.engine
	if within := g.callers.delivering(); !within { // else a breaker that is reset whenever it opens would know no pause
		g.locked(g.course.Wake)
	}
	g.sleeper.Poke()
}

// Report counts a panic in code of the user's that [Options.Gate] calls, and tells the
// error handler of it. An error that is no [*PanicError] is told only.
func (h *Handler) Report(err error) {
	g := h.engine
	if p, ok := errors.AsType[*PanicError](err); ok {
		p.Handler = g.opts.Name
		g.notePanic(p)
	}
	g.tell.error(err)
}

// Reentrant reports whether the caller is called, directly or not, by next, by a
// callback or by a shutdown function, so that Flush, Shutdown and Close would return
// [ErrReentrant].
func (h *Handler) Reentrant() bool { return h.engine.callers.within() }
