package waitroom

import (
	"sync"
	"sync/atomic"
	"time"
)

// PerRecord is how long a destination may take for a record to be worth waiting for. A
// faster one keeps up with what callers have logged before they wait in vain; a slower one
// would only slow them down to its pace.
const PerRecord = 20 * time.Microsecond

// Tick is how often a delivery is looked at while somebody waits.
const Tick = 2 * time.Millisecond

// free is how long a delivery may take before it counts while it is under way.
const free = 10 * time.Millisecond

// Credit is for how long callers may still wait, all of them together. Deliveries earn it
// and cost it; a destination that makes no progress uses it up. The zero Credit has none.
// All methods may be called concurrently.
type Credit struct {
	left atomic.Int64
	most time.Duration
	mu   sync.Mutex
}

// Charge is what a delivery under way was charged: there may be several, into different
// handlers. The zero Charge is that of one that begins.
type Charge struct {
	seen    int           // records that were begun at the last tick
	early   time.Duration // ticks in its first time, which count only if it takes longer
	advance time.Duration // what it was charged already
	late    time.Duration // by how much ticks came too late in it
}

// NewCredit returns a full one.
func NewCredit(most time.Duration) *Credit {
	c := &Credit{most: most}
	c.left.Store(int64(most))
	return c
}

// Left returns for how long callers may wait; 0 is not at all. What would be used up before
// the next tick is nothing: who waits would notice too late.
func (c *Credit) Left() time.Duration {
	if left := time.Duration(c.left.Load()); left >= min(Tick, c.most/8) {
		return left
	}
	return 0
}

// Settle tells that n records were taken in a delivery of that length: it earns [PerRecord]
// for each. What the process could not have noticed, since timers came late as well, was a
// lack of processors, and not the destination's fault.
func (c *Credit) Settle(ch *Charge, n int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(time.Duration(n)*PerRecord - max(0, d-ch.late) + ch.advance)
}

// Stand tells of a tick: that much time has passed since the last one, in a delivery that
// is that old and has begun that many records. A tick that comes late counts as one.
func (c *Credit) Stand(ch *Charge, passed, age time.Duration, begun int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed > Tick {
		ch.late += passed - Tick
		passed = Tick
	}
	ch.early += passed
	if age <= free {
		return
	}
	passed, ch.early = ch.early, 0
	cost := passed - time.Duration(max(0, begun-ch.seen))*PerRecord
	ch.seen = max(ch.seen, begun)
	ch.advance += cost
	c.add(-cost)
}

// Idle tells of a tick in which nothing was tried.
func (c *Credit) Idle(passed time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(-min(passed, Tick))
}

func (c *Credit) add(d time.Duration) {
	c.left.Store(min(max(0, c.left.Load()+int64(d)), int64(c.most)))
}
