package waitroom_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/waitroom"
)

// A handler is often made outside of the bubble in which a test logs.
func TestWhoWaitsInABubbleCanBeWokenFromOutside(t *testing.T) {
	room := waitroom.New[int]()
	entered, admitted := make(chan struct{}, 3), make(chan int)
	done := make(chan struct{})
	go func() { // the worker
		defer close(done)
		for range 2 { // the second time with a channel of their own
			for range 3 {
				<-entered
			}
			for want := range 3 {
				room.Admit(one())
				assert.Equal(t, want, <-admitted)
			}
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			var all sync.WaitGroup
			for i := range 3 {
				waits := make(chan struct{})
				all.Go(func() {
					await(room, &waitroom.Waiter[int]{Value: i}, func() { close(waits) })
					admitted <- i
				})
				<-waits // the order of arrival
				entered <- struct{}{}
			}
			all.Wait()
		}
	})
	<-done
}

// A caller that looks for room once more lets others in, too.
func TestWhoWaitsInABubbleCanLetOthersInBeforeOneOutsideDoes(t *testing.T) {
	room := waitroom.New[int]()
	entered, done := make(chan struct{}), make(chan struct{})
	go func() { // the worker
		defer close(done)
		<-entered
		room.Admit(func(*waiter) bool { return true })
	}()
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			waiters := enter(room, 10)
			room.Admit(func(*waiter) bool { return true })
			for _, w := range waiters {
				<-room.Woken(w)
				assert.True(t, room.Leave(w))
			}
		}
		await(room, &waiter{}, func() { close(entered) })
	})
	<-done
}

func TestWaitingInsideABubbleLetsItsClockMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := waitroom.New[int]()
		time.AfterFunc(time.Hour, func() { room.Admit(one()) })
		await(room, &waitroom.Waiter[int]{}, func() {})
		blocked, n := room.Blocked()
		assert.Equal(t, time.Hour, blocked)
		assert.Zero(t, n)
	})
}

// one lets one in.
func one() func(*waitroom.Waiter[int]) bool {
	room := 1
	return func(*waitroom.Waiter[int]) bool {
		room--
		return room >= 0
	}
}

// await waits until w is admitted. It returns how often it woke up.
func await(room *waitroom.Room[int], w *waitroom.Waiter[int], waits func()) (woken int) {
	room.Enter(w)
	defer room.Leave(w)
	waits()
	for !room.Admitted(w) {
		<-room.Woken(w)
		if woken++; !room.Admitted(w) {
			room.Again(w)
		}
	}
	return woken
}
