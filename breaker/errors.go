package breaker

import (
	"errors"
	"fmt"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/internal/panics"
)

// ErrGoexit is what [Options.OnError] hears when next ended its goroutine with
// [runtime.Goexit] instead of returning. Handle does not return then.
var ErrGoexit = errors.New("breaker: next called runtime.Goexit")

// What the breaker says when it keeps a record from next. Made once: an open breaker must
// cost nothing.
var (
	errOpen   = fmt.Errorf("breaker: %w", gobreaker.ErrOpenState)
	errProbed = fmt.Errorf("breaker: %w", gobreaker.ErrTooManyRequests)
)

// The two errors that the circuit is told. What next said stays outside of it.
var (
	errFailed   = errors.New("breaker: failed")
	errExcluded = errors.New("breaker: excluded")
)

// PanicError is a panic of a handler or a callback, returned or given to OnError in its
// place. It unwraps to Value if that is an error. It is the PanicError of packages
// asynchandler and async too.
//
//	Handler string // "next", "fallback", or the field of Settings
//	Value   any    // what the code panicked with
//	Stack   []byte // the goroutine's stack at the panic
type PanicError = panics.Error

// report calls onError, if there is one, and drops its panics: there is nobody left to tell.
func report(onError func(error), err error) {
	if onError == nil {
		return
	}
	defer func() { _ = recover() }()
	onError(err)
}
