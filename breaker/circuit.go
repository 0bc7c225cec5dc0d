package breaker

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sony/gobreaker/v2"
)

// This file is all that talks to gobreaker. Everything in it runs with mu held.

// outcome is what a call means for the circuit.
type outcome uint8

const (
	nothing outcome = iota // not told to the circuit
	success
	failure
	exclusion
)

// jitterShare is the part of Timeout by which the open time is longer at most: one tenth.
const jitterShare = 10

// newCircuit returns a closed circuit. It has none of the user's callbacks, which would run
// under its mutex.
func (b *Breaker) newCircuit() *gobreaker.CircuitBreaker[struct{}] {
	return gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:         b.settings.Name,
		MaxRequests:  b.settings.MaxRequests,
		Interval:     b.settings.Interval,
		BucketPeriod: b.settings.BucketPeriod,
		Timeout:      b.settings.Timeout,
		ReadyToTrip:  b.circuitReadyToTrip,
		OnStateChange: func(_ string, _, to gobreaker.State) {
			b.setState(to)
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errExcluded) },
	})
}

// tell records a call that ended. Execute allocates nothing for these functions, and they
// always return, so what gobreaker leaves undone after a runtime.Goexit does not matter
// here.
func (b *Breaker) tell(o outcome) {
	switch o {
	case success:
		_, _ = b.circuit.Execute(succeed)
	case failure:
		_, _ = b.circuit.Execute(fail)
	case exclusion:
		_, _ = b.circuit.Execute(exclude)
	case nothing:
	}
}

func succeed() (struct{}, error) { return struct{}{}, nil }
func fail() (struct{}, error)    { return struct{}{}, errFailed }
func exclude() (struct{}, error) { return struct{}{}, errExcluded }

func (b *Breaker) record(succeeded bool, o outcome) {
	if b.state() == gobreaker.StateHalfOpen {
		b.recordProbe(succeeded, o)
		return
	}
	if succeeded {
		b.tell(success)
	}
	b.tell(o)
}

func (b *Breaker) recordProbe(succeeded bool, o outcome) {
	if o == nothing && succeeded {
		o = success
	}
	if o == nothing || o == exclusion {
		b.probes-- // it showed nothing: another may try
	}
	b.tell(o)
}

// circuitReadyToTrip decides by the default rule. A rule of the user's is asked later, with
// the same counts and no lock.
func (b *Breaker) circuitReadyToTrip(counts gobreaker.Counts) bool {
	if b.forced || b.settings.ReadyToTrip == nil {
		return b.forced || tooManyFailures(counts)
	}
	b.unjudged = &counts
	return false
}

// open opens the circuit from any other state, by a failure that is one too many.
func (b *Breaker) open() {
	if b.state() == gobreaker.StateOpen {
		return // an expired circuit would take the failure for a probe's
	}
	b.forced = true
	b.tell(failure)
	b.forced = false
}

func (b *Breaker) state() gobreaker.State { return b.status.Load().state }

// setState publishes a change of state and ends the epoch; with the state as it is, it only
// ends the epoch.
func (b *Breaker) setState(to gobreaker.State) {
	b.epoch++
	b.probes = 0
	s := *b.status.Load()
	from := s.state
	if from == to {
		return
	}
	s.state = to
	switch to {
	case gobreaker.StateOpen:
		s.opened++
		b.startOpenTime()
	case gobreaker.StateHalfOpen:
		s.halfOpened++
	case gobreaker.StateClosed:
		s.closed++
	}
	b.status.Store(&s)
	if b.settings.OnStateChange != nil {
		b.changes = append(b.changes, change{from, to})
	}
}

// startOpenTime sets when a probe may be tried. The circuit expires at its own Timeout,
// counted from no later than now, and is open until strictly after it: hence 1 ns more at
// least.
func (b *Breaker) startOpenTime() {
	jitter := rand.Int64N(max(int64(b.settings.Timeout)/jitterShare, 1))
	// Added one by one: the sum of two durations could overflow.
	b.openUntil = time.Now().Add(b.settings.Timeout).Add(1 + time.Duration(jitter))
}
