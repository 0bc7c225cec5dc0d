package async

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/waitroom"
)

// maxSync is the longest that Handle waits for the outcome of a record at or above
// Options.SyncLevel.
const maxSync = time.Second

// barrier is what somebody waits for: that all records from before a position have their
// outcome, or that one record has, and that the sink is flushed then.
type barrier struct {
	sync   bool // of a log call: its record says when, and not for the time of an outage
	before uint64
	bell   waitroom.Bell

	// Guarded by engine.mu.
	place   int         // in its list of barriers
	passed  bool        // nothing from before is in the ring any more,
	seq     uint64      // but what was taken then may be held
	ripe    bool        // the records have their outcome
	err     error       // for who sees reached
	reached atomic.Bool // written under mu
}

// barriers are those who wait for the outcome of records.
type barriers struct {
	g       *engine
	bells   *waitroom.Bells
	waiters atomic.Int32 // what the worker has to look at: see countLocked

	// Guarded by engine.mu.
	logs    []*barrier       // those of log calls, in no order
	flushes []*barrier       // those of Flush
	ripened []*barrier       // those of log calls whose records have their outcome
	ripe    []*waitroom.Bell // to be rung when mu is released
}

func (l *barriers) init(g *engine) { l.g, l.bells = g, waitroom.NewBells() }

func (l *barriers) flush(ctx context.Context) error {
	g := l.g
	if g.callers.within() {
		return ErrReentrant
	}
	if ctx == nil {
		ctx = context.Background()
	}
	b := &barrier{before: g.ring.Tail()}
	if !l.add(b) {
		return g.afterwards.flushEnded(ctx)
	}
	defer l.remove(b)
	g.sleeper.Poke()
	return l.waitFor(ctx, b)
}

// awaitOutcome waits for a record, as SyncLevel promises, whatever becomes of its context.
func (l *barriers) awaitOutcome(b *barrier) {
	ctx, cancel := context.WithTimeout(context.Background(), maxSync)
	defer cancel()
	l.g.sleeper.Poke()
	_ = l.waitFor(ctx, b) // the error handler has heard of what went wrong
}

