package asynchandler

import "github.com/asynchandler/asynchandler/async"

// Errors of this package, for [errors.Is].
var (
	// ErrClosed is returned by Handle for a record that came after Shutdown or
	// Close and could not be delivered any more, and by Flush when records are
	// stuck in a handler that has ended.
	ErrClosed = async.ErrClosed
	// ErrDropped is returned by Handle when this very record was dropped.
	// [WithOnDrop] and [Stats] say why.
	ErrDropped = async.ErrDropped
	// ErrReentrant is returned by Flush, Shutdown and Close when next, a callback
	// on the worker or within a shutdown, or a shutdown function calls them: they
	// would wait for their own caller.
	ErrReentrant = async.ErrReentrant
	// ErrPermanent is for next to wrap in its error when the record is at fault:
	// it is not tried again but goes to the fallback, if there is one, and the
	// breaker does not count the failure.
	ErrPermanent = async.ErrPermanent
)

// Errors of this package, for [errors.As] and [errors.AsType] with a pointer type, such
// as *DeliveryError.
type (
	// DeliveryError reports one failed attempt to deliver. It unwraps to Err.
	//
	//	Handler  string // name of the handler
	//	Attempts int    // failures of the record so far, this one included
	//	Err      error  // what next returned; of the fallback, it wraps that and says so
	DeliveryError = async.DeliveryError
	// PanicError reports that next or a callback panicked. It unwraps to Value if that is
	// an error.
	//
	//	Handler string // name of the handler
	//	Value   any    // what was given to panic; an error that says so for runtime.Goexit
	//	Stack   []byte // of the goroutine
	PanicError = async.PanicError
	// StallError reports a call into next that does not return; see [WithStallTimeout].
	//
	//	Handler string        // name of the handler
	//	Age     time.Duration // how long the call had lasted when that was noticed
	StallError = async.StallError
	// ShutdownError says what Shutdown or Close left behind when its context ended. It
	// unwraps to Err.
	//
	//	Handler     string      // name of the handler
	//	Undelivered int         // records that were waiting or inside next at that moment
	//	Drops       []DropCount // by level, what was dropped since the shutdown began
	//	Torn        bool        // the writer had a part of a line
	//	Err         error       // the context's error
	ShutdownError = async.ShutdownError
	// SuppressedError stands for errors that the error handler was not called with; see
	// [WithErrorHandler]. It unwraps to Last.
	//
	//	Handler string // name of the handler
	//	Count   uint64 // errors left out since the one told before
	//	Last    error  // the last of them
	SuppressedError = async.SuppressedError
	// HealthError is returned by [Handler.Health].
	//
	//	Handler string    // name of the handler
	//	Reason  string    // what is wrong
	//	Since   time.Time // since when, as far as it was noticed
	HealthError = async.HealthError
)
