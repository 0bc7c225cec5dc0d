package ring

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// record is large enough for the race detector and for torn copies to show.
type record struct {
	producer, seq int // seq counts from 1
	protected     bool
	copies        [4]int // of seq
}

func newRecord(producer, seq int) record {
	return record{producer, seq, seq%5 == 0, [4]int{seq, seq, seq, seq}}
}

func (r *record) isProtected() bool { return r.protected }

// ledger is what became of the records of each producer.
type ledger struct {
	delivered, dropped [][]record // by producer
	refused            []int      // by producer
}

func newLedger(producers int) *ledger {
	return &ledger{make([][]record, producers), make([][]record, producers), make([]int, producers)}
}

func (l *ledger) deliver(records []record) {
	for _, r := range records {
		l.delivered[r.producer] = append(l.delivered[r.producer], r)
	}
}

func (l *ledger) drop(r *record) { l.dropped[r.producer] = append(l.dropped[r.producer], *r) }

// requireComplete checks that of the records each producer submitted every one has
// exactly one outcome, that they are whole, and that they were delivered in order.
func (l *ledger) requireComplete(t *testing.T, submitted []int) {
	t.Helper()
	for p := range submitted {
		seen, count := make([]bool, submitted[p]+1), 0
		for _, records := range [][]record{l.delivered[p], l.dropped[p]} {
			for _, r := range records {
				same(t, newRecord(p, r.seq), r)
				same(t, false, seen[r.seq])
				seen[r.seq] = true
				count++
			}
		}
		require.Equal(t, submitted[p], count+l.refused[p])
		require.True(t, slices.IsSortedFunc(l.delivered[p], func(a, b record) int { return cmp.Compare(a.seq, b.seq) }))
	}
}

func withProcs(t *testing.T, f func(t *testing.T)) {
	for _, procs := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("GOMAXPROCS %d", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			f(t)
		})
	}
}

func TestRingConcurrentSafe(t *testing.T) {
	for _, capacity := range []int{1, 4, 64, 1024} {
		t.Run(fmt.Sprintf("capacity %d", capacity), func(t *testing.T) {
			withProcs(t, func(t *testing.T) { hammer(t, startingAt[record](capacity, blockSpan-1000)) })
		})
	}
}

// hammer has four goroutines that push, one that takes and returns some of it, and
// one that evicts.
func hammer(t *testing.T, r *Ring[record]) {
	const producers, each = 4, 2000
	l := newLedger(producers)
	var pushing, removing sync.WaitGroup
	var mu sync.Mutex
	var over atomic.Bool
	for p := range producers {
		pushing.Go(func() { l.refused[p] = produce(t, r, p, each) })
	}
	removing.Go(func() {
		for !over.Load() {
			takeAndReturn(r, &mu, l)
		}
	})
	removing.Go(func() {
		for !over.Load() {
			mu.Lock()
			n := r.Evict(2, (*record).isProtected, func(v *record) {
				assert.False(t, v.protected)
				l.drop(v)
			})
			assert.LessOrEqual(t, n, 2)
			if rand.IntN(8) == 0 {
				r.Drain(2, l.drop)
			}
			inSlots := r.Tail() - r.Head()
			mu.Unlock()
			assert.LessOrEqual(t, inSlots, uint64(r.Cap()))
			pause()
		}
	})
	pushing.Wait()
	over.Store(true)
	removing.Wait()

	l.deliver(r.Take(nil, r.Len()))
	require.Zero(t, r.Len())
	submitted := make([]int, producers)
	for p := range submitted {
		submitted[p] = each
	}
	l.requireComplete(t, submitted)
}

// produce pushes n records and returns how many were refused.
func produce(t *testing.T, r *Ring[record], producer, n int) (refused int) {
	for i := range n {
		pos, v, status := r.Reserve()
		for try := 0; status != Reserved && try < 100; try++ {
			runtime.Gosched()
			pos, v, status = r.Reserve()
		}
		if status != Reserved {
			refused++
			continue
		}
		assert.True(t, *v == record{}, "the slot is still in use")
		*v = newRecord(producer, i+1)
		if i%16 == 0 {
			pause() // others see it reserved and not published
		}
		r.Publish(pos)
	}
	return refused
}

