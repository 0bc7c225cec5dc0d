package asynchandler

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"reflect"
	"sync"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/linesink"
	"github.com/asynchandler/asynchandler/internal/plainjson"
	"github.com/asynchandler/asynchandler/internal/stdlog"
)

var _ async.ObservableGate = (*breaker.Breaker)(nil)

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
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that delivers to next. It panics if next is nil or an option is out
// of its range.
//
// If next removes or changes values by their type, as a redaction does, give that function
// to [WithReplaceAttr]: next gets a value that can change as a copy, or as the text that
// was rendered at the call. A ReplaceAttr of slog's own handlers sees the originals, but a
// fallback does not get its results.
//
// The rules by which values are rendered are found out for slog's own handlers, alone or
// behind handlers of this module. For any other, or one behind somebody else's middleware,
// say them with [WithFormat].
//
// After an error next gets the record again, whole. So a next that fans out and reports the
// error of one member, such as [slog.MultiHandler], repeats itself to the others;
// [NewMultiHandler] does not. The context that next gets has the values of the call's,
// without its cancellation; see [WithContextFunc].
//
// next may be slog's default handler, also if the result becomes the default with
// [slog.SetDefault]: the lines go where log's standard logger wrote when New was called.
// log.SetOutput and log.SetFlags after that are not followed. A default handler that is
// hidden inside another handler is not recognized, and would be its own destination:
// nothing is printed, though the records count as delivered.
//
// next is called on the worker, so [runtime.Caller] in it sees the worker; the record's PC
// has the log call. What next logs through this handler on that goroutine never waits for
// room. A next that waits for a goroutine of its own which logs through this handler can
// wait for ever under [Block].
func New(next slog.Handler, opts ...Option) *Handler {
	if next == nil {
		panic("asynchandler: New: next is nil")
	}
	o := newOptions(opts)
	require("WithFallback", "next", !same(next, o.Fallback), "another handler than next")
	if stdlog.IsDefault(next) {
		w, build := stdlog.New(next)
		return newWriterHandler(w, build, async.FormatText, o)
	}
	return newHandler(next, o)
}

// same reports whether two handlers are known to be the same.
func same(a, b slog.Handler) bool {
	return b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// NewJSONHandler returns a handler that writes to w, byte for byte, what
// [slog.NewJSONHandler] writes. Many lines share a Write if w is known to take bytes as
// they come, such as a file; else each has its own, see [WithMaxWrite]. ho may be nil. It
// panics if w is nil or an option is out of its range.
//
// Lines are encoded as slog does it but by this package, which takes a fraction of the
// time: the attributes of records and of derived handlers, sources and what a ReplaceAttr
// makes of them. It encodes strings, numbers, booleans, durations, times, levels, IP
// addresses, slices of strings and bytes, the errors of packages errors and fmt, and groups
// of these. slog encodes every other value. If a comparison at the start shows that slog's
// lines differ from ours, slog encodes all lines.
//
// The ReplaceAttr of ho sees the original values, with their groups, once. It must be safe
// for concurrent use. It runs on the worker if none of a record's values can change, else
// on the caller. With a fallback, [WithSpool], [WithOnDrop] or [WithMaxRecordSize] it always
// runs on the caller: these get its results.
//
// w is used by one goroutine at a time and never closed. If it has a method Flush() error,
// [Handler.Flush] calls that. EPIPE on standard output ends a Go program, whoever wrote:
// see [os/signal].
//
// After an error the rest of what w did not take is written again, from the next byte on.
// So a w that wraps a connection must return what it took, and must connect again by
// itself: a [net.TCPConn] that is broken stays so. A count other than len(p) without an
// error is not believed: the lines count as written, and the error handler hears of it
// once. [io.MultiWriter] returns the error of one writer, so the others get the lines again
// with each try; [NewMultiHandler] keeps them apart.
func NewJSONHandler(w io.Writer, ho *slog.HandlerOptions, opts ...Option) *Handler {
	return newSlogHandler("NewJSONHandler", w, ho, async.FormatJSON, opts, plainjson.New)
}

// NewTextHandler returns a handler that writes to w, byte for byte, what
// [slog.NewTextHandler] writes. All else is as for [NewJSONHandler].
func NewTextHandler(w io.Writer, ho *slog.HandlerOptions, opts ...Option) *Handler {
	return newSlogHandler("NewTextHandler", w, ho, async.FormatText, opts, plainjson.NewText)
}

// NewWriterHandler returns a handler for any other slog.Handler that writes lines to a
// writer. build is called once, with a writer from which the lines go to w. All else is as
// for [NewJSONHandler].
//
// What the built handler writes during one Handle belongs to that record, be it nothing or
// several lines. It must not write at other times. It gets each record once: what a Write did
// not take is kept as bytes. If it refuses a record itself, it gets that one again.
func NewWriterHandler(w io.Writer, build func(io.Writer) slog.Handler, opts ...Option) *Handler {
	if w == nil {
		panic("asynchandler: NewWriterHandler: w is nil")
	}
	if build == nil {
		panic("asynchandler: NewWriterHandler: build is nil")
	}
	return newWriterHandler(w, build, async.FormatUnknown, newOptions(opts))
}

func newSlogHandler(name string, w io.Writer, ho *slog.HandlerOptions, format async.Format, opts []Option, build func(io.Writer, *slog.HandlerOptions) slog.Handler) *Handler {
	if w == nil {
		panic("asynchandler: " + name + ": w is nil")
	}
	o := newOptions(opts)
	if ho != nil && ho.ReplaceAttr != nil && (o.Fallback != nil || o.OnDrop != nil || o.Spool != nil || o.MaxRecordSize > 0) {
		o.ReplaceAttr = inTurn(o.ReplaceAttr, ho.ReplaceAttr)
		if format == async.FormatJSON {
			o.ReplaceAttr = openingSource(o.ReplaceAttr)
		}
		return newWriterHandler(w, func(w io.Writer) slog.Handler { return newBuiltinsHandler(w, ho, format, build) }, format, o)
	}
	return newWriterHandler(w, func(w io.Writer) slog.Handler { return build(w, ho) }, format, o)
}

func newWriterHandler(w io.Writer, build func(io.Writer) slog.Handler, format async.Format, o *options) *Handler {
	s := linesink.New(w, o.maxWrite)
	next := build(s.Lines())
	if next == nil {
		panic("asynchandler: NewWriterHandler: build returned nil")
	}
	o.Sink = writerSink{s}
	if format != async.FormatUnknown {
		o.Format = format
	}
	return newHandler(next, o)
}

func newHandler(next slog.Handler, o *options) *Handler {
	h := &Handler{}
	o.Fallback = stdlog.Stand(o.Fallback)
	var made sync.Mutex // what is on the disk is tried before queue is set
	if !o.withoutBreaker {
		h.breaker = breaker.NewBreaker(breaker.Options{Settings: o.settings, OnError: func(err error) {
			made.Lock()
			queue := h.queue
			made.Unlock()
			queue.Report(err)
		}})
		o.Gate = h.breaker
	}
	if o.budget != nil {
		o.Budget = o.budget.Join()
	} else {
		o.Budget = &limit{bytes: cmp.Or(o.memoryLimit, defaultMemoryLimit)}
	}
	made.Lock()
	defer made.Unlock()
	h.queue = async.New(next, o.Options)
	return h
}

// Enabled reports whether next handles records of that level. It asks next on the
// caller.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.queue.Enabled(ctx, level)
}

