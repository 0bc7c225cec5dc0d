package notify

import (
	"sync"
	"time"
)

const (
	burst    = 10                     // errors told at once
	interval = 200 * time.Millisecond // between those after that: 5 a second
)

// Pace says how many errors are told while nothing goes well: 10, then 5 a second. What
// tells of them by the very way that fails makes a few records a second of it at most. The
// zero Pace is a full one. All methods may be called concurrently.
type Pace struct {
	mu   sync.Mutex
	used int // of the burst
	next time.Time
}

// Reset is called when something went well.
func (p *Pace) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = 0
}

// Take reports whether one may be told now, and if not, how long until then.
func (p *Pace) Take(now time.Time) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used < burst {
		p.used++
		p.next = now.Add(interval)
		return 0, true
	}
	if wait = p.next.Sub(now); wait > 0 {
		return wait, false
	}
	p.next = now.Add(interval)
	return 0, true
}
