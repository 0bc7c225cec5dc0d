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
// as *DeliveryError. Their fields and methods are shown with the types of the package
// async that these are, such as [async.DeliveryError].
type (
	// DeliveryError reports one failed attempt to deliver, with the number of
	// attempts so far. It unwraps to what next, or the fallback, returned. The fields
	// are in [async.DeliveryError].
	DeliveryError = async.DeliveryError
	// PanicError reports that next or a callback panicked, with value and stack. It
	// unwraps to the value if that is an error. The fields are in [async.PanicError].
	PanicError = async.PanicError
	// StallError reports a call into next that does not return, with its age; see
	// [WithStallTimeout]. The fields are in [async.StallError].
	StallError = async.StallError
	// ShutdownError says how many records Shutdown or Close left undelivered when
	// its context ended. It unwraps to the context's error. The fields are in
	// [async.ShutdownError].
	ShutdownError = async.ShutdownError
)
