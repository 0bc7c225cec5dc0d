package testsink

import (
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
)

// Step is what a [FaultWriter] does with one Write; w is the writer within. Tests may bring
// their own.
type Step func(w io.Writer, p []byte) (int, error)

// Accept is a [Step] that writes all of p.
func Accept(w io.Writer, p []byte) (int, error) { return w.Write(p) }

// Short returns a [Step] that writes the first n bytes (at most all) and returns their
// number and err. With a nil err and n below len(p) it breaks the contract of io.Writer,
// with n at or above len(p) it reports err for a whole write.
func Short(n int, err error) Step {
	return func(w io.Writer, p []byte) (int, error) {
		if n == 0 { // a write of nothing would show in a Buffer
			return 0, err
		}
		n, werr := w.Write(p[:min(n, len(p))])
		if werr != nil {
			return n, werr
		}
		return n, err
	}
}

// Full returns a [Step] that writes all of p and returns err beside len(p).
func Full(err error) Step {
	return func(w io.Writer, p []byte) (int, error) { return Short(len(p), err)(w, p) }
}

// NoSpace returns a [Step] that writes the first n bytes and fails as a file on a full disk
// does.
func NoSpace(n int) Step {
	return Short(n, &os.PathError{Op: "write", Path: "testsink", Err: syscall.ENOSPC})
}

// Negative returns a [Step] that writes nothing and returns -1 and err.
func Negative(err error) Step {
	return func(io.Writer, []byte) (int, error) { return -1, err }
}

// Over returns a [Step] that writes all of p and returns one more than its length, and err.
func Over(err error) Step {
	return func(w io.Writer, p []byte) (int, error) {
		n, werr := w.Write(p)
		if werr != nil {
			return n, werr
		}
		return n + 1, err
	}
}

// PanicAfter returns a [Step] that writes the first n bytes and panics with value.
func PanicAfter(n int, value any) Step {
	return func(w io.Writer, p []byte) (int, error) {
		_, _ = Short(n, nil)(w, p)
		panic(value)
	}
}

// Goexit is a [Step] that writes nothing and calls runtime.Goexit.
func Goexit(io.Writer, []byte) (int, error) {
	runtime.Goexit()
	return 0, nil
}

// FaultWriter is a writer that follows a script, one [Step] for each Write. When the script
// is at its end the writer is healthy. Steps of concurrent calls may run side by side.
type FaultWriter struct {
	w io.Writer

	mu     sync.Mutex
	script []Step
	always Step // where the script has ended; nil: Accept
	calls  int
}

// NewFaultWriter returns a writer around w (nil: io.Discard) that follows the script.
func NewFaultWriter(w io.Writer, script ...Step) *FaultWriter {
	return &FaultWriter{w: orDiscard(w), script: slices.Clone(script)}
}

// Write does the next step of the script.
func (f *FaultWriter) Write(p []byte) (int, error) {
	return f.next()(f.w, p)
}

func (f *FaultWriter) next() Step {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if len(f.script) > 0 {
		step := f.script[0]
		f.script = f.script[1:]
		return step
	}
	if f.always != nil {
		return f.always
	}
	return Accept
}

// Then adds steps to the end of the script.
func (f *FaultWriter) Then(steps ...Step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = append(f.script, steps...)
}

// Always makes step the one of every Write after the script, until Heal.
func (f *FaultWriter) Always(step Step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = step
}

// Heal drops what is left of the script: every Write from now on is healthy.
func (f *FaultWriter) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script, f.always = nil, nil
}

// Calls returns how often Write was called.
func (f *FaultWriter) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}
