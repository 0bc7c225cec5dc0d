package course

// scale knows how many of the records held an eviction may remove, and what these weigh.
type scale[T any] struct {
	weigh func(*T) (weight int64, protected bool) // nil: nobody has asked
	n     [2]int                                  // with the protected ones apart
	sum   [2]int64
}

// Weigh says what records weigh and which are protected. Both must stay the same for one that
// is held; call Weigh again if they do not.
func (c *Course[T]) Weigh(weigh func(*T) (weight int64, protected bool)) {
	c.scale = scale[T]{weigh: weigh}
	for i := range c.held {
		c.weigh(&c.held[i], 1)
	}
}

// weigh adds a record to what the scale knows, or takes it off with n -1.
func (c *Course[T]) weigh(h *Held[T], n int) {
	s := &c.scale
	if s.weigh == nil || !h.evictable() {
		return
	}
	weight, protected := s.weigh(&h.Value)
	i := class(protected)
	s.n[i] += n
	s.sum[i] += int64(n) * weight
}

func class(protected bool) int {
	if protected {
		return 1
	}
	return 0
}

// evictable reports whether the record is lost to nobody but its queue: the destination has
// no part of it, and it is not on the disk.
func (h *Held[T]) evictable() bool { return !h.torn && !h.Stored }

// Weight returns what [Course.Evict] may remove weighs, once Weigh was called. It looks at
// no record.
func (c *Course[T]) Weight(protected bool) int64 {
	sum := c.scale.sum[0]
	if protected {
		sum += c.scale.sum[1]
	}
	return sum
}

// Evict removes the oldest records while more says so, calls drop with each before that, and
// returns how many they were: those that are not protected, or with protected all. It keeps
// what the destination has a part of, and what is on the disk. It looks at no record when
// there is none to remove, else at those up to the last that it removes.
func (c *Course[T]) Evict(protected bool, more func() bool, drop func(*T)) (evicted int) {
	left := c.scale.n[0]
	if protected {
		left += c.scale.n[1]
	}
	i := 0
	for ; evicted < left && more(); i++ {
		h := &c.held[i]
		if h.evictable() {
			if _, is := c.scale.weigh(&h.Value); protected || !is {
				c.count(h, -1)
				drop(&h.Value)
				evicted++
				continue
			}
		}
		c.held[i-evicted] = *h
	}
	c.shift(i-evicted, evicted)
	return evicted
}

// shift closes the gap of n records behind the first kept ones.
func (c *Course[T]) shift(kept, n int) {
	if n == 0 {
		return
	}
	copy(c.held[n:], c.held[:kept])
	clear(c.held[:n])
	if c.held = c.held[n:]; len(c.held) == 0 {
		c.held = nil // the memory of an outage
	}
}
