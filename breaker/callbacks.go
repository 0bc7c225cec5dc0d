package breaker

import (
	"errors"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/internal/panics"
)

// This file calls the user's callbacks, all of it with no lock held.

// judge asks the user what err means. A panic or exit of next is a failure whatever error
// it carried.
func (b *Breaker) judge(err error) outcome {
	if b.isPanic(err) {
		return failure
	}
	if b.says("Settings.IsExcluded", b.settings.IsExcluded, err) {
		return exclusion
	}
	if b.says("Settings.IsSuccessful", b.settings.IsSuccessful, err) {
		return success
	}
	return failure
}

// isPanic asks methods of err, which are the user's: if they panic, so much the worse for err.
func (b *Breaker) isPanic(err error) (yes bool) {
	yes = true
	b.protect("a method of next's error", func() {
		_, yes = errors.AsType[*PanicError](err)
		yes = yes || errors.Is(err, ErrGoexit)
	})
	return yes
}

func (b *Breaker) says(name string, predicate func(error) bool, err error) (yes bool) {
	if predicate != nil {
		b.protect(name, func() { yes = predicate(err) })
	}
	return yes
}

func (b *Breaker) readyToTrip(counts gobreaker.Counts) bool {
	trip := tooManyFailures(counts) // stands if the user's rule panics
	b.protect("Settings.ReadyToTrip", func() { trip = b.settings.ReadyToTrip(counts) })
	return trip
}

// notify tells the user of the changes that are waiting, unless a goroutine is at it: that
// one will tell these too.
func (b *Breaker) notify() {
	for {
		b.mu.Lock()
		if b.notifying || len(b.changes) == 0 {
			b.mu.Unlock()
			return
		}
		c := b.changes[0]
		b.changes = b.changes[1:]
		b.notifying = true
		b.mu.Unlock()
		b.stateChanged(c)
	}
}

func (b *Breaker) stateChanged(c change) {
	defer func() { // deferred: the callback may end the goroutine
		b.mu.Lock()
		b.notifying = false
		b.mu.Unlock()
	}()
	b.protect("Settings.OnStateChange", func() { b.settings.OnStateChange(b.settings.Name, c.from, c.to) })
}

// notifyBefore is notify ahead of a call that has been allowed: if the callback ends the
// goroutine, the call will never be made, and must not stay the probe that all wait for.
func (b *Breaker) notifyBefore(ticket uint64, allowed bool) {
	returned := false
	defer func() {
		if allowed && !returned {
			b.Done(ticket, false, nil)
		}
	}()
	b.notify()
	returned = true
}

// protect runs f and reports its panic.
func (b *Breaker) protect(where string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			report(b.onError, panics.New(where, v))
		}
	}()
	f()
}
