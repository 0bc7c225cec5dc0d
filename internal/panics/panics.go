// Package panics has the error that a panic of code of the user's becomes. Packages async and
// breaker, which know nothing of each other, show it as their PanicError.
package panics

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Error reports code that panicked or ended its goroutine.
type Error struct {
	Handler string // name of the handler
	Value   any    // what was given to panic; an error that says so for [runtime.Goexit]
	Stack   []byte // as of [debug.Stack]
}

// errGoexit is the value of an Error for runtime.Goexit.
var errGoexit = errors.New("runtime.Goexit was called")

// New returns the Error of what recover returned, with the stack of the caller.
func New(handler string, value any) *Error {
	if value == nil {
		value = errGoexit
	}
	return &Error{Handler: handler, Value: value, Stack: debug.Stack()}
}

// Error names the handler and the value, without the stack.
func (e *Error) Error() string {
	return fmt.Sprintf("asynchandler: handler %q: panic: %v", e.Handler, e.Value)
}

// Unwrap returns the panic's value if it is an error, else nil.
func (e *Error) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
