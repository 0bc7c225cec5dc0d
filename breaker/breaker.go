package breaker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Breaker is the circuit breaker of this package without the handler, for code that calls
// next by itself: it asks [Breaker.Allow] before each call and tells [Breaker.Done] after
// it. Create it with [NewBreaker]: the zero Breaker is not usable. All methods may be
// called concurrently.
//
// It knows of calls that hang ([Breaker.Trip]). [Breaker.Stats] shows it from outside at no
// cost to those who log.
type Breaker struct {
	// Fixed by NewBreaker.
	settings gobreaker.Settings // zero fields replaced, but for ReadyToTrip
	onError  func(error)

	// Replaced as a whole with mu held, read without: who looks on never waits.
	status atomic.Pointer[status]

	// No code of the user runs with mu held, nor with gobreaker's own mutex, so callbacks
	// may call back.
	mu sync.Mutex
	// circuit hears of a call only when it has ended, so one that never ends cannot block
	// it half-open.
	circuit   *gobreaker.CircuitBreaker[struct{}]
	epoch     uint64    // changes with the state and at Reset; a call whose ticket is another no longer counts
	openUntil time.Time // always later than the circuit's own expiry
	probes    uint32    // half-open: calls allowed, less those whose result did not count
	inFlight  int       // calls allowed and not done
	hung      int       // of those, the ones that Trip found; while there are any, the breaker stays open
	forced    bool      // the failure now recorded opens the circuit whatever the counts say

	unjudged  *gobreaker.Counts // what the user's ReadyToTrip is still to be asked about
	changes   []change          // what the user's OnStateChange is still to hear of, oldest first
	notifying bool              // some goroutine is in OnStateChange
}

type status struct {
	state                      gobreaker.State
	opened, halfOpened, closed uint64
}

type change struct{ from, to gobreaker.State }

// Stats is the state of a [Breaker] and how often it changed to each state since
// [NewBreaker], by Trip and Reset too. It has no name of its own: so it is what
// [github.com/asynchandler/asynchandler/async.Stats] shows of a breaker, although neither
// package imports the other.
type Stats = struct {
	// State is "closed", "open" or "half-open".
	State      string `json:"state"`
	Opened     uint64 `json:"opened"`      // changes to open
	HalfOpened uint64 `json:"half_opened"` // changes to half-open
	Closed     uint64 `json:"closed"`      // changes to closed
}

// NewBreaker returns a closed breaker. OnError hears of panics in the callbacks of
// Settings. It panics on a negative duration, and on a Fallback: a Breaker has no records.
func NewBreaker(opts Options) *Breaker {
	if opts.Fallback != nil {
		panic(fmt.Sprintf("breaker: NewBreaker: Options.Fallback(%T): want nil", opts.Fallback))
	}
	return newBreaker(opts)
}

func newBreaker(opts Options) *Breaker {
	b := &Breaker{settings: withDefaults(opts.Settings), onError: opts.OnError, epoch: 1}
	b.status.Store(&status{state: gobreaker.StateClosed})
	b.circuit = b.newCircuit()
	return b
}

// Permit is what [Breaker.Allow] answers. It has no name of its own, like [Stats].
type Permit = struct {
	// OK: next may be called, and [Breaker.Done] must be called with the Ticket exactly
	// once when the call ended, however it ended.
	OK     bool
	Ticket uint64
	// Probe: the breaker is half-open and the call should be as small as can be.
	Probe bool
	// Retry is how long until asking again makes sense, if not OK, and always above 0 then:
	// the rest of the open time, or a whole one while a probe or a hung call is out, whose
	// end nobody knows.
	Retry time.Duration
}

// Allow asks whether next may be called now.
func (b *Breaker) Allow() Permit {
	p, _ := b.admit()
	return p
}

func (b *Breaker) admit() (p Permit, refused error) {
	b.mu.Lock()
	p.Probe, p.Retry, refused = b.ask()
	p.OK, p.Ticket = refused == nil, b.epoch
	if p.OK {
		b.inFlight++
	}
	changed := len(b.changes) > 0
	b.mu.Unlock()
	if changed {
		b.notifyBefore(p.Ticket, p.OK)
	}
	return p, refused
}

// OpenTime returns for how long the breaker stays open, less up to a tenth of that: Timeout.
func (b *Breaker) OpenTime() time.Duration { return b.settings.Timeout }