// Ready is asked by a worker that is about to sleep while others remove elements, and with
// them their segments.
func TestReadyConcurrentSafe(t *testing.T) {
	withProcs(t, func(t *testing.T) {
		const n = 20_000
		r := New[int](4 * segmentLen)
		push(t, r, 1)
		var over atomic.Bool
		var asking sync.WaitGroup
		for range 2 {
			asking.Go(func() {
				for !over.Load() && assert.True(t, r.Ready()) {
				}
			})
		}
		for i := range n { // one at least waits all the time
			push(t, r, i+2)
			require.True(t, r.EvictOldest(func(*int) {}))
		}
		over.Store(true)
		asking.Wait()
	})
}

// takeAndReturn delivers a part of what it takes. As it lets go of the lock in
// between, others may evict what is behind.
func takeAndReturn(r *Ring[record], mu *sync.Mutex, l *ledger) {
	mu.Lock()
	batch := r.Take(nil, 1+rand.IntN(8))
	mu.Unlock()
	pause()
	mu.Lock()
	defer mu.Unlock()
	begun := rand.IntN(len(batch) + 1)
	l.deliver(batch[:begun])
	r.Return(batch[begun:])
}

// pause lets others go first, often.
func pause() {
	if rand.IntN(2) == 0 {
		runtime.Gosched()
	}
}

// Seal is one moment: what is reserved before it comes out, and nothing is
// reserved after it.
func TestSealConcurrentSafe(t *testing.T) {
	withProcs(t, func(t *testing.T) {
		for range 100 {
			sealWhilePushing(t, New[record](256)) // room enough to push without a break
		}
	})
}

func sealWhilePushing(t *testing.T, r *Ring[record]) {
	const producers = 3
	l := newLedger(producers)
	submitted := make([]int, producers)
	var pushing, sealing sync.WaitGroup
	var isSealed atomic.Bool // set after Seal has returned
	var sealers atomic.Int32 // that Seal told they were the one
	for p := range producers {
		pushing.Go(func() { submitted[p], l.refused[p] = produceUntilSealed(t, r, p, &isSealed) })
	}
	for range 2 {
		sealing.Go(func() {
			for target := rand.Uint64N(1000); r.Tail() < target && !r.Sealed(); {
				runtime.Gosched()
			}
			if r.Seal() {
				sealers.Add(1)
			}
			isSealed.Store(true)
		})
	}
	var tail uint64 // when the ring was sealed for sure
	for done := false; !done; {
		if done = isSealed.Load(); done {
			tail = r.Tail()
		}
		l.deliver(r.Take(nil, 64))
		pause()
	}
	sealing.Wait()
	pushing.Wait()
	l.deliver(r.Take(nil, r.Len()))

	require.Equal(t, int32(1), sealers.Load())
	require.Equal(t, tail, r.Tail(), "nothing is reserved after the seal")
	require.Zero(t, r.Len())
	l.requireComplete(t, submitted)
	require.Equal(t, tail, uint64(len(l.delivered[0])+len(l.delivered[1])+len(l.delivered[2])))
}

// produceUntilSealed pushes until the ring is sealed, and some more.
func produceUntilSealed(t *testing.T, r *Ring[record], producer int, isSealed *atomic.Bool) (submitted, refused int) {
	found := 0 // how often the ring was found sealed
	for found < 3 {
		late := isSealed.Load()
		submitted++
		pos, v, status := r.Reserve()
		switch status {
		case Reserved:
			assert.False(t, late, "reserved after Seal returned")
			assert.Zero(t, found, "reserved after Reserve said sealed")
			*v = newRecord(producer, submitted)
			if submitted%16 == 0 {
				pause()
			}
			r.Publish(pos)
			continue
		case Full:
			assert.False(t, late, "not told that the ring is sealed")
			assert.Zero(t, found, "not told that the ring is sealed")
		case Sealed:
			found++
		}
		refused++
		pause()
	}
	return submitted, refused
}