// waitFor waits for b until ctx is done.
func (l *barriers) waitFor(ctx context.Context, b *barrier) error {
	for !b.reached.Load() {
		select {
		case <-b.bell.C():
			l.bells.Give(&b.bell)
			l.bells.Take(&b.bell)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return b.err
}

// add makes the worker serve b. It reports false if there is no worker any more.
func (l *barriers) add(b *barrier) (ok bool) {
	l.bells.Take(&b.bell)
	l.g.locked(func() {
		if ok = l.g.phase <= draining; !ok {
			return
		}
		list := l.of(b)
		b.place = len(*list)
		*list = append(*list, b)
		l.countLocked()
	})
	if !ok {
		l.bells.Give(&b.bell)
	}
	return ok
}

// remove takes b out, if it is still in there.
func (l *barriers) remove(b *barrier) {
	l.g.locked(func() { l.takeOutLocked(b) })
	l.bells.Give(&b.bell)
}

// takeOutLocked takes b out of those that wait. Their order does not matter.
func (l *barriers) takeOutLocked(b *barrier) {
	list := l.of(b)
	last := len(*list) - 1
	if b.place > last || (*list)[b.place] != b {
		return
	}
	(*list)[b.place] = (*list)[last]
	(*list)[b.place].place = b.place
	(*list)[last] = nil
	*list = (*list)[:last]
	l.countLocked()
}

// countLocked counts what the worker has to look at: Flushes, and records with their
// outcome that wait for the sink to be flushed.
func (l *barriers) countLocked() { l.waiters.Store(int32(len(l.flushes) + len(l.ripened))) }

// of returns the list that b is in while it waits.
func (l *barriers) of(b *barrier) *[]*barrier {
	if b.sync {
		return &l.logs
	}
	return &l.flushes
}

// passLocked lets go who waits for b.
func (l *barriers) passLocked(b *barrier, err error) {
	if b.reached.Load() {
		return
	}
	b.err = err
	b.reached.Store(true)
	l.ripe = append(l.ripe, &b.bell)
	l.takeOutLocked(b)
}

// passAllLocked lets go all of a list.
func (l *barriers) passAllLocked(list *[]*barrier, err error) {
	for n := len(*list); n > 0; n = len(*list) {
		l.passLocked((*list)[n-1], err)
	}
}

// flushForLocked makes the worker flush the sink, if there is something to flush, before it
// lets b go, whose record the sink has taken.
func (l *barriers) flushForLocked(b *barrier) {
	if l.g.flusher != nil && l.g.phase <= draining && !b.reached.Load() {
		b.ripe = true
		l.ripened = append(l.ripened, b)
		l.countLocked()
	}
}

// serveBarriers is called by the worker when it has nothing in its hands. It lets
// those go whose records have all been seen to.
func (w *worker) serveBarriers() {
	g := w.engine
	var ready []*barrier
	g.locked(func() {
		if !w.leftLocked() && g.busy[toNext] == nil {
			ready = g.barriers.readyLocked()
		}
	})
	if len(ready) > 0 {
		var err error
		w.flushSink(&err, ready)
	}
}

// readyLocked returns the barriers whose records have their outcome.
func (l *barriers) readyLocked() (ready []*barrier) {
	ready, l.ripened = l.ripened, nil
	l.countLocked()
	if len(l.flushes) == 0 {
		return ready
	}
	oldest := l.oldestLocked()
	for _, b := range l.flushes {
		if !b.passed && l.g.ring.Passed(b.before) {
			b.passed, b.seq = true, l.g.seq
		}
		if b.passed && b.seq < oldest {
			ready = append(ready, b)
		}
	}
	return ready
}

// oldestLocked returns the age of the oldest record that was taken and has no outcome yet.
func (l *barriers) oldestLocked() (seq uint64) {
	g := l.g
	seq = math.MaxUint64
	for i := range g.course.Len() {
		if h := g.course.At(i); h.Value.h != g.reporter && !h.Stored {
			seq = h.Seq
			break
		}
	}
	for _, w := range g.busy {
		if w != nil && w.batch.own > 0 && !w.report && !w.stored && !w.call.forsaken {
			seq = min(seq, w.batch.first)
		}
	}
	return seq
}

// releaseSyncLocked lets log calls go that wait while next is left alone.
func (l *barriers) releaseSyncLocked() {
	if l.g.opts.SyncLevel == nil || l.g.opts.Fallback != nil {
		return // with a fallback an outage costs them nothing
	}
	l.passAllLocked(&l.logs, nil)
}

// flushSink flushes the sink, watched like a delivery, and lets those go who wait for that.
func (w *worker) flushSink(err *error, ready []*barrier) {
	g := w.engine
	var p Permit
	begun, gated := false, false
	defer func() { // also if Flush ends the goroutine
		stalled := w.flushed(begun, ready, *err)
		if gated {
			g.settleTicket(p.Ticket, stalled && *err == nil, nil)
		}
	}()
	if g.flusher == nil {
		return
	}
	if g.opts.Gate != nil {
		p, gated = g.allow() // a Flush that hangs opens it
	}
	if begun = w.callNext(func(time.Time) bool { return true }); !begun {
		*err = ErrClosed
		return
	}
	g.isolate(err, g.flusher.Flush)
}

// flushed notes the end of a Flush that has begun, and lets go who waits for it.
func (w *worker) flushed(begun bool, ready []*barrier, err error) (stalled bool) {
	g := w.engine
	g.locked(func() {
		if begun {
			stalled = w.call.stalled
			w.endLocked(&attempt{now: time.Now()})
		}
		for _, b := range ready {
			g.barriers.passLocked(b, err)
		}
	})
	return stalled
}
