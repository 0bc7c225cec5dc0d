package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// TestChaos runs random episodes for as long as CHAOS says: several producers, one to three
// handlers with options by chance, a next that suffers all that can happen to one, and
// a disk that does (P14), of which copies are looked at as after a crash. The test's own
// ledger of each record must agree with what the handlers say (P3).
//
// CHAOS_SEED replays one episode. It makes the same choices again, but does not fix the
// schedule: give -count as well.
func TestChaos(t *testing.T) {
	if s := os.Getenv("CHAOS_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "CHAOS_SEED")
		playEpisode(t, seed)
		return
	}
	duration := 3 * time.Second
	if s := os.Getenv("CHAOS"); s != "" {
		var err error
		duration, err = time.ParseDuration(s)
		require.NoError(t, err, "CHAOS")
	}
	episodes := 0
	for end := time.Now().Add(duration); time.Now().Before(end) && !t.Failed(); episodes++ {
		seed := uint64(rand.Uint32())
		t.Run(fmt.Sprintf("CHAOS_SEED=%d", seed), func(t *testing.T) { playEpisode(t, seed) })
	}
	t.Logf("%d episodes", episodes)
}

// episode is a short life of some handlers.
type episode struct {
	t        *testing.T
	bubble   bool // time is synctest's
	unit     time.Duration
	subjects []*subject
	multi    *asynchandler.MultiHandler // of all subjects; nil if there is none
	budget   *membudget.Budget          // that they share; nil if none
	lasting  act
	deadline time.Duration // of the shutdown

	mu  sync.Mutex
	rnd *rand.Rand
}

// playEpisode plays most episodes in a bubble, where time costs nothing, and some in real
// time.
func playEpisode(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	if rnd.IntN(10) == 0 {
		newEpisode(t, rnd, false).play(seed)
		return
	}
	synctest.Test(t, func(t *testing.T) { newEpisode(t, rnd, true).play(seed) })
}

func newEpisode(t *testing.T, rnd *rand.Rand, bubble bool) *episode {
	e := &episode{t: t, bubble: bubble, unit: time.Millisecond, rnd: rnd}
	if !bubble {
		e.unit /= 5
	}
	e.deadline = time.Hour
	if rnd.IntN(4) == 0 {
		e.lasting = []act{refuse, hang}[rnd.IntN(2)]
	}
	if e.lasting != obey || rnd.IntN(2) == 0 {
		e.deadline = time.Duration(rnd.IntN(50)) * e.unit
	}
	if rnd.IntN(3) == 0 {
		e.budget = membudget.New(int64(1000+rnd.IntN(20_000)), membudget.Options{})
	}
	handlers := []*asynchandler.Handler{}
	for range 1 + rnd.IntN(3) {
		s := newSubject(t, rnd, e.unit, e.lasting, e.budget)
		e.subjects = append(e.subjects, s)
		handlers = append(handlers, s.Handler)
	}
	if rnd.IntN(2) == 0 {
		e.multi = asynchandler.NewMultiHandler(handlers...)
	}
	return e
}

func (e *episode) rand(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rnd.IntN(n)
}

// play has the producers log for a while, twice, the second time until after the end.
func (e *episode) play(seed uint64) {
	var watching sync.WaitGroup
	stop := make(chan struct{})
	for _, s := range e.subjects {
		watching.Go(func() { s.watch(7*e.unit, stop) })
	}
	producers := make([]*producer, 1+e.rand(5))
	for g := range producers {
		producers[g] = &producer{episode: e, g: g, rnd: rand.New(rand.NewPCG(seed, uint64(g+2)))}
	}
	if e.lasting == obey { // else they might wait for ever
		e.produce(producers)
		e.check(false)
	}
	ending := make(chan struct{})
	go func() {
		defer close(ending)
		time.Sleep(time.Duration(e.rand(200)) * e.unit)
		e.shutdown()
		if e.lasting != obey { // else it holds up what goes straight to next now
			e.heal()
		}
	}()
	e.produce(producers)
	<-ending
	e.produce(producers)
	e.heal()
	close(stop)
	watching.Wait()
	e.check(true)
}

func (e *episode) heal() {
	for _, s := range e.subjects {
		s.next.heal()
		s.other.heal()
		if s.disk != nil {
			s.disk.fate.heal()
		}
	}
}

// produce lets each producer log some records. In the end next may be called on their
// goroutines, and end these.
func (e *episode) produce(producers []*producer) {
	var wg sync.WaitGroup
	for _, p := range producers {
		wg.Go(func() { p.log(p.rnd.IntN(40)) })
	}
	wg.Wait()
}

// shutdown ends all handlers, each several times at once.
func (e *episode) shutdown() {
	var wg sync.WaitGroup
	for _, s := range e.subjects {
		taken, _ := s.settled()
		s.early = len(taken)
	}
	if e.multi != nil && e.rand(2) == 0 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), e.deadline)
			defer cancel()
			_ = e.multi.Shutdown(ctx)
		})
	}
	for _, s := range e.subjects {
		for range 1 + e.rand(3) {
			wg.Go(func() { _ = s.shutdown(e, e.deadline) })
		}
	}
	wg.Wait()
}

// check checks the ledgers at a moment at which nothing happens any more, or for now.
func (e *episode) check(ended bool) {
	if e.bubble && ended {
		time.Sleep(time.Hour) // all calls have returned
	}
	for _, s := range e.subjects {
		if e.bubble {
			synctest.Wait()
		} else {
			s.settle(e.t, ended)
		}
		if e.t.Failed() { // it has said enough; play goes on, or goroutines would be left
			return
		}
		if s.check(ended, e.bubble); e.t.Failed() {
			e.t.Errorf("at the end: %t, in a bubble: %t, deadline %v, lasting %d, %+v\n%+v", ended, e.bubble, e.deadline, e.lasting, s.setting, s.Stats())
		}
	}
	if ended && e.budget != nil {
		assert.Zero(e.t, e.budget.Used())
	}
}

// settle waits until all has its outcome, but for a record that was torn after the end.
func (s *subject) settle(t *testing.T, ended bool) {
	testsink.Eventually(t, "settled", func() bool {
		st, counted := s.Stats(), s.panicsCounted()
		s.mu.Lock()
		defer s.mu.Unlock()
		left := 0
		if n := len(s.output); ended && n > 0 && s.output[n-1] != '\n' {
			left = 1
		}
		return counted && (ended || st.Spooled == 0) && st.Depth <= left && st.InFlight == 0 &&
			(!ended || st.MemoryUsed == 0) && // which one that is refused gives back behind OnDrop
			s.told.failures+s.told.stalls+s.told.panics+s.told.suppressed >= int(st.DeliveryErrors+st.Stalls)
	})
	time.Sleep(5 * time.Millisecond) // what is behind that, such as a callback's own records
}
