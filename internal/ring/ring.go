// Package ring is the bounded queue between the goroutines that log and the
// one that delivers.
//
// Producers are lock-free: [Ring.Reserve] claims the next position with one
// compare-and-swap, the caller fills the slot in place, [Ring.Publish] hands it
// over. Everything that removes (the worker that takes, a producer that evicts
// the oldest to make room, a shutdown that clears out) runs under one lock of
// the caller's, so that a single party at a time moves the head and there is no
// ABA problem to solve.
//
// Elements that must outlive an eviction, and elements that were taken but
// handed back, wait in a side list that is older than the whole ring. "Side
// first, then ring" keeps the total order without a second counter.
//
// The capacity is a bound and costs nothing: the slots come in segments, which exist
// only where elements wait, and a few that are kept for the next ones.
package ring

import "sync/atomic"

// Status is what [Ring.Reserve] found.
type Status uint8

const (
	// Reserved means that the slot is the caller's until it calls [Ring.Publish].
	Reserved Status = iota
	// Full means that as many elements wait as may.
	Full
	// Sealed means that [Ring.Seal] was called: nothing is taken any more.
	Sealed
)

const cacheLine = 64

// sealed is the lowest bit of tail; the position is in the others.
const sealed = 1

// Ring is a bounded queue for many producers. Create it with [New]; it must not
// be copied.
//
// Reserve, Publish, Seal, Tail, Head and Ready may be called concurrently with
// everything. The methods of remove.go and weigh.go must not be called concurrently with
// each other.
type Ring[T any] struct {
	_    [cacheLine]byte
	tail atomic.Uint64 // next position to reserve << 1 | sealed; every producer writes it
	_    [cacheLine - 8]byte

	// current is a segment that positions were reserved in, most often the latest: it
	// spares producers the way through the directory.
	current atomic.Pointer[segment[T]]
	// limit is the first position that may not be reserved: head + capacity,
	// less what waits in the side list and what is lent. Producers only read it; it changes
	// once per removal, not once per element.
	limit    atomic.Uint64
	head     atomic.Uint64 // next position to remove
	capacity uint64
	_        [cacheLine - 32]byte

	directory *directory[T]
	side      []aside[T]   // older than every slot
	aside     atomic.Int64 // len(side)
	lent      int          // elements outside that count as waiting
	loose     int          // elements of side that came from Return, which may be unprotected
	scale     scale[T]
}

// aside is an element of the side list.
type aside[T any] struct {
	v   T
	pos uint64 // where it was, or 0 if that is not known
}

// New returns a ring for capacity elements, rounded up to a power of two.
// It panics if capacity is below 1.
func New[T any](capacity int) *Ring[T] {
	if capacity < 1 {
		panic("ring: capacity below 1")
	}
	n := uint64(1)
	for n < uint64(capacity) {
		n <<= 1
	}
	r := &Ring[T]{directory: newDirectory[T](n), capacity: n}
	first := new(segment[T])
	r.directory.spareSegments.put(first)
	r.current.Store(first)
	r.limit.Store(n)
	return r
}

// Cap returns how many elements may wait.
func (r *Ring[T]) Cap() int { return int(r.capacity) }

// Reserve claims the next position. With [Reserved] the caller must fill *v and
// call Publish(pos) soon: nothing behind that position is taken before.
func (r *Ring[T]) Reserve() (pos uint64, v *T, s Status) {
	for {
		t := r.tail.Load()
		if t&sealed != 0 {
			return 0, nil, Sealed
		}
		pos = t >> 1
		// A limit that is out of date belongs to an older head, so it never
		// lets a producer into a slot that is in use. One from before a
		// Return may be too high, which lets in a single element too many:
		// after that tail has moved, and the others look again.
		if pos >= r.limit.Load() {
			return 0, nil, Full
		}
		// As pos is not taken before it is reserved, the segment stays the right one
		// if it is now.
		seg := r.current.Load()
		found := seg.has(pos)
		if !r.tail.CompareAndSwap(t, t+2) {
			continue
		}
		if !found {
			seg = r.directory.install(pos)
			r.current.Store(seg)
		}
		return pos, &seg.slot(pos).v, Reserved
	}
}

// Publish hands the element at a reserved position over to the removers.
func (r *Ring[T]) Publish(pos uint64) {
	seg := r.current.Load()
	if !seg.has(pos) {
		seg = r.directory.segment(pos)
	}
	seg.slot(pos).published.Store(pos + 1)
}

// Seal ends the reserving: a Reserve is wholly before or wholly after it.
// It reports whether this call was the one that sealed.
func (r *Ring[T]) Seal() bool { return r.tail.Or(sealed)&sealed == 0 }

// Sealed reports whether the ring was sealed.
func (r *Ring[T]) Sealed() bool { return r.tail.Load()&sealed != 0 }

// Tail returns the position that the next Reserve would get, which is the
// number of elements that were ever reserved.
func (r *Ring[T]) Tail() uint64 { return r.tail.Load() >> 1 }

// Head returns the position of the oldest element in the slots.
func (r *Ring[T]) Head() uint64 { return r.head.Load() }

// Waiting returns how many elements wait, as far as can be told while some are being
// removed or returned.
func (r *Ring[T]) Waiting() int {
	return int(r.Tail() + r.capacity - r.limit.Load())
}

// Ready reports whether there is something to take, in the side list or
// published in the oldest slot. While elements are being removed it may report
// true wrongly. It reports false wrongly only while they are being returned, or if
// one is published in the meantime.
func (r *Ring[T]) Ready() bool {
	for {
		head := r.head.Load()
		if r.aside.Load() > 0 || r.at(head) != nil {
			return true
		}
		// The slot may be gone because the element was taken, and then
		// another is the oldest.
		if r.head.Load() == head {
			return false
		}
	}
}

// at returns the element at pos, or nil while it is not published.
func (r *Ring[T]) at(pos uint64) *T {
	seg := r.directory.segment(pos)
	if seg == nil || !seg.slot(pos).has(pos) {
		return nil
	}
	return &seg.slot(pos).v
}

// Full reports whether a Reserve would find the ring full.
func (r *Ring[T]) Full() bool { return r.tail.Load()>>1 >= r.limit.Load() }
