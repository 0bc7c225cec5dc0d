package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// act is what next, its writer or the fallback does with one call.
type act uint8

const (
	obey act = iota
	refuse
	refuseForGood // with ErrPermanent
	burst         // panic
	leave         // runtime.Goexit
	hang
	dawdle
	reenter // log, flush or close through the handler itself
	nibble  // take a part
	overstate
	understate
)

// fate decides what comes over a handler: single mishaps and outages that end.
type fate struct {
	unit     time.Duration // of all that takes time
	hangs    time.Duration // how long a call hangs: longer than the stall timeout
	rate     int           // a mishap in so many calls, 0 for none ever
	gentle   bool          // nothing that is the fault of a single record
	slow     time.Duration // that each call takes
	lasting  act           // refuse or hang: what every call does until the healing; obey for none
	released chan struct{} // closed at the healing

	mu      sync.Mutex
	rnd     *rand.Rand
	outage  time.Time // end of it
	torn    bool      // the next call refuses, so that a line stays torn
	healed  bool
	thrown  int // panics and Goexits
	exits   int // Goexits
	blameIt int // mishaps that are the fault of a record
}

func newFate(rnd *rand.Rand, unit time.Duration, lasting act) *fate {
	slow := []time.Duration{0, 0, 0, 0, unit, 20 * unit}[rnd.IntN(6)]
	if unit == time.Millisecond && rnd.IntN(12) == 0 { // where time costs nothing
		slow = 1200 * unit // the worker's role goes to another meanwhile
	}
	return &fate{
		slow: slow, unit: unit, hangs: 300 * unit, rate: []int{0, 8, 30, 200}[rnd.IntN(4)], gentle: rnd.IntN(3) == 0,
		lasting: lasting, released: make(chan struct{}), rnd: rand.New(rand.NewPCG(rnd.Uint64(), 0)),
	}
}

// one reports true once in n times.
func (f *fate) one(n int) bool { return f.intN(n) == 0 }

func (f *fate) intN(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rnd.IntN(n)
}

// heal ends all trouble to come.
func (f *fate) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.healed {
		f.healed = true
		close(f.released)
	}
}

// next says what the next call does.
func (f *fate) next() act {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.healed:
		return obey
	case f.lasting != obey:
		return f.lasting
	case f.torn || time.Now().Before(f.outage):
		f.torn = false
		return refuse
	case f.rate == 0 || f.rnd.IntN(f.rate) > 0:
		return obey
	}
	return f.mishap()
}

// mishap chooses one. f.mu is held.
func (f *fate) mishap() act {
	acts := []act{refuse, refuse, hang, dawdle, dawdle, reenter, nibble, nibble, nibble, overstate, understate, refuse, refuseForGood, burst, leave}
	if f.gentle {
		acts = acts[:len(acts)-3]
	}
	i := f.rnd.IntN(len(acts))
	if i == 0 {
		f.outage = time.Now().Add(time.Duration(f.rnd.IntN(1000)) * f.unit)
	}
	f.torn = acts[i] == nibble && f.rnd.IntN(2) == 0
	if acts[i] >= refuseForGood && acts[i] <= leave {
		f.blameIt++
	}
	return acts[i]
}

// suffer does what does not depend on who is called, and returns an error or not.
func (f *fate) suffer(a act) error {
	if f.slow > 0 {
		time.Sleep(f.slow)
	}
	switch a {
	case refuse:
		return testsink.ErrFault
	case refuseForGood:
		return fmt.Errorf("%w: %w", asynchandler.ErrPermanent, testsink.ErrFault)
	case burst:
		f.throw()
		panic("chaos")
	case leave:
		f.throw()
		f.exit()
		runtime.Goexit()
	case dawdle:
		time.Sleep(f.unit)
	case hang:
		if f.lasting == hang {
			<-f.released
		} else {
			time.Sleep(f.hangs)
		}
		if f.one(2) {
			return testsink.ErrFault
		}
	}
	return nil
}

func (f *fate) throw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.thrown++
}

func (f *fate) exit() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exits++
}

// harm is how often there was a panic or a Goexit, how often the latter, and how many
// mishaps were a record's fault.
func (f *fate) harm() (thrown, exits, blameIt int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.thrown, f.exits, f.blameIt
}

// maybeHang hangs once in n times, for longer than the stall timeout.
func (f *fate) maybeHang(n int) {
	if f.one(n) {
		time.Sleep(f.hangs)
	}
}

// blame notes a record that is bad.
func (f *fate) blame() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blameIt++
}

// maybeBurst panics once in n times, as a callback may.
func (f *fate) maybeBurst(n int) {
	if f.one(n) {
		f.throw()
		panic("chaos in a callback")
	}
}
