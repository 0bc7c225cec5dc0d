package ring

// scale knows what the waiting elements weigh, as far as they were looked at: those of the
// side list and those in the slots before seen. So each of them is looked at once, however
// often somebody asks, and what leaves or comes back is taken off or added.
type scale[T any] struct {
	weigh     func(*T) (weight int64, protected bool) // nil: nobody has asked
	seen      uint64
	evictable int64 // the sum of what Evict may remove
	protected int64 // the sum of all others
}

// Weigh says what elements weigh and which are protected. Both must stay the same for one that
// waits, and it must be what [Ring.Evict] is told; call Weigh again if it is not.
func (r *Ring[T]) Weigh(weigh func(*T) (weight int64, protected bool)) {
	r.scale = scale[T]{weigh: weigh, seen: r.head.Load()}
	for i := range r.side {
		r.scale.add(&r.side[i].v, i >= r.loose, 1)
	}
}

// Enough reports whether the elements that [Ring.Evict] may remove, or with protected those
// that [Ring.Drain] may, weigh at least so much. Nothing is removed. If not, stuck tells that
// it could not look at all, as one is not published. It looks at no element twice.
func (r *Ring[T]) Enough(least int64, protected bool) (enough, stuck bool) {
	s, tail := &r.scale, r.Tail()
	for s.seen = max(s.seen, r.head.Load()); ; s.seen++ {
		sum := s.evictable
		if protected {
			sum += s.protected
		}
		if sum >= least {
			return true, false
		}
		v := r.at(s.seen)
		if v == nil {
			return false, s.seen < tail
		}
		s.add(v, false, 1)
	}
}

// add adds the weight of an element, or takes it off with sign -1. Those that Evict has
// found to be protected are known to be.
func (s *scale[T]) add(v *T, known bool, sign int64) {
	if s.weigh == nil {
		return
	}
	weight, protected := s.weigh(v)
	if known || protected {
		s.protected += sign * weight
	} else {
		s.evictable += sign * weight
	}
}

// unweigh is called before the element in a slot is removed.
func (r *Ring[T]) unweigh(pos uint64, v *T) {
	if pos < r.scale.seen {
		r.scale.add(v, false, -1)
	}
}
