package ring

import (
	"sync"
	"sync/atomic"
)

// spares are parts of the ring that are not in use, clean as new ones. A few are kept
// for good: a queue that keeps up works in them. What a burst took beyond that is kept for
// the next one until the garbage collector has come by twice. Spares may be used
// concurrently; the zero value has none.
type spares[E any] struct {
	hot  [4]atomic.Pointer[E]
	cold sync.Pool // of *E
}

func (s *spares[E]) get() *E {
	for i := range s.hot {
		if s.hot[i].Load() != nil {
			if e := s.hot[i].Swap(nil); e != nil {
				return e
			}
		}
	}
	if e, ok := s.cold.Get().(*E); ok {
		return e
	}
	return new(E)
}

func (s *spares[E]) put(e *E) {
	for i := range s.hot {
		if s.hot[i].Load() == nil && s.hot[i].CompareAndSwap(nil, e) {
			return
		}
	}
	s.cold.Put(e)
}

// fill returns what p points to, and lets it point to a spare one before if it points to
// nothing. Of several goroutines that do so at once each gets the same.
func (s *spares[E]) fill(p *atomic.Pointer[E]) *E {
	if e := p.Load(); e != nil {
		return e
	}
	e := s.get()
	if p.CompareAndSwap(nil, e) {
		return e
	}
	s.put(e)
	return p.Load()
}

// takeBack makes p point to nothing, and what it pointed to a spare one.
func (s *spares[E]) takeBack(p *atomic.Pointer[E]) { s.put(p.Swap(nil)) }
