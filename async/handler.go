package async

import (
	"context"
	"log/slog"
	"time"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/recordsize"
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
	core     *core
	next     slog.Handler
	fallback slog.Handler // nil if there is none
	quiet    bool         // for records that OnDrop logs: they are not given to it
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that delivers to next, and starts its worker. It panics
// if next is nil or an option is out of its range.
func New(next slog.Handler, opts Options) *Handler {
	if next == nil {
		panic("async: New: next is nil")
	}
	c := newCore(opts.withDefaults())
	h := &Handler{core: c, next: next, fallback: c.opts.Fallback}
	c.root = h
	c.start()
	return h
}

// Enabled reports whether next handles records of that level. It asks next on the
// caller.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle puts the record into the queue and returns nil, or [ErrDropped] or
// [ErrClosed] if this very record was refused. What next says of it later goes to
// [Options.ErrorHandler]. The end of ctx does not matter but to a caller that
// waits for room or for its record's outcome.
//
// After a shutdown that delivered everything, records go straight to next, one
// at a time, and next's error is returned.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	return h.Enqueue(ctx, &r)
}

// Enqueue is Handle for handlers that wrap this one: it spares them the copy of
// a record passed by value. It may change *r and does not keep r.
func (h *Handler) Enqueue(ctx context.Context, r *slog.Record) error {
	size, plain := recordsize.OfPlain(r)
	if !plain {
		size = h.capture(r)
	}
	if limit := h.core.maxSize; limit > 0 && size > limit {
		recordsize.Truncate(r, limit)
		size = recordsize.Of(r)
	}
	return h.core.enqueue(ctx, h, r, size)
}

// capture freezes what can still change and returns the size of what that makes.
func (h *Handler) capture(r *slog.Record) int64 {
	if o := &h.core.opts; o.Capture == CaptureSnapshot {
		capture.Record(r, capture.Format(o.Format))
	}
	return recordsize.Of(r)
}

// WithAttrs returns a handler on the same queue and worker whose records have
// these attributes too. They reach next at once, on the caller. Without
// attributes it returns h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	format := h.core.opts.Format
	if h.core.opts.Capture == CaptureSnapshot && (format == FormatUnknown || h.fallback != nil) {
		// A next that is not known may keep the values and show them on the worker.
		attrs = capture.Attrs(attrs, capture.Format(format))
	}
	return h.derive(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
}

// WithGroup returns a handler on the same queue and worker that puts what
// follows into a group. The name reaches next at once, on the caller. For ""
// it returns h.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.derive(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h *Handler) derive(with func(slog.Handler) slog.Handler) *Handler {
	d := &Handler{core: h.core, next: with(h.next)}
	if h.fallback != nil {
		d.fallback = with(h.fallback)
	}
	return d
}

// quietly returns h for a record that OnDrop logs.
func (h *Handler) quietly() *Handler {
	q := *h
	q.quiet = true
	return &q
}

// Flush waits until every record received before the call has its outcome and the
// [Sink] is flushed, if it is a [Flusher], and returns the error of that. When ctx
// ends first it returns the context's error; called by next, a callback on the worker
// or a shutdown function, [ErrReentrant]; on an ended handler with records still stuck
// inside next, [ErrClosed].
func (h *Handler) Flush(ctx context.Context) error { return h.core.flush(ctx) }

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
func (h *Handler) Shutdown(ctx context.Context) error { return h.core.shutdown(ctx) }

// Close is Shutdown bounded by [Options.CloseTimeout]. It may be called again.
func (h *Handler) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), h.core.opts.CloseTimeout)
	defer cancel()
	return h.core.shutdown(ctx)
}

// Stats returns a snapshot. The record counters and Depth are of the same moment, what
// the budget, the gate and the sink tell of one right after. It waits for no delivery.
func (h *Handler) Stats() Stats { return h.core.stats() }

// Retry makes the worker ask [Options.Gate] again now, instead of after the time
// that the gate named: call it after closing a breaker by hand.
func (h *Handler) Retry() {
	c := h.core
	within := c.within()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outage.bypass = time.Time{}
	if !within { // else a breaker that is reset whenever it opens would know no pause
		c.outage.endPause()
	}
	c.poke()
}

// Panicked counts a panic in code of the user's that [Options.Gate] calls, and tells
// the error handler of it.
func (h *Handler) Panicked(value any, stack []byte) {
	p := &PanicError{Handler: h.core.opts.Name, Value: value, Stack: stack}
	h.core.notePanic(p)
	h.core.tell(p)
}

// Reentrant reports whether the caller is called, directly or not, by next, by a
// callback on the worker or by a shutdown function, so that Flush, Shutdown and
// Close would return [ErrReentrant].
func (h *Handler) Reentrant() bool { return h.core.within() }
