package asynchandler

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
)

// MultiHandler gives each record to several handlers, each of which has a queue and
// a worker of its own: a slow, failing or hung one delays no other. Create it with
// [NewMultiHandler]. The zero MultiHandler has no members and is enabled for no level.
//
// All methods may be called concurrently. Flush, Shutdown and Close return
// [ErrReentrant] for a member that would wait for itself, and see to the others.
type MultiHandler struct{ handlers []*Handler }

var _ slog.Handler = (*MultiHandler)(nil)

// NewMultiHandler returns a handler that gives each record to all of handlers that are
// enabled for its level, in their order. It panics if one is nil. The members still belong
// to the caller, who may use and close each by itself. A member with [Block] can make the
// caller wait, and so hold up those behind it.
//
// [slog.NewMultiHandler] is enough for members that need no queue of their own: as next of
// [New] it shares one. But it reports a member's error as its own, so that the whole record
// is tried again, also with the members that have it. Give its members errors that wrap
// [ErrPermanent], or use NewMultiHandler.
func NewMultiHandler(handlers ...*Handler) *MultiHandler {
	for _, h := range handlers {
		if h == nil {
			panic("asynchandler: NewMultiHandler: a handler is nil")
		}
	}
	return &MultiHandler{slices.Clone(handlers)}
}

// Handlers returns the members in their order.
func (m *MultiHandler) Handlers() []*Handler { return slices.Clone(m.handlers) }

// Enabled reports whether any member is enabled for that level.
func (m *MultiHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return slices.ContainsFunc(m.handlers, func(h *Handler) bool { return h.Enabled(ctx, level) })
}

// Handle gives the record to the members that are enabled for its level, and
// returns their errors joined.
func (m *MultiHandler) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	for _, h := range m.handlers {
		if h.Enabled(ctx, r.Level) {
			if err := h.Handle(ctx, r.Clone()); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// WithAttrs returns a [*MultiHandler] of the members' WithAttrs. Without attributes it
// returns m.
func (m *MultiHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return m
	}
	return m.derive(func(h *Handler) slog.Handler { return h.WithAttrs(slices.Clone(attrs)) })
}

// WithGroup returns a [*MultiHandler] of the members' WithGroup. For "" it returns m.
func (m *MultiHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return m
	}
	return m.derive(func(h *Handler) slog.Handler { return h.WithGroup(name) })
}

func (m *MultiHandler) derive(with func(*Handler) slog.Handler) *MultiHandler {
	d := &MultiHandler{make([]*Handler, len(m.handlers))}
	for i, h := range m.handlers {
		d.handlers[i] = with(h).(*Handler)
	}
	return d
}

// Flush flushes all members side by side and returns their errors joined.
func (m *MultiHandler) Flush(ctx context.Context) error {
	return m.each(func(h *Handler) error { return h.Flush(ctx) })
}

// Shutdown shuts all members down side by side and returns their errors joined.
func (m *MultiHandler) Shutdown(ctx context.Context) error {
	return m.each(func(h *Handler) error { return h.Shutdown(ctx) })
}

// Close closes all members side by side, each bounded by its own [WithCloseTimeout],
// and returns their errors joined.
func (m *MultiHandler) Close() error { return m.each((*Handler).Close) }

// each calls f for all members at once. It would wait for a member that calls it,
// whose own goroutine it must ask.
func (m *MultiHandler) each(f func(*Handler) error) error {
	errs := make([]error, len(m.handlers))
	var wg sync.WaitGroup
	for i, h := range m.handlers {
		if h.queue.Reentrant() {
			errs[i] = ErrReentrant
			continue
		}
		wg.Go(func() { errs[i] = f(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Stats returns the snapshots of the members in their order.
func (m *MultiHandler) Stats() []Stats {
	stats := make([]Stats, len(m.handlers))
	for i, h := range m.handlers {
		stats[i] = h.Stats()
	}
	return stats
}

// Health returns what the members' Health return, joined.
func (m *MultiHandler) Health() error {
	errs := make([]error, len(m.handlers))
	for i, h := range m.handlers {
		errs[i] = h.Health()
	}
	return errors.Join(errs...)
}
