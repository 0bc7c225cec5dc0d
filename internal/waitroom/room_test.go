package waitroom_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/waitroom"
)

type waiter = waitroom.Waiter[int]

// enter puts n waiters into a room, in the order of their values.
func enter(room *waitroom.Room[int], n int) (waiters []*waiter) {
	for i := range n {
		waiters = append(waiters, &waiter{Value: i})
		room.Enter(waiters[i])
	}
	return waiters
}

// upTo lets n in and notes who.
func upTo(n int, in *[]int) func(*waiter) bool {
	return func(w *waiter) bool {
		if n--; n < 0 {
			return false
		}
		*in = append(*in, w.Value)
		return true
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	room := waitroom.New[int]()
	room.Admit(func(*waiter) bool { panic("nobody is there") })
	waiters := enter(room, 5)
	var in []int
	room.Admit(upTo(2, &in))
	assert.Equal(t, []int{0, 1}, in)
	assert.Equal(t, 3, room.Waiting())
	room.Again(waiters[2]) // it keeps its place
	assert.False(t, room.Leave(waiters[3]))
	room.Admit(upTo(9, &in))
	assert.Equal(t, []int{0, 1, 2, 4}, in)
	assert.Zero(t, room.Waiting())
	for i, w := range waiters {
		assert.Equal(t, i != 3, room.Leave(w), i)
	}
}

func TestAWaiterCanBeUsedForAnotherWait(t *testing.T) {
	room := waitroom.New[int]()
	w := enter(room, 1)[0]
	room.Admit(one())
	assert.True(t, room.Leave(w))
	room.Enter(w)
	assert.False(t, room.Admitted(w))
	assert.Equal(t, 1, room.Waiting())
	assert.False(t, room.Leave(w))
	assert.False(t, room.Leave(w), "twice is not too often")
	assert.Zero(t, room.Waiting())
}

// herd waits, all at once, while they are let in n at a time. It returns how often they
// woke up.
func herd(t *testing.T, size, n int) (woken int64) {
	synctest.Test(t, func(t *testing.T) {
		room := waitroom.New[int]()
		var total atomic.Int64
		for i := range size {
			go func() { total.Add(int64(await(room, &waiter{Value: i}, func() {}))) }()
		}
		synctest.Wait()
		for room.Waiting() > 0 {
			var in []int
			room.Admit(upTo(n, &in))
			synctest.Wait()
		}
		woken = total.Load()
	})
	return woken
}

// The many share a channel when the first of them is let in; after that each has its own.
func TestTenThousandThatWaitAreWokenTwiceAtMost(t *testing.T) {
	const size = 10_000
	woken := herd(t, size, 100)
	assert.GreaterOrEqual(t, woken, int64(size))
	assert.LessOrEqual(t, woken, int64(2*size))
}

func TestOnlyWhoIsAdmittedIsWoken(t *testing.T) {
	assert.Equal(t, int64(50), herd(t, 50, 1))
}

func TestNothingIsLeftOverFromAnEarlierWait(t *testing.T) {
	room := waitroom.New[int]()
	w := enter(room, 1)[0]
	room.Admit(one())
	assert.Len(t, room.Woken(w), 1)
	room.Leave(w)
	room.Enter(w)
	assert.Empty(t, room.Woken(w))
	room.Leave(w)
}

func TestWhoIsBeingServedWaitsForThatBeforeItLeaves(t *testing.T) {
	for name, in := range map[string]bool{"let in": true, "turned away": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room := waitroom.New[int]()
				w := enter(room, 1)[0]
				served, left := make(chan struct{}), make(chan bool)
				go room.Admit(func(*waiter) bool {
					<-served
					return in
				})
				synctest.Wait()
				go func() { left <- room.Leave(w) }()
				synctest.Wait()
				assert.Empty(t, left)
				assert.Equal(t, 1, room.Waiting())
				close(served)
				assert.Equal(t, in, <-left)
				assert.Zero(t, room.Waiting())
			})
		})
	}
}

func TestServingThatDoesNotReturnLeavesTheWaiterInItsPlace(t *testing.T) {
	room := waitroom.New[int]()
	waiters := enter(room, 2)
	assert.Panics(t, func() { room.Admit(func(*waiter) bool { panic("the budget's") }) })
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		room.Admit(func(*waiter) bool { runtime.Goexit(); return true })
	}()
	<-gone
	assert.Equal(t, 2, room.Waiting())
	var in []int
	room.Admit(upTo(2, &in))
	assert.Equal(t, []int{0, 1}, in)
	for _, w := range waiters {
		assert.True(t, room.Leave(w))
	}
}

