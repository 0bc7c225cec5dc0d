package ring

// The methods of this file remove elements or put some back. They must not be
// called concurrently with each other: the caller holds its lock around them.

// Len returns how many elements wait, those that are reserved but not yet
// published included.
func (r *Ring[T]) Len() int {
	return int(r.Tail()-r.head.Load()) + len(r.side)
}

// SideLen returns how many of the waiting elements are in the side list.
func (r *Ring[T]) SideLen() int { return len(r.side) }

// Lend tells how many elements that were taken still count as waiting: so many fewer may
// be reserved.
func (r *Ring[T]) Lend(n int) {
	r.lent = n
	r.advance(r.head.Load())
}

// Passed reports whether all elements from before a position have been taken or
// evicted. It may report false wrongly while returned elements wait.
func (r *Ring[T]) Passed(pos uint64) bool {
	return r.head.Load() >= pos && (len(r.side) == 0 || r.side[0].pos >= pos)
}

// Take appends up to n of the oldest elements to dst, clears their places and
// returns the extended slice. It stops at an element that is not published.
func (r *Ring[T]) Take(dst []T, n int) []T {
	if k := min(n, len(r.side)); k > 0 {
		for i := range r.side[:k] {
			dst = append(dst, r.side[i].v)
		}
		r.shiftSide(k)
		n -= k
	}
	head := r.head.Load()
	for run := r.run(head, n); len(run) > 0; run = r.run(head, n) {
		for i := range run {
			dst = append(dst, run[i].v)
			r.unweigh(head+uint64(i), &run[i].v)
			clearSlot(&run[i].v)
		}
		head += uint64(len(run))
		n -= len(run)
	}
	r.advance(head)
	return dst
}

// Drain removes up to n of the oldest elements, protected or not, calls drop with each
// before its place is cleared, and returns how many they were. It does not copy them. It
// stops at an element that is not published. Drop must not call into the ring.
func (r *Ring[T]) Drain(n int, drop func(*T)) (drained int) {
	if k := min(n, len(r.side)); k > 0 {
		for i := range r.side[:k] {
			drop(&r.side[i].v)
		}
		r.shiftSide(k)
		drained = k
	}
	head := r.head.Load()
	for run := r.run(head, n-drained); len(run) > 0; run = r.run(head, n-drained) {
		for i := range run {
			drop(&run[i].v)
			r.unweigh(head+uint64(i), &run[i].v)
			clearSlot(&run[i].v)
		}
		head += uint64(len(run))
		drained += len(run)
	}
	r.advance(head)
	return drained
}

// run returns the slots from pos on that are published, at most n and all of one segment.
func (r *Ring[T]) run(pos uint64, n int) []slot[T] {
	seg := r.directory.segment(pos)
	if seg == nil || n <= 0 {
		return nil
	}
	slots := seg.slots[pos%segmentLen:]
	slots = slots[:min(n, len(slots))]
	for i := range slots {
		if !slots[i].has(pos + uint64(i)) {
			return slots[:i]
		}
	}
	return slots
}

// Return puts elements that were taken back to the front, in their order. It
// may bring the number of waiting elements above the capacity; then nothing can
// be reserved until enough were removed.
func (r *Ring[T]) Return(items []T) {
	if len(items) == 0 {
		return
	}
	side := make([]aside[T], len(items), len(items)+len(r.side))
	for i := range items {
		side[i].v = items[i]
		r.scale.add(&items[i], false, 1)
	}
	r.side = append(side, r.side...)
	r.loose += len(items)
	r.advance(r.head.Load())
}

// Evict removes up to n of the oldest elements for which protected is false,
// calls drop with each before its place is cleared, and returns how many they
// were. Protected elements that it meets move to the side list. It stops at an
// element that is not published. Neither function may call into the ring.
func (r *Ring[T]) Evict(n int, protected func(*T) bool, drop func(*T)) (evicted int) {
	if r.loose > 0 {
		evicted = r.evictSide(n, protected, drop)
	}
	head := r.head.Load()
	for evicted < n {
		v := r.at(head)
		if v == nil {
			break
		}
		if protected(v) {
			r.side = append(r.side, aside[T]{*v, head})
			if head >= r.scale.seen { // the sums of the side list have all of it
				r.scale.add(v, true, 1)
			}
		} else {
			drop(v)
			r.unweigh(head, v)
			evicted++
		}
		clearSlot(v)
		head++
	}
	r.advance(head)
	return evicted
}

// evictSide does Evict's work among the elements that were returned. Once it has
// looked at all of them, those that are left are known to be protected. Those behind them
// stay where they are, however many.
func (r *Ring[T]) evictSide(n int, protected func(*T) bool, drop func(*T)) (evicted int) {
	kept := r.side[:0]
	for i := 0; i < r.loose && evicted < n; i++ {
		if e := &r.side[i]; protected(&e.v) {
			kept = append(kept, *e)
		} else {
			drop(&e.v)
			r.scale.add(&e.v, false, -1)
			evicted++
		}
	}
	copy(r.side[evicted:], kept)
	clear(r.side[:evicted])
	if r.loose -= evicted; evicted < n {
		r.loose = 0
	}
	r.setSide(r.side[evicted:])
	return evicted
}

// EvictOldest removes the oldest element, protected or not, calls drop with it
// before its place is cleared, and reports whether there was one.
func (r *Ring[T]) EvictOldest(drop func(*T)) bool { return r.Drain(1, drop) == 1 }

// shiftSide removes the k oldest elements of the side list.
func (r *Ring[T]) shiftSide(k int) {
	for i := range r.side[:k] {
		r.scale.add(&r.side[i].v, i >= r.loose, -1)
	}
	clear(r.side[:k])
	r.loose = max(0, r.loose-k)
	r.setSide(r.side[k:])
}

// setSide lets go of the side list's memory once it is empty: it exists only
// while there is trouble.
func (r *Ring[T]) setSide(side []aside[T]) {
	if len(side) == 0 {
		side = nil
	}
	r.side = side
}

// advance moves the head and with it the limit of the producers. It must come
// after the slots before head were cleared: the store of the limit is what tells a
// producer that a position is free, and the place of its segment in the directory with
// it. Ready looks at the head again when it finds a segment gone, so the head comes first.
func (r *Ring[T]) advance(head uint64) {
	before := r.head.Load()
	r.head.Store(head)
	r.directory.release(before, head)
	r.aside.Store(int64(len(r.side)))
	free := max(0, int(r.capacity)-len(r.side)-r.lent)
	r.limit.Store(head + uint64(free))
}

// clearSlot lets go of what the element referred to, so that nothing delivered
// is kept alive by the ring.
func clearSlot[T any](v *T) {
	var zero T
	*v = zero
}

// Stuck reports whether there is anything in the slots. After a removal that
// found nothing it tells why: true means that the oldest slot was not published
// then, and that trying again will help; false means that there is nothing else.
// It does not look at the slot, which may have been published since.
func (r *Ring[T]) Stuck() bool { return r.Tail() != r.head.Load() }
