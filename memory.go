package asynchandler

import (
	"sync/atomic"

	"github.com/asynchandler/asynchandler/membudget"
)

const defaultMemoryLimit = 64 << 20

// limit is the budget of a handler that shares none. It has no shares to keep apart
// and so costs the log call one atomic operation, where a [membudget.Share] takes two.
type limit struct {
	_     [64]byte // nothing else is on the cache line that all callers write
	bytes int64
	used  atomic.Int64
	_     [64]byte
}

func (l *limit) TryAcquire(n int64) bool {
	for {
		used := l.used.Load()
		if n > l.bytes-used {
			return false
		}
		if l.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

func (l *limit) Release(n int64) { l.used.Add(-n) }
func (l *limit) Used() int64     { return l.used.Load() }
func (l *limit) Limit() int64    { return l.bytes }

// share is a handler's part of a budget.
type share struct {
	*membudget.Share
	budget *membudget.Budget
}

// Limit returns that of the whole budget.
func (s share) Limit() int64 { return s.budget.Limit() }
