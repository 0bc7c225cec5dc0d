package async

import (
	"runtime/debug"
	"time"
)

// guard runs f, which is or calls code of the user's, and then after, whatever
// became of f: with nil if it returned, else with what it panicked with or an
// error for runtime.Goexit. In that last case the goroutine goes on to end; only
// deferred calls are still made, after's among them.
func (c *core) guard(f func(), after func(*PanicError)) {
	returned := false
	defer func() {
		if returned {
			after(nil)
			return
		}
		p := &PanicError{Handler: c.opts.Name, Value: recover(), Stack: debug.Stack()}
		if p.Value == nil {
			p.Value = errGoexit
		}
		after(p)
	}()
	f()
	returned = true
}

// notePanic counts the panic of a callback.
func (c *core) notePanic(p *PanicError) {
	if p == nil {
		return
	}
	message := text(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.panics++
	c.noteErrorLocked(message, time.Now())
}

// noteErrorLocked keeps an error for Stats. Its text is made before, by [text].
func (c *core) noteErrorLocked(text string, now time.Time) {
	c.counts.lastError, c.counts.lastErrorTime = text, now
}

// isolate calls f and sets *err to what it returned or panicked with, also if f ends
// the goroutine.
func (c *core) isolate(err *error, f func() error) {
	c.guard(func() { *err = f() }, func(p *PanicError) {
		if p != nil {
			c.notePanic(p)
			*err = p
		}
	})
}

// tell calls the error handler.
func (c *core) tell(err error) {
	c.guard(func() { c.onError(err) }, c.notePanic)
}

// text is what err says, whatever its method does.
func text(err error) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = "an error whose Error method panics"
		}
	}()
	return err.Error()
}
