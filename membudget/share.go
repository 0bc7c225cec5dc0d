package membudget

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// A Share is the part of one user in a [Budget], made with [Budget.Join].
//
// Of the budget's limit, limit/(2 × shares) bytes can always be used through each share,
// however much the others want; beyond that, a share gets what is left of the other half,
// first come, first served. When a share joins, the guarantee of the older ones shrinks at
// once. The newcomer's is whole at once too if the older ones leave room for it; if they
// hold more, it is whole as soon as they have released that much: until then nobody gets
// bytes beyond what is kept for it. In the same way the guarantee of those who stay grows
// when a share leaves, at the latest when it has released all.
//
// All methods may be called concurrently. A share must not be copied, and the zero Share is
// not usable.
type Share struct {
	budget *Budget
	target int64        // what the reserve should be; guarded by budget.mu
	left   atomic.Bool  // Leave was called
	kept   atomic.Int64 // the reserve; changed under budget.mu only

	_       cacheLine
	balance atomic.Int64 // kept minus what is in use
	_       cacheLine
}

// Join adds a share to the budget. Call [Share.Leave] when it is no longer needed.
func (b *Budget) Join() *Share {
	s := &Share{budget: b}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = append(b.members, s)
	b.rebalance()
	return s
}

// Leave gives the share's guarantee back to the others. What it still holds stays in use
// until it is released; every TryAcquire of more than nothing fails from now on. Further
// calls do nothing.
func (s *Share) Leave() {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.left.Swap(true) {
		return
	}
	i := slices.Index(b.members, s)
	b.members = slices.Delete(b.members, i, i+1)
	s.target = 0
	b.pool.Add(s.shrink())
	b.rebalance()
}

// TryAcquire takes n bytes and reports whether there was room; if not, nothing is taken. It
// panics if n is negative.
func (s *Share) TryAcquire(n int64) bool {
	ok := s.TryAgain(n)
	if !ok && !s.left.Load() {
		s.budget.refused(n)
	}
	return ok
}

// TryAgain is TryAcquire for bytes that were refused before and are still wanted:
// OnExceeded is not called. So it calls no code but its own, and may be used with a lock
// held.
func (s *Share) TryAgain(n int64) bool {
	if n <= 0 {
		mustNotBeNegative("TryAcquire", n)
		return true
	}
	for {
		balance := s.balance.Load()
		pooled := n - min(n, max(0, balance))
		if pooled > 0 && s.left.Load() {
			return false
		}
		if pooled > 0 && !s.budget.take(pooled) {
			if s.balance.Load() != balance {
				continue // there may be room in the reserve by now
			}
			return false
		}
		if s.balance.CompareAndSwap(balance, balance-n) {
			s.budget.acquired(n)
			return true
		}
		if pooled > 0 {
			s.budget.give(pooled)
		}
	}
}

// Release gives back n bytes taken with [Share.TryAcquire], also after Leave. It panics if
// n is negative or more than is held.
func (s *Share) Release(n int64) {
	if n <= 0 {
		mustNotBeNegative("Release", n)
		return
	}
	balance := s.balance.Load()
	s.mustHold(n, balance)
	s.budget.releasing(n)
	for !s.balance.CompareAndSwap(balance, balance+n) {
		balance = s.balance.Load()
	}
	if pooled := min(n, -balance); pooled > 0 {
		s.budget.give(pooled)
	}
}

// Free returns how many bytes TryAcquire would take now, as far as can be told while others
// take some.
func (s *Share) Free() int64 {
	if s.left.Load() {
		return max(0, s.balance.Load())
	}
	return max(0, s.balance.Load()) + max(0, s.budget.pool.Load())
}

// Used returns the bytes that this share holds now.
func (s *Share) Used() int64 {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return s.kept.Load() - s.balance.Load()
}

// Limit returns the limit of the whole budget.
func (s *Share) Limit() int64 { return s.budget.limit }

// Most returns the most bytes that could be in use through this share at once: the limit
// less what is kept for others.
func (s *Share) Most() int64 {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	most := b.limit
	for _, other := range b.members {
		if other != s {
			most -= other.target
		}
	}
	return most
}

// mustHold panics if less than n is held. It is sure to where one goroutine releases too
// much; where several do at the same moment, or while another joins, one may slip through.
// A right release is never stopped.
func (s *Share) mustHold(n, balance int64) {
	if n <= s.kept.Load()-balance {
		return
	}
	if held := s.Used(); n > held { // the two words may be of different moments, those under the lock are not
		panic(fmt.Sprintf("membudget: Release(%d): only %d bytes are held", n, held))
	}
}

func mustNotBeNegative(method string, n int64) {
	if n < 0 {
		panic(fmt.Sprintf("membudget: %s(%d): want n >= 0", method, n))
	}
}

// shrink lowers the reserve to the target if it is above, and returns the bytes that this
// frees. The caller holds budget.mu.
func (s *Share) shrink() (freed int64) {
	excess := s.kept.Load() - s.target
	if excess <= 0 {
		return 0
	}
	for {
		balance := s.balance.Load()
		if s.balance.CompareAndSwap(balance, balance-excess) {
			s.kept.Add(-excess)
			return min(excess, max(0, balance))
		}
	}
}

// grow raises the reserve towards the target, as far as the pool has bytes for it, and
// reports whether it got there. What the share holds from the pool becomes part of the
// reserve at no cost. The caller holds budget.mu.
func (s *Share) grow() (done bool) {
	missing := s.target - s.kept.Load()
	if missing <= 0 {
		return true
	}
	free := s.budget.takeUpTo(missing)
	for {
		balance := s.balance.Load()
		held := max(0, -balance)
		step := min(missing, held+free)
		if s.balance.CompareAndSwap(balance, balance+step) {
			s.kept.Add(step)
			s.budget.pool.Add(free - max(0, step-held))
			return step == missing
		}
	}
}
