package async

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/ring"
)

// room is where callers wait for the worker to make room.
//
// The worker itself puts the records of those who wait into the ring, first come, first
// served. Were they only woken, callers that just come could take the room before them
// again and again.
type room struct {
	// stalled says that a caller waited in vain. No other waits then until the
	// worker has made room again: an outage costs one wait, not one per call.
	stalled atomic.Bool
	made    atomic.Uint64 // deliveries that made room
	waiting atomic.Int32  // len of queue

	mu       sync.Mutex
	queue    list.List     // of *waiter
	signal   chan struct{} // closed when there is room, and replaced
	signaled time.Time
}

// waiter is a record for which there is no room yet. Guarded by room.mu while it is in
// the queue.
type waiter struct {
	entry
	acquired bool          // entry.size, of the budget
	place    *list.Element // nil when it is not in the queue
	admitted bool          // is in the ring, at pos
	pos      uint64
	depth    int // at which it reached the high-water mark, or 0
}

// gather is how long callers wait on while there is room for a few records only: to
// wake them costs more than to log.
const gather = time.Millisecond

// enter puts w, which may have its bytes already, into the queue. The caller must look at
// the ring once more before it waits, and call leave in the end.
func (m *room) enter(w *waiter, acquired bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting.Add(1)
	w.acquired = acquired
	w.place = m.queue.PushBack(w)
}

// leave takes w out of the queue and reports whether the worker did so before.
func (m *room) leave(w *waiter) (admitted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.removeLocked(w)
	return w.admitted
}

func (m *room) removeLocked(w *waiter) {
	if w.place != nil {
		m.queue.Remove(w.place)
		w.place = nil
		m.waiting.Add(-1)
	}
}

// next returns what will be closed when there is room, unless w is admitted already.
func (m *room) next(w *waiter) (signal <-chan struct{}, admitted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signal, w.admitted
}

// wanted reports whether somebody waits for room, or did shortly before now.
func (m *room) wanted(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queue.Len() > 0 || now.Sub(m.signaled) < maxWait
}

// firstLocked returns who has waited longest.
func (m *room) firstLocked() *waiter {
	if front := m.queue.Front(); front != nil {
		return front.Value.(*waiter)
	}
	return nil
}

// announce lets those in who wait, as far as there is room, and wakes all of them: who did
// not get in may find room that is made in the meantime. The worker calls it after every
// removal, and says whether it will not call again soon.
func (c *core) announce(now time.Time, last bool) {
	m := &c.room
	if m.waiting.Load() == 0 {
		return
	}
	much := c.muchRoom()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !much && !last && now.Sub(m.signaled) < gather {
		return
	}
	m.signaled = now
	c.admitLocked()
	close(m.signal)
	m.signal = make(chan struct{})
}

// muchRoom reports whether a quarter of the queue is free.
func (c *core) muchRoom() bool { return c.ring.Waiting() <= c.ring.Cap()*3/4 }

// admitLocked puts records of the queue into the ring as long as there is room. No code of
// the user's runs here: the lock is held, and the worker must go on.
func (c *core) admitLocked() {
	m := &c.room
	for w := m.firstLocked(); w != nil && !c.ring.Full() && (w.acquired || c.acquireAgain(w.size)); w = m.firstLocked() {
		pos, e, status := c.ring.Reserve()
		if status != ring.Reserved {
			if !w.acquired {
				c.release(w.size)
			}
			return
		}
		*e = w.entry
		c.ring.Publish(pos)
		w.pos, w.admitted = pos, true
		if c.highWater > 0 {
			w.depth = c.reachedHighWater(pos)
		}
		m.removeLocked(w)
	}
}

// progress is called when a delivery has succeeded.
func (m *room) progress() {
	m.made.Add(1)
	if m.stalled.Load() {
		m.stalled.Store(false)
	}
}
