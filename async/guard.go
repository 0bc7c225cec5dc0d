package async

import (
	"time"

	"github.com/asynchandler/asynchandler/internal/panics"
)

// guard runs f, which is or calls code of the user's, and then after, whatever
// became of f: with nil if it returned, else with what it panicked with or an
// error for runtime.Goexit. In that last case the goroutine goes on to end; only
// deferred calls are still made, after's among them.
func (g *engine) guard(f func(), after func(*PanicError)) {
	returned := false
	defer func() {
		if returned {
			after(nil)
			return
		}
		after(panics.New(g.opts.Name, recover()))
	}()
	f()
	returned = true
}

// aside calls f, code of the user's that the worker calls outside of a delivery: next makes
// no progress meanwhile.
func (g *engine) aside(f func()) {
	g.resting.Add(1)
	defer g.resting.Add(-1)
	g.guard(f, g.notePanic)
}

// apart calls f on a goroutine of its own, which f may end, and waits for its end.
func (g *engine) apart(f func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.guard(f, g.notePanic)
	}()
	<-ended
}

// notePanic counts the panic of a callback.
func (g *engine) notePanic(p *PanicError) {
	if p == nil {
		return
	}
	message := textOf(p)
	g.locked(func() {
		g.accounts.counts.panics++
		g.accounts.counts.note(message, time.Now())
	})
}

// early calls f, code of the user's, while the engine is made: nobody else has it yet.
func (g *engine) early(f func()) {
	g.guard(f, func(p *PanicError) {
		if p != nil {
			g.accounts.counts.panics++
			g.accounts.counts.note(textOf(p), time.Now())
		}
	})
}

// isolate calls f and sets *err to what it returned or panicked with, also if f ends
// the goroutine.
func (g *engine) isolate(err *error, f func() error) {
	g.guard(func() { *err = f() }, func(p *PanicError) {
		if p != nil {
			g.notePanic(p)
			*err = p
		}
	})
}

// textOf is what err says in one line, whatever its method does but ending the goroutine.
func textOf(err error) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = "an error whose Error method panics"
		}
	}()
	return oneLine(err.Error())
}
