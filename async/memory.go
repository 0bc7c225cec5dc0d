package async

import "log/slog"

// A Budget bounds the bytes that waiting records hold, as they are estimated. Its
// methods are called concurrently; Release is called with a lock of the handler held and
// must not wait, panic or call back.
//
// It may have more methods:
//   - Most() int64: larger records never have room; without it, those larger than Limit.
//   - TryAgain(n int64) bool: TryAcquire for a record that was refused before and waits,
//     called as Release is. With it the worker gives bytes that have become free to those
//     who wait, in the order of their calls; without it they try themselves, every 10 ms
//     and after a delivery, and who comes first is served first.
//   - Leave(): called after the drain, when no more will be taken.
type Budget interface {
	// TryAcquire takes n bytes if there are that many.
	TryAcquire(n int64) bool
	// Release gives n bytes back.
	Release(n int64)
	// Used returns how many bytes this handler has taken.
	Used() int64
	// Limit returns how many bytes there are in all.
	Limit() int64
}

// leave tells the budget that no more will be taken, if it wants to know: then
// others get this handler's share.
func (c *core) leave() {
	if b, ok := c.budget.(interface{ Leave() }); ok {
		b.Leave()
	}
}

// most is how large a record may be: others may keep bytes of a shared budget for
// themselves.
func (c *core) most() int64 {
	if b, ok := c.budget.(interface{ Most() int64 }); ok {
		return b.Most()
	}
	return c.budget.Limit()
}

// acquireAgain takes bytes for a record that waits for them, if that needs no code of the
// user's.
func (c *core) acquireAgain(size int64) bool {
	b, ok := c.budget.(interface{ TryAgain(n int64) bool })
	return ok && b.TryAgain(size)
}

// request is what a record needs to be taken. Only one that waits has the record, which
// is moved to the heap for that.
type request struct {
	level    slog.Level
	size     int64
	acquired bool // size, of the budget
	waiter   *waiter
	patience patience
}

// acquire takes the bytes of the record, once.
func (c *core) acquire(q *request) bool {
	if !q.acquired {
		q.acquired = c.budget == nil || c.budget.TryAcquire(q.size)
	}
	return q.acquired
}

// hasRoom reports whether it is worth trying again.
func (c *core) hasRoom(q *request) bool { return !c.ring.Full() && c.acquire(q) }

// giveBack is called for a record that is not taken.
func (c *core) giveBack(q *request) {
	if q.acquired {
		c.release(q.size)
	}
}

// release gives bytes back.
func (c *core) release(size int64) {
	if c.budget != nil {
		c.budget.Release(size)
	}
}

// releaseAll gives the bytes of records back that have their outcome, and returns how many
// that were.
func (c *core) releaseAll(entries []entry) (sum int64) {
	if c.budget == nil {
		return 0
	}
	for i := range entries {
		sum += entries[i].size
	}
	c.budget.Release(sum)
	return sum
}
