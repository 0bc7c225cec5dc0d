// Package notify calls functions of the user's, one after the other, on a goroutine that
// exists only while there is something to tell: one that hangs delays nobody else.
package notify

import (
	"math"
	"sync"
	"time"
)

// All is for functions that must not be left out.
const All = math.MaxInt

// Queue is functions that wait to be called, in order. A Queue with a Run is ready for use.
// All methods may be called concurrently.
type Queue struct {
	// Run calls f on the queue's goroutine. It must recover from a panic of f; if f ends
	// the goroutine, the queue goes on with another one.
	Run func(f func())
	// Idle is called there when there is nothing left to call. It returns how long to
	// wait before it is called again, 0 for an end. What is added meanwhile waits as
	// long. May be nil.
	Idle func() (again time.Duration)

	mu      sync.Mutex
	waiting []func()
	running bool
	closed  bool          // nobody waits for a pause any more
	started bool          // Start was called since Idle was
	last    bool          // Idle was called since closed was set
	done    chan struct{} // closed when the goroutine ends
	hurry   chan struct{} // closed to end a pause
}

// Add adds f unless limit functions wait already, beside the one that is being called, and
// reports whether it did.
func (q *Queue) Add(limit int, f func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= limit {
		return false
	}
	q.waiting = append(q.waiting, f)
	q.startLocked()
	return true
}

// Start makes the goroutine call Idle, if it does not run.
func (q *Queue) Start() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.started = true
	q.startLocked()
}

func (q *Queue) setStarted(started bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.started = started
}

// Hurried reports whether somebody waits for the end of what there is to tell.
func (q *Queue) Hurried() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func (q *Queue) startLocked() {
	if !q.running {
		q.running = true
		q.done, q.hurry = make(chan struct{}), make(chan struct{})
		go q.work()
	}
}

// Done returns what is closed when there is nothing left to tell, nil if that is so now. A
// pause under way ends, and Idle is called once more; one that it asks for then is waited for.
func (q *Queue) Done() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	if !q.running {
		return nil
	}
	select {
	case <-q.hurry:
	default:
		close(q.hurry)
	}
	return q.done
}

// work calls what waits. If a function ends the goroutine, another takes its place.
func (q *Queue) work() {
	ended := false
	defer func() {
		if !ended {
			go q.work()
		}
	}()
	for {
		f, more := q.next()
		if !more {
			if q.pause() {
				continue
			}
			ended = true
			return
		}
		q.Run(f)
	}
}

func (q *Queue) next() (f func(), ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.waiting = nil
		return nil, false
	}
	f = q.waiting[0]
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
	return f, true
}

// pause is called when nothing waits. It reports whether to look again.
func (q *Queue) pause() bool {
	var again time.Duration
	q.setStarted(false)
	if q.Idle != nil {
		again = q.Idle()
	}
	q.mu.Lock()
	if len(q.waiting) > 0 || q.started {
		q.mu.Unlock()
		return true
	}
	if again <= 0 {
		q.running = false
		close(q.done)
		q.mu.Unlock()
		return false
	}
	hurry := q.hurry
	if q.last { // Idle knows that somebody waits for the end, and yet wants a pause
		hurry = nil
	}
	q.last = q.closed
	q.mu.Unlock()
	timer := time.NewTimer(again)
	defer timer.Stop()
	select {
	case <-hurry:
	case <-timer.C:
	}
	return true
}
