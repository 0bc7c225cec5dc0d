// Package membudget counts bytes against one limit that several users share, and estimates
// how many bytes a waiting [slog.Record] holds.
//
//	budget := membudget.New(64<<20, membudget.Options{})
//	record := slog.NewRecord(time.Now(), slog.LevelInfo, "order placed", 0)
//	n := membudget.SizeOf(record)
//	if budget.TryAcquire(n) { // else there is no room for the record
//		fmt.Println("waiting:", budget.Used() == n)
//		budget.Release(n)
//	}
//	fmt.Println(budget.Used(), "bytes in use")
//
// Nothing in it knows of handlers or queues: other code may bound its own queues with it.
// [SystemLimit] suggests a limit.
//
// # Shares
//
// Users that must not starve each other call [Budget.Join] and use the [Share] they get:
// limit/(2 × shares) bytes are kept for each, the other half of the limit is first come,
// first served.
//
// # Concurrency
//
// All functions and methods may be called concurrently. TryAcquire and Release take no lock
// and never wait, but for the short time in which a [Budget.Join] or [Share.Leave] has not
// got all its bytes back from their present holders.
package membudget

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Options are the optional parts of a [Budget]. The zero value is ready for use.
type Options struct {
	// OnExceeded is called when an acquire is refused, and again only after use has been at
	// or below half of the limit. It gets the bytes in use and the limit. It runs on the
	// goroutine that was refused, with no lock held, and may use the budget. A panic in it
	// is recovered and ignored. A request for more than the whole limit does not count as a
	// full budget. Nil means no call.
	OnExceeded func(used, limit int64)
}

// A Budget is a number of bytes that may be in use at a time. The sum of what was acquired
// and not yet released, by its own methods and by those of its shares, never exceeds the
// limit. Make one with [New]: the zero Budget is unusable, and a Budget must not be copied.
// All methods may be called concurrently.
//
// The methods of the Budget itself are for users that have not joined: as long as somebody
// has, they can use only what the shares leave over.
type Budget struct {
	// The limit is kept as tokens of one byte. At any time each token is in exactly one
	// place: in the pool, in the reserve of a share, or in use. An acquire takes tokens
	// from the share's own reserve first, the rest from the pool; a release gives back to
	// the pool what came from it first. A token is taken from one place before it is put
	// into the next, so tokens on the way are missing for a moment, but none ever exists
	// twice. A share's balance is one word, its reserve minus its use: as long as it is
	// positive, that many bytes of the reserve are left and the pool need not be touched;
	// negative, it is what the share holds from the pool.
	//
	// Join and Leave change the reserves under a mutex. What a share already uses of a
	// reserve that shrinks simply counts as taken from the pool. A reserve that must grow
	// while the pool is empty is owed: until it has been paid, all that comes back to the
	// pool goes there, and nobody takes from the pool.
	//
	// The methods of the Budget itself act on the share outside, which has a reserve only
	// while nobody has joined: then all of it.

	limit      int64
	onExceeded func(used, limit int64)

	mu      sync.Mutex // guards members, the targets, and changes of a reserve
	members []*Share
	outside Share // users that have not joined

	owing    atomic.Bool // some reserve is below its target
	reported atomic.Bool // OnExceeded was called and use was above half since

	_    cacheLine
	pool atomic.Int64
	_    cacheLine
	used atomic.Int64
	peak atomic.Int64
	_    cacheLine
}

// cacheLine keeps words that many goroutines write apart from their neighbours.
type cacheLine [64]byte

// New returns a budget of limit bytes. It panics if limit is below 1.
func New(limit int64, opts Options) *Budget {
	if limit < 1 {
		panic(fmt.Sprintf("membudget: New(%d): want a limit >= 1", limit))
	}
	b := &Budget{limit: limit, onExceeded: opts.OnExceeded}
	b.outside.budget = b
	b.pool.Store(limit)
	b.rebalance()
	return b
}

// TryAcquire takes n bytes and reports whether there was room; if not, nothing is taken.
// While nobody has joined, all of the limit can be used, else what the reserves of the
// shares leave over. It panics if n is negative.
func (b *Budget) TryAcquire(n int64) bool { return b.outside.TryAcquire(n) }

// Release gives back n bytes taken with [Budget.TryAcquire]. It panics if n is negative or
// more than is held: what shares hold does not count here.
func (b *Budget) Release(n int64) { b.outside.Release(n) }

// Used returns the bytes in use now, by shares too. It is never above the limit.
func (b *Budget) Used() int64 { return b.used.Load() }

// Peak returns the highest value that Used ever had.
func (b *Budget) Peak() int64 { return b.peak.Load() }

// Limit returns the limit that the budget was made with.
func (b *Budget) Limit() int64 { return b.limit }

// acquired counts n bytes that the caller has secured.
func (b *Budget) acquired(n int64) {
	used := b.used.Add(n)
	for peak := b.peak.Load(); used > peak && !b.peak.CompareAndSwap(peak, used); {
		peak = b.peak.Load()
	}
}

// releasing must be called before the n bytes can be taken by others, else used could
// exceed the limit.
func (b *Budget) releasing(n int64) {
	if used := b.used.Add(-n); used <= b.limit/2 && b.reported.Load() {
		b.reported.Store(false)
	}
}

// refused reports that n bytes were not to be had.
func (b *Budget) refused(n int64) {
	if b.onExceeded == nil || n > b.limit || !b.reported.CompareAndSwap(false, true) {
		return
	}
	defer func() { _ = recover() }() // an observer must not break the caller
	b.onExceeded(b.used.Load(), b.limit)
}
