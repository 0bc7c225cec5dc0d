package asynchandler

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"reflect"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/plainjson"
	"github.com/asynchandler/asynchandler/internal/stdlog"
)

// Handler is a [slog.Handler] that copies each record into a bounded queue and
// returns; one worker delivers the records. Create it with [New],
// [NewJSONHandler], [NewTextHandler] or [NewWriterHandler], and end it with
// [Handler.Close] or [Handler.Shutdown]. The zero Handler is not usable.
//
// Handlers derived with WithAttrs and WithGroup share the queue and the worker:
// Flush, Shutdown, Close, Stats and ResetBreaker of any of them concern all.
//
// All methods may be called concurrently.
type Handler struct {
	queue   *async.Handler
	breaker *breaker.Breaker // nil if there is none
	// render encodes records on the caller, as a ReplaceAttr must see the values
	// before they are captured. nil if there is no such function.
	render  slog.Handler
	keep    bool  // the record too, for those who get it if next does not
	maxSize int64 // WithMaxRecordSize, for that; 0 is no limit
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that delivers to next. It panics if next is nil or an
// option is out of its range.
//
// A next that reports an error gets the record again, whole: one that fans out
// and reports the error of one member, such as [slog.MultiHandler], repeats
// itself to the others then; [NewMultiHandler] does not. The context that next gets
// has the values of the call's, but not its cancellation; see [WithContextFunc].
//
// next may be slog's default handler, also if the result becomes the default with
// [slog.SetDefault]: the lines go on to where log's standard logger wrote when New
// was called. A default handler hidden inside another handler is not recognized,
// and would be its own destination then.
func New(next slog.Handler, opts ...Option) *Handler {
	if next == nil {
		panic("asynchandler: New: next is nil")
	}
	o := newOptions(opts)
	require("WithFallback", "next", !same(next, o.Fallback), "another handler than next")
	if stdlog.IsDefault(next) {
		w, build := stdlog.New(next)
		if !isFile(w) && o.maxWrite < 0 {
			o.maxWrite = 0 // package log promises one Write for each line
		}
		return newWriterHandler(w, build, async.FormatText, o)
	}
	return newHandler(next, o)
}

// same reports whether two handlers are known to be the same.
func same(a, b slog.Handler) bool {
	return b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// NewJSONHandler returns a handler that writes to w, byte for byte, what
// [slog.NewJSONHandler] writes, many lines in one Write. ho may be nil. It panics if
// w is nil or an option is out of its range.
//
// Records of plain values are encoded as slog does it but by this package, which takes a
// third of the time: strings that need no escaping, numbers, booleans, durations, times,
// the errors of package errors and fmt, and groups of these. slog encodes all others, and
// the first line of each derived handler; all lines, if it turns out to write others.
//
// w is used by one goroutine at a time and never closed; if it has a method
// Flush() error, [Handler.Flush] calls that. EPIPE on standard output ends a Go
// program, whoever wrote: see [os/signal].
func NewJSONHandler(w io.Writer, ho *slog.HandlerOptions, opts ...Option) *Handler {
	return newSlogHandler("NewJSONHandler", w, ho, async.FormatJSON, opts, func(w io.Writer) slog.Handler {
		return plainjson.New(w, ho)
	})
}

// NewTextHandler returns a handler that writes to w, byte for byte, what
// [slog.NewTextHandler] writes. All else is as for [NewJSONHandler].
func NewTextHandler(w io.Writer, ho *slog.HandlerOptions, opts ...Option) *Handler {
	return newSlogHandler("NewTextHandler", w, ho, async.FormatText, opts, func(w io.Writer) slog.Handler {
		return slog.NewTextHandler(w, ho)
	})
}

// NewWriterHandler returns a handler for any other slog.Handler that writes lines
// to a writer: build is called once, with a writer from which the lines go to w.
// All else is as for [NewJSONHandler].
//
// What the built handler writes during one Handle belongs to that record, be it
// nothing or several lines. It must not write at other times, and must not keep
// the bytes.
func NewWriterHandler(w io.Writer, build func(io.Writer) slog.Handler, opts ...Option) *Handler {
	if w == nil {
		panic("asynchandler: NewWriterHandler: w is nil")
	}
	if build == nil {
		panic("asynchandler: NewWriterHandler: build is nil")
	}
	return newWriterHandler(w, build, async.FormatUnknown, newOptions(opts))
}

func newSlogHandler(name string, w io.Writer, ho *slog.HandlerOptions, format async.Format, opts []Option, build func(io.Writer) slog.Handler) *Handler {
	if w == nil {
		panic("asynchandler: " + name + ": w is nil")
	}
	o := newOptions(opts)
	if ho == nil || ho.ReplaceAttr == nil || o.Capture == CaptureReference {
		return newWriterHandler(w, build, format, o)
	}
	return newRenderedHandler(w, build, o)
}

func newWriterHandler(w io.Writer, build func(io.Writer) slog.Handler, format async.Format, o *options) *Handler {
	s := newWriterSink(w, o.maxWrite)
	next := build(&s.lines)
	if next == nil {
		panic("asynchandler: NewWriterHandler: build returned nil")
	}
	o.Sink = s
	if o.Fallback == nil && o.OnDrop == nil {
		o.Format = format // else others see the values too
	}
	return newHandler(next, o)
}

func newHandler(next slog.Handler, o *options) *Handler {
	h := &Handler{}
	if !o.withoutBreaker {
		h.breaker = newBreaker(o, h.callbackPanicked)
		o.Gate = gate{h.breaker}
	}
	if o.budget != nil {
		o.Budget = o.budget.Join()
	} else {
		o.Budget = &limit{bytes: cmp.Or(o.memoryLimit, defaultMemoryLimit)}
	}
	h.queue = async.New(next, o.Options)
	return h
}

// Enabled reports whether next handles records of that level. It asks next on the
// caller.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.queue.Enabled(ctx, level)
}

// Handle copies the record into the queue and returns nil, or [ErrDropped] or
// [ErrClosed] if this very record was refused, without allocating for that. What
// next says of it later goes to [WithErrorHandler]. The end of ctx does not matter
// but to a caller that waits for room or for its record's outcome.
//
// After a shutdown that delivered everything, records go straight to next, one
// at a time, and next's error is returned.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if h.render != nil {
		return h.handleRendered(ctx, r)
	}
	return h.queue.Enqueue(ctx, &r)
}

