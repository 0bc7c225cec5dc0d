// Package waitroom is where callers wait for room in a queue, first come, first served.
//
// Who makes room lets those in who have waited longest, as many as there is room for, and
// wakes these alone: ten thousand that wait cost hardly more than ten. For how long waiting is
// worth it, over a destination that is slow, is what [Credit] says.
package waitroom

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// state is where a waiter is.
type state uint8

const (
	outside state = iota
	waiting
	served // its record is being put into the queue
	admitted
)

// Waiter is one record that waits. It must not be used for two waits at once.
type Waiter[T any] struct {
	Value    T
	Acquired bool   // what it needs beside a place, it has
	Pos      uint64 // where it got in

	place   *list.Element
	bell    Bell
	state   state
	leaving bool // it wants to know when it is no longer served
	since   time.Time
}

// Room is the callers that wait. Create it with [New]. All methods may be called
// concurrently.
type Room[T any] struct {
	n     atomic.Int32 // waiters
	bells *Bells

	mu     sync.Mutex
	queue  list.List     // of *Waiter[T]
	began  time.Duration // sum of the times at which those that wait began to, since epoch
	waited time.Duration // by those that do not wait any more
	epoch  time.Time
	last   time.Time // when somebody waited last
	missed bool      // Admit was called while another call of it served
}

// New returns an empty room.
func New[T any]() *Room[T] { return &Room[T]{bells: NewBells(), epoch: time.Now()} }

// Waiting returns how many wait.
func (r *Room[T]) Waiting() int { return int(r.n.Load()) }

// Blocked returns the sum of the time that callers have waited, those included that still
// wait, and how many these are.
func (r *Room[T]) Blocked() (sum time.Duration, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = r.queue.Len()
	return r.waited + time.Duration(n)*time.Since(r.epoch) - r.began, n
}

// Longest returns for how long the first of those that wait has waited; 0 if nobody waits.
func (r *Room[T]) Longest(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if front := r.queue.Front(); front != nil {
		return max(0, now.Sub(front.Value.(*Waiter[T]).since))
	}
	return 0
}

// WantedSince reports whether somebody waits, or did since then.
func (r *Room[T]) WantedSince(t time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.Len() > 0 || r.last.After(t)
}

// Enter puts w at the end of those that wait. The caller must then call Admit, since there
// may be room by now, before it waits for Woken, and call Leave in the end, whatever happens.
func (r *Room[T]) Enter(w *Waiter[T]) {
	r.bells.Take(&w.bell)
	r.mu.Lock()
	defer r.mu.Unlock()
	w.since = time.Now()
	r.began += w.since.Sub(r.epoch)
	w.state, w.leaving = waiting, false
	w.place = r.queue.PushBack(w)
	r.n.Add(1)
}

// Again is called by who was woken and is not admitted, before it looks and waits again: w
// keeps its place.
func (r *Room[T]) Again(w *Waiter[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bells.Give(&w.bell)
	r.bells.Take(&w.bell)
}

// Woken returns what receives when w was admitted, or should look for room by itself.
func (r *Room[T]) Woken(w *Waiter[T]) <-chan struct{} { return w.bell.C() }

// Admitted reports whether w is in the queue.
func (r *Room[T]) Admitted(w *Waiter[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return w.state == admitted
}

// Leave takes w out of the room, if it is in there, and reports whether it was admitted
// before. While w is being served it waits for the end of that.
func (r *Room[T]) Leave(w *Waiter[T]) bool {
	for !r.left(w) {
		<-w.bell.C()
		r.Again(w)
	}
	r.bells.Give(&w.bell)
	return w.state == admitted
}

// left takes w out unless it is being served.
func (r *Room[T]) left(w *Waiter[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch w.state {
	case served:
		w.leaving = true
		return false
	case waiting:
		r.removeLocked(w)
		w.state = outside
	}
	return true
}

func (r *Room[T]) removeLocked(w *Waiter[T]) {
	r.queue.Remove(w.place)
	w.place = nil
	r.n.Add(-1)
	r.last = time.Now()
	r.waited += r.last.Sub(w.since)
	r.began -= w.since.Sub(r.epoch)
}

// Admit serves those that wait, in their order, as long as serve reports that it has put
// the record into the queue, and wakes these. There is one call of serve at a time, with no
// lock held; if another Admit has one under way, that one also serves for this. Should
// serve not return, who was served waits on.
func (r *Room[T]) Admit(serve func(*Waiter[T]) (in bool)) {
	for w := r.begin(); w != nil && r.serve(w, serve); w = r.begin() {
	}
}

// serve calls f for w, and puts w back if it was not let in, also if f panics. It reports
// whether it makes sense to go on: there may be more room than f has seen.
func (r *Room[T]) serve(w *Waiter[T], f func(*Waiter[T]) bool) (more bool) {
	in := false
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if in {
			r.removeLocked(w)
			w.state = admitted
		} else {
			w.state = waiting
		}
		if in || w.leaving {
			r.bells.Ring(&w.bell)
		}
		more = in || r.missed
	}()
	in = f(w)
	return in
}

// begin returns who has waited longest, or nil if nobody waits or is being served.
func (r *Room[T]) begin() *Waiter[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	front := r.queue.Front()
	if front == nil {
		return nil
	}
	w := front.Value.(*Waiter[T])
	if r.missed = w.state == served; r.missed {
		return nil // by somebody else, who serves for both
	}
	w.state = served
	return w
}

// Since returns when w began to wait.
func (w *Waiter[T]) Since() time.Time { return w.since }
