package waitroom

import "sync"

// Bells wake goroutines one by one. Create them with [NewBells]. All methods may be called
// concurrently.
//
// A channel that was made in a synctest bubble must not be touched outside of it, and a
// handler is often made outside of the bubble in which a test logs. So those who wait make
// no channel: NewBells makes [made] of them. If more wait at once they share one, and the
// first Ring for these makes what they need. Should that run in a bubble, and the handler
// outside, the process ends with a fatal error; nor can what was made in a bubble be waited
// for outside.
type Bells struct {
	mu     sync.Mutex
	spare  []chan struct{}
	common chan struct{} // closed and replaced to wake all who have no channel of their own
	shared int           // who wait on it
}

// Bell is what one goroutine waits for. The zero Bell is ready for [Bells.Take].
type Bell struct {
	own    chan struct{} // capacity 1
	common <-chan struct{}
}

// made is how many can wait from the start without sharing a channel.
const made = 64

// NewBells returns bells that nobody waits for.
func NewBells() *Bells {
	s := &Bells{common: make(chan struct{})}
	s.addLocked(made)
	return s
}

// addLocked makes n channels more.
func (s *Bells) addLocked(n int) {
	for range n {
		s.spare = append(s.spare, make(chan struct{}, 1))
	}
}

// Take makes b ready to be waited for. Who wakes up must look whether it was meant, and if
// not, Give the bell back and Take it anew before looking again.
func (s *Bells) Take(b *Bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.spare); n > 0 {
		b.own, s.spare = s.spare[n-1], s.spare[:n-1]
		return
	}
	b.common = s.common
	s.shared++
}

// Give takes the bell back.
func (s *Bells) Give(b *Bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.own != nil {
		select {
		case <-b.own:
		default:
		}
		s.spare = append(s.spare, b.own)
	} else if b.common == s.common {
		s.shared--
	}
	*b = Bell{}
}

// C returns what receives when the bell rings.
func (b *Bell) C() <-chan struct{} {
	if b.own != nil {
		return b.own
	}
	return b.common
}

// Ring wakes who waits for b; if that has no channel of its own, all who have none, and
// there will be one for each of these when they come back.
func (s *Bells) Ring(b *Bell) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.own != nil {
		select {
		case b.own <- struct{}{}:
		default:
		}
		return
	}
	if b.common != s.common {
		return // it has rung
	}
	s.addLocked(s.shared)
	s.shared = 0
	close(s.common)
	s.common = make(chan struct{})
}
