package breaker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Breaker is the circuit breaker of this package without the handler, for code that calls next by itself: it asks
// [Breaker.Allow] before each call and tells [Breaker.Done] after it. Create it with [NewBreaker]: the zero Breaker is not
// usable. All methods may be called concurrently.
//
// It knows of calls that hang ([Breaker.Trip]). [Breaker.Snapshot] shows it from outside at no cost to those who log.
type Breaker struct {
	// Fixed by NewBreaker.
	settings gobreaker.Settings // zero fields replaced, but for ReadyToTrip
	onError  func(error)

	// Replaced as a whole with mu held, read without: who looks on never waits.
	status atomic.Pointer[status]

	// No code of the user runs with mu held, nor with gobreaker's own mutex, so callbacks may call back.
	mu sync.Mutex
	// circuit hears of a call only when it has ended, so one that never ends cannot block it half-open.
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

// Snapshot is the state of a [Breaker] and how often it changed to each state.
type Snapshot struct {
	State                      string // "closed", "open" or "half-open"
	Opened, HalfOpened, Closed uint64 // changes since NewBreaker, those by Trip and Reset too
}

// NewBreaker returns a closed breaker. Zero fields of settings have the meaning that [Options] gives them; it panics
// on a negative duration. onError hears of panics in the callbacks of settings; it may be nil.
func NewBreaker(settings gobreaker.Settings, onError func(error)) *Breaker {
	b := &Breaker{settings: withDefaults(settings), onError: onError, epoch: 1}
	b.status.Store(&status{state: gobreaker.StateClosed})
	b.circuit = b.newCircuit()
	return b
}

// Allow reports whether next may be called now. If ok, the caller must call [Breaker.Done] with the ticket exactly
// once when the call ended, however it ended. If probe, the breaker is half-open and the call should be as small as can be.
// If not ok, retry is how long until asking again makes sense, always above 0: the rest of the open time, or a whole
// one while a probe or a hung call is out, whose end nobody knows.
func (b *Breaker) Allow() (ticket uint64, probe bool, retry time.Duration, ok bool) {
	ticket, probe, retry, refused := b.admit()
	return ticket, probe, retry, refused == nil
}

func (b *Breaker) admit() (ticket uint64, probe bool, retry time.Duration, refused error) {
	b.mu.Lock()
	probe, retry, refused = b.ask()
	ticket = b.epoch
	if refused == nil {
		b.inFlight++
	}
	changed := len(b.changes) > 0
	b.mu.Unlock()
	if changed {
		b.notifyBefore(ticket, refused == nil)
	}
	return ticket, probe, retry, refused
}

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

// Done tells how the call with that ticket ended. A call may stand for a run of records: succeeded says that next took
// at least one of them, err is the failure that ended the run, nil if none did. The success counts first, as it came
// first, and so ends the streak of failures before it. Of a probe an error alone counts. Neither says nothing about
// next. Results of calls allowed before the last change of state or [Breaker.Reset] do not count.
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
	b.release()
	if ticket == b.epoch {
		b.record(succeeded, o)
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

// release takes one call out of those in flight. The last hung one to return starts an open time of its own.
func (b *Breaker) release() {
	b.inFlight = max(b.inFlight-1, 0)
	if b.hung == 0 {
		return
	}
	if b.hung--; b.hung == 0 {
		b.startOpenTime()
	}
}

// openIf opens the breaker on the verdict about a call, unless its state changed while the verdict was sought.
func (b *Breaker) openIf(ticket uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ticket == b.epoch {
		b.open()
	}
}

// Trip is for a caller that finds the calls now in flight hung. It opens the breaker at once, whatever the counts say,
// and keeps it open until all of these calls are done; then an open time begins, and a probe follows. Their results do
// not count. With no call in flight, as when it returned just now, Trip does nothing.
func (b *Breaker) Trip() {
	b.mu.Lock()
	if b.inFlight > 0 {
		b.hung = b.inFlight
		b.open()
	}
	b.mu.Unlock()
	b.notify()
}

// Reset closes the breaker now and clears its counts, also while a call hangs. Calls in flight no longer count.
func (b *Breaker) Reset() {
	b.mu.Lock()
	b.circuit = b.newCircuit() // gobreaker has no reset; nothing calls the old one again
	b.hung = 0
	b.setState(gobreaker.StateClosed)
	b.mu.Unlock()
	b.notify()
}

// Snapshot returns the present state. It never blocks, changes no state and runs no callback: a breaker whose open time
// is over is open until [Breaker.Allow] lets a probe through.
func (b *Breaker) Snapshot() Snapshot {
	s := b.status.Load()
	return Snapshot{State: s.state.String(), Opened: s.opened, HalfOpened: s.halfOpened, Closed: s.closed}
}

// Counts returns the calls that ended since the last change of state, or since the last Interval. They are not cleared
// before the next call ends, even if an Interval is over.
func (b *Breaker) Counts() gobreaker.Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.circuit.Counts()
}
