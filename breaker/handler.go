// Package breaker puts a circuit breaker in front of a [slog.Handler]: while the handler
// behind it fails, log calls leave it alone and cost next to nothing, and the records go to
// a fallback if there is one.
//
//	h := breaker.New(collector, breaker.Options{Fallback: file}) // two handlers
//	logger := slog.New(h)
//	logger.Info("order placed", "id", 17)
//
// It works on the goroutine that logs, without a queue. [Breaker] is the same circuit
// breaker for code that makes the calls itself.
//
// The state machine is that of [github.com/sony/gobreaker/v2]. The breaker is closed at
// first. Five failures in a row open it, for five seconds. Then it is half-open: one record
// goes through as a probe, which closes it or opens it again. [gobreaker.Settings] in
// [Options] change all of that.
//
// # Outages
//
// An error, a panic and a runtime.Goexit of next are failures. A panic does not reach the
// caller, it becomes a [*PanicError]. What Settings.IsExcluded or Settings.IsSuccessful
// says of an error is honoured, so that an error which is the record's fault does not open
// the breaker; a panic is always a failure. A call that hangs is no failure before it ends.
// As a probe it keeps others from next as long as it hangs.
//
// # Open time
//
// The breaker stays open for Settings.Timeout and up to a tenth of it more, drawn anew each
// time, so that many processes which lost the same collector do not all come back at the
// same moment. After that it waits for the next record; nothing runs in between. The
// package starts no goroutine and no timer.
//
// # Differences from gobreaker
//
//   - Zero fields of Settings take the defaults above, not gobreaker's, and negative durations panic.
//   - A call is counted when it ends: the Requests of [gobreaker.Counts] do not include calls that are running, and
//     a result falls into the Interval in which the call ended.
//   - No callback runs with a lock held. They may block, panic, and call back into the handler. OnStateChange is called
//     on the goroutine that caused the change, for one change at a time, in their order; while one call has not
//     returned, later changes queue up behind it. A ReadyToTrip that panics is replaced for that once by the
//     default rule, an IsSuccessful or IsExcluded that panics stands for a failure.
//   - IsSuccessful and IsExcluded are asked about errors only, never about nil.
//   - Looking at the state does not change it: after the open time it stays open until a record comes.
//
// # Concurrency
//
// All methods of [Handler] and [Breaker] may be called concurrently.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/internal/panics"
	"github.com/asynchandler/asynchandler/internal/stdlog"
)

// Options configures [New] and [NewBreaker]. The zero value works.
type Options struct {
	// Settings configures the breaker. Zero fields mean: ReadyToTrip after 5 consecutive
	// failures, a Timeout (open time) of 5 s, MaxRequests 1 (probes that must succeed to
	// close the breaker), counts that are not cleared while it is closed (Interval), every
	// error a failure, no name. A negative duration is out of range.
	Settings gobreaker.Settings
	// Fallback gets each record that next refuses or the breaker keeps from next, with the
	// same attributes and groups. Its Enabled is respected. Nil means none: Handle returns
	// the error.
	Fallback slog.Handler
	// OnError is called with each failure of next, each failure of the fallback and each
	// panic of a callback in Settings. If next and the fallback both fail, the errors come
	// joined. It runs on the goroutine on which the failure happened, with no lock held. It
	// must not log through this handler. Its own panics are dropped. Nil means errors are
	// only returned.
	OnError func(error)
}

// Handler is a [slog.Handler] that gives records to next as long as its breaker allows.
// Create it with [New]: the zero Handler is not usable. Handlers derived from it share its
// breaker. All methods may be called concurrently; next and the fallback are called by the
// callers of Handle, so concurrently too.
type Handler struct {
	next     slog.Handler
	fallback slog.Handler // nil: none
	breaker  *Breaker
	onError  func(error)
}

var _ slog.Handler = (*Handler)(nil)

