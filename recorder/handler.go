package recorder

import (
	"context"
	"errors"
	"log/slog"
)

// Handler is a [slog.Handler] that keeps records below a level in memory, and shows them
// when a record of the same scope says that something went wrong. Create it with [New].
// It has no goroutine and need not be closed. The zero Handler is not usable.
//
// Handlers derived with WithAttrs and WithGroup share the scopes, the bounds and Stats.
//
// All methods may be called concurrently.
type Handler struct {
	core *core
	next slog.Handler
	to   destination
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that passes records on to next. It panics if next is nil or a field
// of opts is out of its range; if the levels are out of order the message names both.
func New(next slog.Handler, opts Options) *Handler {
	if next == nil {
		panic("recorder: New: next is nil")
	}
	return &Handler{core: newCore(opts.withDefaults()), next: next, to: destinationOf(next)}
}

// Enabled reports whether level is at or above Keep, whatever next is enabled for.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.core.opts.Keep.Level()
}

// Handle keeps a record below Level, and returns nil. From Level on it gives the record to
// next, if next is enabled for it, and returns next's error. From Trigger on it first gives
// next what is kept in the scope of ctx; of the errors that this makes it returns the first
// one, joined with that of the record itself.
//
// A panic in next on a kept record does not keep the others, and the record itself, from
// next. It goes on to the caller after that.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if !h.keeps(r.Level) {
		return h.show(ctx, h.next, r)
	}
	n := h.node(ctx, &r)
	h.to.freeze(n)
	release(h.core.add(h.core.key(ctx), n))
	return nil
}

func (h *Handler) keeps(level slog.Level) bool {
	o := &h.core.opts
	return level < o.Trigger.Level() && level < o.Level.Level()
}

// node returns one with r, whose values are as they are.
func (h *Handler) node(ctx context.Context, r *slog.Record) *node {
	n := nodes.Get().(*node)
	n.rec, n.handler, n.through = *r, h.next, h.next
	if h.to.contexts {
		n.ctx = ctx
	}
	return n
}

// show gives next, which may have been made ready for it, a record that is not to be kept.
func (h *Handler) show(ctx context.Context, next slog.Handler, r slog.Record) error {
	if r.Level < h.core.opts.Trigger.Level() {
		return pass(ctx, next, r)
	}
	told := h.core.letOut(ctx, h.core.key(ctx), h.next)
	defer told.repanic()
	err := pass(ctx, next, r)
	if told.err != nil {
		return errors.Join(told.err, err)
	}
	return err
}

func pass(ctx context.Context, next slog.Handler, r slog.Record) error {
	if !next.Enabled(ctx, r.Level) {
		return nil
	}
	return next.Handle(ctx, r)
}

func (o outcome) repanic() {
	if o.panicked != nil {
		panic(o.panicked)
	}
}

// Emit lets out what is kept in the scope of ctx, as a record at Trigger would, and returns
// how many records next was given. Called by next while it is being given records of that
// scope, it does nothing.
func (h *Handler) Emit(ctx context.Context) int {
	told := h.core.letOut(ctx, h.core.key(ctx), h.next)
	told.repanic()
	return told.emitted
}

// Forget forgets what is kept in the scope of ctx, and returns how many records that was.
// The scope goes on.
func (h *Handler) Forget(ctx context.Context) int { return h.core.forget(h.core.key(ctx)) }

// WithAttrs returns a [*Handler] whose records have these attributes too. They reach next
// at once, on the caller. Without attributes it returns h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return &Handler{core: h.core, next: h.next.WithAttrs(h.to.attrs(attrs)), to: h.to}
}

// WithGroup returns a [*Handler] that puts what follows into a group. The name reaches next
// at once, on the caller. For "" it returns h.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &Handler{core: h.core, next: h.next.WithGroup(name), to: h.to}
}
