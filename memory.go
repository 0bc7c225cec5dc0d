package asynchandler

import "sync/atomic"

const defaultMemoryLimit = 64 << 20

// limit is the budget of a handler that shares none. It has no shares to keep apart
// and so costs the log call one atomic operation, where a share of a budget takes two.
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
