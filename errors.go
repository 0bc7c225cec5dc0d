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
	// on the worker or a shutdown function calls them: they would wait for
	// their own caller.
	ErrReentrant = async.ErrReentrant
	// ErrPermanent is for next to wrap in its error when the record is at fault:
	// it is not tried again, and the breaker does not count the failure.
	ErrPermanent = async.ErrPermanent
)

// Errors of this package, for [errors.As] with a pointer to a pointer. The package
// async has their fields and methods.
type (
	// DeliveryError reports one failed attempt to deliver. It unwraps to what next
	// returned.
	DeliveryError = async.DeliveryError
	// PanicError reports that next or a callback panicked, with value and stack.
	PanicError = async.PanicError
	// StallError reports a call into next that does not return; see
	// [WithStallTimeout].
	StallError = async.StallError
	// ShutdownError says how many records Shutdown or Close left undelivered when
	// its context ended. It unwraps to the context's error.
	ShutdownError = async.ShutdownError
)