// Else the room that was made meanwhile would stay empty, and who waits would wait on.
func TestRoomMadeWhileSomebodyIsTurnedAwayIsNotMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := waitroom.New[int]()
		w := enter(room, 1)[0]
		looked, full, tries := make(chan struct{}), true, 0
		go room.Admit(func(*waiter) bool {
			if tries++; tries == 1 {
				<-looked // it saw that the queue is full, and is about to say so
				return false
			}
			return !full
		})
		synctest.Wait()
		full = false
		room.Admit(func(*waiter) bool { panic("it is served by the other") })
		close(looked)
		synctest.Wait()
		assert.Equal(t, 2, tries)
		assert.True(t, room.Leave(w))
	})
}

func TestBlockedAndWaitingAreAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := waitroom.New[int]()
		blocked := func() []any {
			sum, n := room.Blocked()
			return []any{sum, n}
		}
		time.Sleep(time.Hour)
		assert.Equal(t, []any{time.Duration(0), 0}, blocked())
		began := time.Now()
		a := enter(room, 1)[0]
		assert.Equal(t, began, a.Since())
		time.Sleep(time.Second)
		b := enter(room, 1)[0]
		time.Sleep(time.Second)
		assert.Equal(t, []any{3 * time.Second, 2}, blocked())
		assert.Equal(t, 2*time.Second, room.Longest(time.Now()))
		assert.True(t, room.WantedSince(time.Now()))
		room.Leave(a)
		time.Sleep(time.Second)
		assert.Equal(t, []any{4 * time.Second, 1}, blocked())
		assert.Equal(t, 2*time.Second, room.Longest(time.Now()))
		room.Admit(one())
		room.Leave(b)
		time.Sleep(time.Hour)
		assert.Equal(t, []any{4 * time.Second, 0}, blocked())
		assert.Zero(t, room.Longest(time.Now()))
		assert.True(t, room.WantedSince(time.Now().Add(-2*time.Hour)))
		assert.False(t, room.WantedSince(time.Now().Add(-time.Hour)))
	})
}

// Each that enters is let in once, or leaves, whatever others do at the same time.
func TestRoomConcurrentSafe(t *testing.T) {
	const callers, rounds = 8, 200
	room := waitroom.New[int]()
	var places, in, left atomic.Int64
	var all sync.WaitGroup
	serve := func(*waiter) bool {
		if places.Add(-1) >= 0 {
			return true
		}
		places.Add(1)
		return false
	}
	for i := range callers {
		all.Go(func() {
			w := &waiter{Value: i}
			for round := range rounds {
				room.Enter(w)
				places.Add(1)
				room.Admit(serve)
				if round%3 == 0 {
					runtime.Gosched()
				} else {
					for !room.Admitted(w) {
						<-room.Woken(w)
						if !room.Admitted(w) {
							room.Again(w)
						}
					}
				}
				if room.Leave(w) {
					in.Add(1)
					continue
				}
				left.Add(1)
			}
		})
	}
	all.Wait()
	assert.Equal(t, int64(callers*rounds), in.Load()+left.Load())
	assert.Equal(t, left.Load(), places.Load(), "places that nobody took")
	sum, n := room.Blocked()
	assert.Zero(t, n)
	assert.GreaterOrEqual(t, sum, time.Duration(0))
}

func TestBellsConcurrentSafe(t *testing.T) {
	const ringers = 100 // some share
	bells := waitroom.NewBells()
	var rung [ringers]waitroom.Bell
	var all sync.WaitGroup
	for i := range rung {
		bells.Take(&rung[i])
		all.Go(func() { <-rung[i].C() })
	}
	for i := range rung {
		all.Go(func() {
			bells.Ring(&rung[i])
			bells.Ring(&rung[i]) // one too many does no harm
		})
	}
	all.Wait()
	for i := range slices.Backward(rung[:]) {
		bells.Give(&rung[i])
		bells.Give(&rung[i])
	}
	require.NotPanics(t, func() { bells.Ring(&waitroom.Bell{}) })
}