// WithAttrs returns a [*Handler] on the same queue and worker whose records have
// these attributes too. They reach next at once, on the caller. Without attributes
// it returns h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	if !h.keep {
		return h.derive(func(next slog.Handler) slog.Handler { return next.WithAttrs(attrs) })
	}
	attrs = capture.Attrs(attrs, capture.Resolved) // LogValue is called once, though two handlers ask
	d := *h
	d.queue = h.queue.WithAttrs(capture.Attrs(attrs, capture.Any)).(*async.Handler)
	d.render = h.render.WithAttrs(attrs)
	return &d
}

// WithGroup returns a [*Handler] on the same queue and worker that puts what follows
// into a group. The name reaches next at once, on the caller. For "" it returns h.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.derive(func(next slog.Handler) slog.Handler { return next.WithGroup(name) })
}

func (h *Handler) derive(with func(slog.Handler) slog.Handler) *Handler {
	d := *h
	d.queue = with(h.queue).(*async.Handler)
	if h.render != nil {
		d.render = with(h.render)
	}
	return &d
}

// Flush waits until every record received before the call has its outcome, and
// flushes the writer if it has a method Flush() error, whose error it returns.
// When ctx ends first it returns the context's error; called by next, a callback on
// the worker or a shutdown function, [ErrReentrant]; on an ended handler with records
// stuck inside next, [ErrClosed].
func (h *Handler) Flush(ctx context.Context) error { return h.queue.Flush(ctx) }

// Shutdown stops the handler: it delivers what waits, flushes, runs the functions
// of [WithOnShutdown], and returns nil if all went well, else what did not, joined.
// Records logged from the call on are refused with [ErrClosed]; see
// [Handler.Handle] for those after the end. Callers waiting for room return
// ErrClosed.
//
// When ctx ends first, records that next was not given are dropped, and the error
// has a [*ShutdownError] that counts them and those stuck inside next. The shutdown
// functions still run, with the ended ctx; one that does not return is left
// behind. An ended ctx is the immediate mode, [context.Background] waits for ever.
//
// Meanwhile the open time of the breaker is not waited for. The first ctx to end
// ends the drain for all callers. Each returns after the drain, with the same
// error, and so does a later call. Called by next, a callback on the worker or a
// shutdown function it returns [ErrReentrant].
func (h *Handler) Shutdown(ctx context.Context) error { return h.queue.Shutdown(ctx) }

// Close is Shutdown bounded by [WithCloseTimeout]. It may be called again.
func (h *Handler) Close() error { return h.queue.Close() }

// Stats returns a snapshot. The record counters and Depth are of the same moment, the
// memory, the breaker and the written bytes of one right after. It waits for no delivery
// and never changes the breaker's state.
func (h *Handler) Stats() Stats { return h.queue.Stats() }

// ResetBreaker closes the breaker now, and next is tried at once, unless a call into it
// still hangs: then when that returns. Without a breaker it does nothing.
func (h *Handler) ResetBreaker() {
	if h.breaker != nil {
		h.breaker.Reset()
		h.queue.Retry()
	}
}
