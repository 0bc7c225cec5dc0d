// Package sleeper puts a goroutine to sleep between pieces of work that others publish, so that
// no wake-up is lost and few are needed.
//
// Who publishes looks at the [State] after that; the sleeper looks for what was published
// after it has stored how it sleeps. So one of the two sees the other.
package sleeper

import (
	"sync/atomic"
	"time"
)

const (
	// LongNap is how long work may gather after a little, if it keeps coming.
	LongNap = 2 * time.Millisecond
	// ShortNap is how long it may after much. It keeps coming if some is there less than that
	// after the last was done.
	ShortNap = 200 * time.Microsecond
)

// Manner is how somebody sleeps.
type Manner uint32

// The ways to sleep.
const (
	Awake    Manner = iota
	Napping         // while work gathers, not for long
	Parked          // there is nothing, and no timer
	Watching        // work waits, and one piece more may change what can be done with it
	Calling         // no sleep: inside a call, but somebody else could go on
	Gone            // for ever
)

// State is how the sleeper sleeps right now. It is apart from the rest, so that it can be near
// to what those read who publish. The zero State is awake.
type State struct{ manner atomic.Uint32 }

// Load returns how the sleeper sleeps.
func (s *State) Load() Manner { return Manner(s.manner.Load()) }

// Change reports whether it was so and now is otherwise.
func (s *State) Change(from, to Manner) bool {
	return s.manner.CompareAndSwap(uint32(from), uint32(to))
}

// End makes the State Gone.
func (s *State) End() { s.manner.Store(uint32(Gone)) }

// Sleeper sleeps for one goroutine at a time: that calls Nap and Rest. The other methods may be
// called concurrently. Create it with [New].
type Sleeper struct {
	state  *State
	begins func()        // called when it falls asleep,
	ends   func()        // and when it awakes
	wakeUp chan struct{} // capacity 1
	timer  *time.Timer   // of naps and rests
	began  time.Time
	due    atomic.Int64 // when the rest ends, since began; 0 for no time
}

// New returns a Sleeper with that State. It calls begins and ends around the time in which it
// runs no code.
func New(state *State, begins, ends func()) *Sleeper {
	s := &Sleeper{state: state, begins: begins, ends: ends, wakeUp: make(chan struct{}, 1), timer: time.NewTimer(time.Hour), began: time.Now()}
	s.timer.Stop()
	return s
}

// Nap sleeps for at most d, unless it is not quiet any more.
func (s *Sleeper) Nap(d time.Duration, quiet func() bool) {
	if !s.state.Change(Awake, Napping) {
		return
	}
	s.timer.Reset(d)
	if quiet() {
		s.sleepOn()
	}
	s.timer.Stop()
	s.state.Change(Napping, Awake)
}

// Rest sleeps in that way, for at most d if that is not 0, unless it is not quiet any more, and
// reports whether it slept. As Awake only a Poke ends it.
func (s *Sleeper) Rest(as Manner, d time.Duration, quiet func() bool) (slept bool) {
	s.due.Store(0)
	if d > 0 {
		s.timer.Reset(d) // before GatherFrom does
		s.due.Store(int64(time.Since(s.began) + d))
	}
	defer s.timer.Stop() // also if quiet ends the goroutine
	if !s.state.Change(Awake, as) {
		return false
	}
	defer s.awake()
	if slept = quiet(); slept {
		s.sleepOn()
	}
	return slept
}

// awake ends the sleep. Others may turn Parked and Watching into Napping meanwhile, and none
// does the reverse.
func (s *Sleeper) awake() {
	s.state.Change(Parked, Awake)
	s.state.Change(Watching, Awake)
	s.state.Change(Napping, Awake)
}

// sleepOn returns at a poke or when the timer has run out.
func (s *Sleeper) sleepOn() {
	s.begins()
	defer s.ends()
	select {
	case <-s.wakeUp:
	case <-s.timer.C:
	}
}

// GatherFrom turns a sleep of that kind into a nap of d, but not beyond the end of the rest.
func (s *Sleeper) GatherFrom(from Manner, d time.Duration) {
	if !s.state.Change(from, Napping) {
		return
	}
	due := s.due.Load()
	if due > 0 {
		d = min(d, time.Duration(due)-time.Since(s.began))
	}
	s.timer.Reset(d)
	if s.state.Load() != Napping || s.due.Load() != due { // it is the timer of another rest now
		s.Poke()
	}
}

// Wake ends the sleep if it still is of that kind.
func (s *Sleeper) Wake(from Manner) {
	if s.state.Change(from, Awake) {
		s.Poke()
	}
}

// WakeUp ends any sleep, in the order of awake.
func (s *Sleeper) WakeUp() {
	s.Wake(Parked)
	s.Wake(Watching)
	s.Wake(Napping)
}

// Poke makes the sleeper look around, whatever it sleeps for. A poke that comes before it
// sleeps is not lost; one too many does no harm.
func (s *Sleeper) Poke() {
	select {
	case s.wakeUp <- struct{}{}:
	default:
	}
}
