package async

import (
	"errors"
	"fmt"
	"time"
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
	// ErrPermanent marks an error of next as the record's fault: a record whose
	// error wraps it is not tried again but goes to the fallback, if there is one,
	// and its failure is none of next's.
	ErrPermanent = errors.New("asynchandler: permanent failure")
)

// DeliveryError reports one failed attempt to deliver: next, or the fallback,
// returned Err. A batch that a sink refused as a whole counts as one attempt.
type DeliveryError struct {
	Handler  string // name of the handler
	Attempts int    // how often the record at hand was tried, this attempt included
	Err      error  // what next returned, or the fallback
}

// Error names the handler and the attempt, and says what next returned.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: delivery failed (attempt %d): %v", e.Handler, e.Attempts, e.Err)
}

// Unwrap returns what next returned.
func (e *DeliveryError) Unwrap() error { return e.Err }

// PanicError reports code that panicked on a goroutine of the handler, or ended
// that goroutine with [runtime.Goexit], which the worker survives too.
type PanicError struct {
	Handler string // name of the handler
	Value   any    // what was given to panic; an error that says so for Goexit
	Stack   []byte // as of [runtime/debug.Stack]
}

// Error names the handler and the value, without the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: panic: %v", e.Handler, e.Value)
}

// Unwrap returns the panic's value if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the value of the PanicError for runtime.Goexit.
var errGoexit = errors.New("runtime.Goexit was called")

// StallError reports a call into next that has not returned for
// [Options.StallTimeout].
type StallError struct {
	Handler string        // name of the handler
	Age     time.Duration // how long the call had not returned when it was noticed
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
	Err         error  // the context's error
}

// Error names the handler, the number of records and the context's error.
func (e *ShutdownError) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: shutdown left %d records undelivered: %v", e.Handler, e.Undelivered, e.Err)
}

// Unwrap returns the context's error.
func (e *ShutdownError) Unwrap() error { return e.Err }
