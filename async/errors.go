package async

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asynchandler/asynchandler/internal/ledger"
	"github.com/asynchandler/asynchandler/internal/panics"
)

// Errors of this package, for [errors.Is].
var (
	// ErrClosed is returned by [Handler.Handle] for a record that came after the
	// handler was told to stop and could not be delivered any more, and by
	// [Handler.Flush] when records are stuck in a handler that has ended.
	ErrClosed = errors.New("asynchandler: handler is closed")
	// ErrDropped is returned by [Handler.Handle] when this very record was
	// dropped. [Options.OnDrop] and [Stats] say why.
	ErrDropped = errors.New("asynchandler: record dropped")
	// ErrReentrant is returned by Flush, Shutdown and Close when they are called
	// from within a delivery, a callback on the worker or a shutdown function:
	// they would wait for their own caller.
	ErrReentrant = errors.New("asynchandler: called from within the handler's own worker")
	// ErrPermanent is for next to wrap in its error when the record is at fault. The record
	// is not tried again but goes to the fallback, if there is one, and the failure does
	// not count against next.
	ErrPermanent = errors.New("asynchandler: permanent failure")
)

// DeliveryError reports one failed attempt to deliver: next, or the fallback,
// returned Err. A batch that a sink refused as a whole counts as one attempt.
type DeliveryError struct {
	Handler  string // name of the handler
	Attempts int    // how often the record at hand was tried, this attempt included
	Err      error  // what next returned; of the fallback, it wraps that and says so
}

// Error names the handler and the attempt, and says what next returned, or the fallback.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: delivery failed (attempt %d): %v", e.Handler, e.Attempts, e.Err)
}

// Unwrap returns Err.
func (e *DeliveryError) Unwrap() error { return e.Err }

// fallbackError is an error of the fallback.
type fallbackError struct{ err error }

// Error returns what failed.
func (e *fallbackError) Error() string { return "fallback: " + e.err.Error() }

// Unwrap returns the fallback's error.
func (e *fallbackError) Unwrap() error { return e.err }

// PanicError reports code that panicked on a goroutine of the handler, or ended
// that goroutine with [runtime.Goexit], which the worker survives too.
//
//	Handler string // name of the handler
//	Value   any    // what was given to panic; an error that says so for runtime.Goexit
//	Stack   []byte // as of [runtime/debug.Stack]
type PanicError = panics.Error

// StallError reports a call into next that has not returned for
// [Options.StallTimeout].
type StallError struct {
	Handler string        // name of the handler
	Age     time.Duration // how long the call had lasted when that was noticed
}

// Error names the handler and the age.
func (e *StallError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: delivery has not returned for %v", e.Handler, e.Age)
}

// ShutdownError is returned by Shutdown and Close when their context ended
// before all waiting records were delivered.
type ShutdownError struct {
	Handler     string // name of the handler
	Undelivered int    // records that were waiting or inside next at that moment
	// Drops says by level what was dropped since the shutdown began, as far as it was
	// counted when Shutdown returned.
	Drops []DropCount
	// Torn says that the writer had a part of a line. Its rest comes only if a call was under
	// way with it.
	Torn bool
	Err  error // the context's error
}

// Error names the handler, the number of records, what was dropped by level, and the
// context's error.
func (e *ShutdownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "asynchandler: handler %q: shutdown left %d records undelivered", e.Handler, e.Undelivered)
	if e.Torn {
		b.WriteString(" and a line half written")
	}
	for _, level := range ledger.Levels {
		var n uint64
		for _, d := range e.Drops {
			if d.Level == level {
				n += d.Count
			}
		}
		if n > 0 {
			fmt.Fprintf(&b, ", %s: %d dropped", level, n)
		}
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	return b.String()
}

// Unwrap returns the context's error.
func (e *ShutdownError) Unwrap() error { return e.Err }

// SuppressedError stands for errors that the error handler was not called with, because too
// many waited for it or its pace was exceeded.
type SuppressedError struct {
	Handler string // name of the handler
	Count   uint64 // errors left out since the one told before
	Last    error  // the last of them
}

// Error names the handler and the count, and says what the last one says.
func (e *SuppressedError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: %d more errors, the last one: %v", e.Handler, e.Count, e.Last)
}

// Unwrap returns the last of the errors.
func (e *SuppressedError) Unwrap() error { return e.Last }

// HealthError is returned by [Handler.Health].
type HealthError struct {
	Handler string    // name of the handler
	Reason  string    // what is wrong
	Since   time.Time // since when, as far as it was noticed
}

// Error names the handler and says what is wrong since when.
func (e *HealthError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: %s since %s", e.Handler, e.Reason, e.Since.Format(time.RFC3339))
}