// Handle copies the record into the queue and returns nil. If this very record was refused
// it returns [ErrDropped] or [ErrClosed], without an allocation. What next says of the
// record later goes to [WithErrorHandler]. Handle ignores cancellation of ctx, except while
// it waits for room under [Block]; see [WithBlockTimeout]. If a function of yours that runs
// in it panics, such as that of [WithReplaceAttr], the record has failed and Handle returns
// a [*PanicError].
//
// After a shutdown that delivered everything, records go straight to next, one at a time,
// and next's error is returned.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	return h.queue.Enqueue(ctx, &r)
}

// WithAttrs returns a [*Handler] on the same queue and worker whose records have
// these attributes too. They reach next at once, on the caller. Without attributes
// it returns h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	d := &struct { // one object in place of two
		Handler

		queue async.Handler
	}{Handler: Handler{breaker: h.breaker}, queue: h.queue.Derived(attrs)}
	d.Handler.queue = &d.queue
	return &d.Handler
}

// WithGroup returns a [*Handler] on the same queue and worker that puts what follows
// into a group. The name reaches next at once, on the caller. For "" it returns h.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &Handler{queue: h.queue.WithGroup(name).(*async.Handler), breaker: h.breaker}
}

// Flush waits until every record received before the call has its outcome. It then flushes
// the writer, if that has a method Flush() error, and returns its error. When ctx ends
// first, Flush returns the context's error. With [WithSpool] a record on the disk has its
// outcome. Called by next, a callback on the worker or a shutdown function it returns
// [ErrReentrant]; on an ended handler with records stuck inside next, [ErrClosed].
func (h *Handler) Flush(ctx context.Context) error { return h.queue.Flush(ctx) }

// Shutdown stops the handler: it delivers what waits, flushes, and runs the functions of
// [WithOnShutdown]. It returns nil if all went well, else the errors joined. Records logged
// from the call on are refused with [ErrClosed]; for those after the end see
// [Handler.Handle]. Callers waiting for room return ErrClosed.
//
// When ctx ends first, the records that wait are dropped, and the error has a
// [*ShutdownError] that counts them and those stuck inside next. The shutdown functions
// still run, with the ended ctx; one that does not return is left behind. An ended ctx is
// the immediate mode, [context.Background] waits for ever.
//
// The open time of the breaker is not waited for. With several callers the first ctx to end
// ends the drain for all. Each returns after the drain, with the same error, and so does a
// later call. Called by next, a callback on the worker or a shutdown function Shutdown
// returns [ErrReentrant].
func (h *Handler) Shutdown(ctx context.Context) error { return h.queue.Shutdown(ctx) }

// Close is Shutdown bounded by [WithCloseTimeout]. It may be called again.
func (h *Handler) Close() error { return h.queue.Close() }

// Stats returns a snapshot. The record counters and Depth are of one moment; the memory,
// the breaker and the written bytes are read right after. It waits for no delivery and
// never changes the breaker's state.
func (h *Handler) Stats() Stats { return h.queue.Stats() }

// Health returns nil, or a [*HealthError] that says what is wrong: the breaker is open
// while records wait, a call into next, the fallback or the spool hangs, the oldest record has
// been failing for 30 s, nine tenths of the queue are full, the spool is broken, or the handler
// is closed. It waits for nothing. The readiness of a service should not depend on it if
// the service can live without its log.
func (h *Handler) Health() error { return h.queue.Health() }

// ResetBreaker closes the breaker now, and next is tried at once. If a call into next still
// hangs, next is tried when that returns. Without a breaker ResetBreaker does nothing.
func (h *Handler) ResetBreaker() {
	if h.breaker != nil {
		h.breaker.Reset()
		h.queue.AskGate()
	}
}
