package testsink

import (
	"context"
	"log/slog"
	"time"
)

// Func is a handler made of a function. It is enabled for all levels; WithAttrs and
// WithGroup return it unchanged.
type Func func(context.Context, slog.Record) error

var _ slog.Handler = Func(nil)

// Enabled returns true.
func (f Func) Enabled(context.Context, slog.Level) bool { return true }

// Handle calls f.
func (f Func) Handle(ctx context.Context, r slog.Record) error { return f(ctx, r) }

// WithAttrs returns f.
func (f Func) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup returns f.
func (f Func) WithGroup(string) slog.Handler { return f }

// layer is a handler that does something around the call of next. What is derived from it
// does the same.
type layer struct {
	next   slog.Handler
	around func(ctx context.Context, r slog.Record, next slog.Handler) error
}

func newLayer(next slog.Handler, around func(context.Context, slog.Record, slog.Handler) error) layer {
	if next == nil { // slog.DiscardHandler would not do: it is enabled for nothing
		next = Func(func(context.Context, slog.Record) error { return nil })
	}
	return layer{next: next, around: around}
}

// Enabled asks next.
func (l layer) Enabled(ctx context.Context, level slog.Level) bool { return l.next.Enabled(ctx, level) }

// Handle does what the handler is for, and then, if nothing keeps it from that, calls next.
func (l layer) Handle(ctx context.Context, r slog.Record) error { return l.around(ctx, r, l.next) }

// WithAttrs returns a handler around next's WithAttrs that shares the gate or fault.
func (l layer) WithAttrs(attrs []slog.Attr) slog.Handler {
	return layer{next: l.next.WithAttrs(attrs), around: l.around}
}

// WithGroup returns a handler around next's WithGroup that shares the gate or fault.
func (l layer) WithGroup(name string) slog.Handler {
	return layer{next: l.next.WithGroup(name), around: l.around}
}

// Blocker is a handler whose Handle passes the [Gate] before it calls next.
type Blocker struct {
	*Gate
	layer
}

var _ slog.Handler = (*Blocker)(nil)

// NewBlocker returns a handler that blocks until [Gate.Release].
func NewBlocker(next slog.Handler) *Blocker {
	b := &Blocker{Gate: NewGate()}
	b.layer = newLayer(next, func(ctx context.Context, r slog.Record, next slog.Handler) error {
		b.Pass()
		return next.Handle(ctx, r)
	})
	return b
}

// NewSlow returns a handler that sleeps for delay before it calls next.
func NewSlow(next slog.Handler, delay time.Duration) slog.Handler {
	return newLayer(next, func(ctx context.Context, r slog.Record, next slog.Handler) error {
		time.Sleep(delay)
		return next.Handle(ctx, r)
	})
}