// New returns a handler that guards next. It panics if next is nil, if it is its own
// fallback, or if a setting is out of its range. next and the fallback may be slog's
// default handler, also if the result becomes the default with
// [slog.SetDefault]: the lines go on to where they went before.
func New(next slog.Handler, opts Options) *Handler {
	if next == nil {
		panic("breaker: New: next is nil")
	}
	if same(next, opts.Fallback) {
		panic(fmt.Sprintf("breaker: Options.Fallback (%T) is next itself", opts.Fallback))
	}
	return &Handler{
		next:     stdlog.Stand(next),
		fallback: stdlog.Stand(opts.Fallback),
		breaker:  newBreaker(opts),
		onError:  opts.OnError,
	}
}

// same reports whether a and b are known to be one handler; of types that Go cannot compare
// nothing is known.
func same(a, b slog.Handler) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// Enabled is what next says. The fallback stands in for next, so it does not widen what is
// logged.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle gives r to next, or, if next refuses it or the breaker is open, to the fallback.
// It returns nil if either took it. Otherwise it returns the error of next, or one that
// wraps [gobreaker.ErrOpenState] or [gobreaker.ErrTooManyRequests], joined with that of the
// fallback. A panic of either comes back as a [*PanicError]. A runtime.Goexit cannot be
// stopped; it is counted, and the record goes to the fallback all the same.
func (h *Handler) Handle(ctx context.Context, r slog.Record) (err error) {
	permit, refused := h.breaker.admit()
	if refused != nil {
		return h.refused(ctx, r, refused)
	}
	err = ErrGoexit // stands if next neither returns nor panics
	// Two defers, so that the record reaches the fallback even if a callback ends the
	// goroutine.
	defer func() {
		if err != nil {
			err = h.failed(ctx, r, err)
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			err = panics.New("next", v)
		}
		h.breaker.Done(permit.Ticket, err == nil, err)
	}()
	return h.next.Handle(ctx, r.Clone()) // cloned: next may add to it, and so may the fallback after it
}

// refused handles a record that the breaker kept from next.
func (h *Handler) refused(ctx context.Context, r slog.Record, cause error) error {
	taken, err := h.fallBack(ctx, r)
	if taken {
		return nil
	}
	if err == nil {
		return cause
	}
	err = errors.Join(cause, err)
	report(h.onError, err)
	return err
}

// failed handles a record that next failed to take. The fallback comes first: OnError may
// be slow.
func (h *Handler) failed(ctx context.Context, r slog.Record, cause error) error {
	heard := cause
	defer func() { report(h.onError, heard) }() // deferred: the fallback may end the goroutine
	taken, err := h.fallBack(ctx, r)
	if taken {
		return nil
	}
	if err != nil {
		heard = errors.Join(cause, err)
	}
	return heard
}

// fallBack reports whether the fallback took r; err is nil if there is none or it does not
// want r's level.
func (h *Handler) fallBack(ctx context.Context, r slog.Record) (taken bool, err error) {
	if h.fallback == nil {
		return false, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = panics.New("fallback", v)
		}
	}()
	if !h.fallback.Enabled(ctx, r.Level) {
		return false, nil
	}
	if err := h.fallback.Handle(ctx, r.Clone()); err != nil {
		return false, fmt.Errorf("breaker: fallback: %w", err)
	}
	return true, nil
}

// WithAttrs returns a handler whose next and fallback have attrs, on the same breaker;
// without attrs it returns h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.derive(func(sh slog.Handler) slog.Handler { return sh.WithAttrs(attrs) })
}

// WithGroup returns a handler whose next and fallback have the group, on the same breaker;
// with an empty name it returns h.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.derive(func(sh slog.Handler) slog.Handler { return sh.WithGroup(name) })
}

func (h *Handler) derive(f func(slog.Handler) slog.Handler) *Handler {
	d := *h
	d.next = f(h.next)
	if h.fallback != nil {
		d.fallback = f(h.fallback)
	}
	return &d
}

// State returns the state of the breaker. It does not change the state and never blocks: an
// open breaker whose time is over is open until a record comes to probe next.
func (h *Handler) State() gobreaker.State { return h.breaker.status.Load().state }

// Counts returns the calls that ended since the last change of state, or since the last
// Interval. They are not cleared before the next call of next ends, even if an Interval is
// over.
func (h *Handler) Counts() gobreaker.Counts { return h.breaker.Counts() }

// Reset closes the breaker now and clears its counts. Calls of next that are running then
// no longer count.
func (h *Handler) Reset() { h.breaker.Reset() }
