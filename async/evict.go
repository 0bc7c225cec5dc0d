package async

import (
	"log/slog"
	"runtime"
	"time"

	"github.com/asynchandler/asynchandler/internal/ledger"
)

// eviction makes room for one record by dropping what is oldest and less protected.
type eviction struct {
	g        *engine
	level    slog.Level
	acquired bool // only a place is missing
	reason   ledger.Reason
	from     slog.Level // from here on records are protected
	enough   int64      // bytes
	freed    int64
	stuck    bool // it found no room, and a record in the queue is not published yet
	letters  []letter
}

// maxAhead bounds how many records are evicted ahead in a flood, as a part of the queue.
const maxAhead = 128

// evict makes room for the record. Under DropOldest a protected record takes the place of
// the oldest protected one if there is nothing else.
func (a *admission) evict(q *request, reason ledger.Reason, from slog.Level) (ok bool) {
	g := a.g
	v := eviction{g: g, level: q.level, acquired: q.acquired, reason: reason, from: from, letters: q.letters}
	if !q.acquired {
		v.enough = q.size - g.purse.free()
		if v.enough <= 0 && !q.freed {
			q.freed = true // somebody gave bytes back just now
			return true
		}
	}
	for try := 0; ; try++ {
		g.locked(func() { ok = v.evictLocked() })
		q.letters = v.letters
		if ok || !v.stuck || !awaitPublisher(try, q.level >= from) {
			return ok
		}
	}
}

// awaitPublisher lets the producer of a record publish it, which it is about to do unless
// it was preempted just there: so that is a wait for a processor, never one for next. For a
// protected record a longer one is worth it. It reports false when no more is.
func awaitPublisher(try int, protected bool) bool {
	switch {
	case try < 3:
		runtime.Gosched()
	case protected && try < 100:
		time.Sleep(time.Millisecond)
	default:
		return false
	}
	return true
}

// evictLocked reports whether it made room, or another caller did.
func (v *eviction) evictLocked() bool {
	g := v.g
	v.stuck = false
	if v.acquired && !g.ring.Full() {
		return true
	}
	g.accounts.notePeakLocked()
	if g.worker != nil {
		g.worker.takeBackLocked() // what waits for a call that is under way can be evicted too
	}
	g.admission.weighLocked(v.from)
	if !v.acquired && !v.feasibleLocked() {
		return false
	}
	n := 1
	if v.acquired && g.opts.Overflow == DropOldest {
		n = g.admission.aheadLocked()
	}
	evicted := v.evictRecordsLocked(n)
	if evicted > 0 {
		g.accounts.report.noteLocked(g.ring.Head())
		g.accounts.settledLocked()
	}
	v.stuck = evicted == 0 && g.ring.Stuck()
	return evicted > 0
}

// aheadLocked returns how many records to evict: twice as many as last time while a flood
// goes on without the worker taking any, so that it takes the lock once in many calls.
func (a *admission) aheadLocked() int {
	g := a.g
	if g.seq != a.ahead.seq || a.ahead.n == 0 {
		a.ahead.seq, a.ahead.n = g.seq, 1
		return 1
	}
	a.ahead.n = min(2*a.ahead.n, max(1, g.ring.Cap()/maxAhead))
	return a.ahead.n
}

// weighLocked sees to it that the ring and the course know what records hold, and which are
// protected.
func (a *admission) weighLocked(from slog.Level) {
	if a.weighs != nil && *a.weighs == from {
		return
	}
	a.weighs = &from
	weigh := func(e *entry) (int64, bool) { return e.size, e.rec.Level >= from }
	a.g.ring.Weigh(weigh)
	a.g.course.Weigh(weigh)
}

// ahead is how much the last eviction took.
type ahead struct {
	seq uint64
	n   int
}

// feasibleLocked reports whether evicting can free what the record needs: what cannot fit
// costs no other record its place. Each record is looked at once, so a flood that is
// refused does not walk again and again over what is protected.
func (v *eviction) feasibleLocked() bool {
	g, protected := v.g, v.mayDropProtected()
	enough, stuck := g.ring.Enough(v.enough-g.course.Weight(protected), protected)
	v.stuck = stuck
	return enough
}

// mayDropProtected reports whether the newcomer may take the place of protected records.
func (v *eviction) mayDropProtected() bool {
	return v.level >= v.from && v.g.opts.Overflow == DropOldest
}

// evictRecordsLocked drops n records, or as many as the bytes need: first those that are
// held, which are older, but none that next has a part of.
func (v *eviction) evictRecordsLocked(n int) (evicted int) {
	g := v.g
	drop := func(e *entry) {
		v.freed += e.size
		v.letters = g.accounts.dropLocked(v.letters, e, v.reason)
		evicted++
	}
	more := func() bool { return evicted < n || !v.acquired && v.freed < v.enough }
	protected := func(e *entry) bool { return e.rec.Level >= v.from }
	g.course.Evict(false, more, drop)
	for more() {
		before := evicted
		one := func() bool { return evicted == before }
		g.ring.Evict(1, protected, drop)
		if one() && v.mayDropProtected() && !g.ring.Stuck() { // only protected ones wait
			_ = g.course.Evict(true, one, drop) > 0 || g.ring.EvictOldest(drop)
		}
		if one() {
			break
		}
	}
	return evicted
}