func (b *Breaker) ask() (probe bool, retry time.Duration, refused error) {
	if b.state() == gobreaker.StateOpen {
		if b.hung > 0 {
			return false, b.settings.Timeout, errOpen
		}
		if rest := time.Until(b.openUntil); rest > 0 {
			return false, rest, errOpen
		}
		b.circuit.State() // its expiry has passed: it becomes half-open
	}
	switch b.state() {
	case gobreaker.StateClosed:
		return false, 0, nil
	case gobreaker.StateHalfOpen:
		if b.probes < b.settings.MaxRequests {
			b.probes++
			return true, 0, nil
		}
		return false, b.settings.Timeout, errProbed
	default: // the clock went back between two readings
		return false, b.settings.Timeout, errOpen
	}
}

// Done tells how the call with that ticket ended. A call may stand for a run of records:
// succeeded says that next took at least one of them, err is the failure that ended the
// run, nil if none did. The success counts before the failure, and so ends the streak of
// failures before it. A probe is judged by err alone. With succeeded false and err nil, the
// call does not count. Neither do calls that were allowed before the last change of state
// or [Breaker.Reset].
func (b *Breaker) Done(ticket uint64, succeeded bool, err error) {
	if err == nil {
		b.settle(ticket, succeeded, nothing)
		return
	}
	o := failure
	defer func() { b.settle(ticket, succeeded, o) }() // deferred: a callback may end the goroutine
	o = b.judge(err)
}

func (b *Breaker) settle(ticket uint64, succeeded bool, o outcome) {
	b.mu.Lock()
	returned := b.release() // no other calls are allowed while some hang
	switch {
	case ticket == b.epoch:
		b.record(succeeded, o)
	case returned && succeeded && o == nothing:
		b.close() // next is well: that was the probe
	}
	unjudged := b.unjudged
	b.unjudged = nil
	changed := len(b.changes) > 0
	b.mu.Unlock()

	if unjudged != nil && b.readyToTrip(*unjudged) {
		b.openIf(ticket)
		changed = true
	}
	if changed {
		b.notify()
	}
}

// release takes one call out of those in flight. The last hung one to return starts an open
// time of its own; release reports whether it was that one.
func (b *Breaker) release() (last bool) {
	b.inFlight = max(b.inFlight-1, 0)
	if b.hung == 0 {
		return false
	}
	if b.hung--; b.hung == 0 {
		b.startOpenTime()
	}
	return b.hung == 0
}

// openIf opens the breaker on the verdict about a call, unless its state changed while the
// verdict was sought.
func (b *Breaker) openIf(ticket uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ticket == b.epoch {
		b.open()
	}
}

// Trip is for a caller that finds the calls now in flight hung. It opens the breaker at
// once, whatever the counts say, and keeps it open until all of these calls are done. If
// the last of them succeeded, that was the probe and the breaker closes; else an open time
// begins, and a probe follows. With no call in flight, as when it returned just now, Trip
// does nothing.
func (b *Breaker) Trip() {
	b.mu.Lock()
	if b.inFlight > 0 {
		b.hung = b.inFlight
		b.open()
	}
	b.mu.Unlock()
	b.notify()
}

// Reset closes the breaker now and clears its counts, also while a call hangs. Calls in
// flight no longer count.
func (b *Breaker) Reset() {
	b.mu.Lock()
	b.hung = 0
	b.close()
	b.mu.Unlock()
	b.notify()
}

// close closes the breaker, with mu held.
func (b *Breaker) close() {
	b.circuit = b.newCircuit() // gobreaker has no reset; nothing calls the old one again
	b.setState(gobreaker.StateClosed)
}

// Stats returns the present state. It never blocks, changes no state and runs no callback:
// a breaker whose open time is over is open until [Breaker.Allow] lets a probe through.
func (b *Breaker) Stats() Stats {
	s := b.status.Load()
	return Stats{State: s.state.String(), Opened: s.opened, HalfOpened: s.halfOpened, Closed: s.closed}
}

// Counts returns the calls that ended since the last change of state, or since the last
// Interval. They are not cleared before the next call ends, even if an Interval is over.
func (b *Breaker) Counts() gobreaker.Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.circuit.Counts()
}
