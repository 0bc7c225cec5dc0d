package async

import (
	"context"
	"slices"
	"time"
)

// maxSync is the longest that Handle waits for the outcome of a record at or above
// Options.SyncLevel.
const maxSync = time.Second

// barrier is what waits until all records before a position have their outcome.
type barrier struct {
	before uint64
	sync   bool // of a log call: not for the time of an outage

	// Guarded by core.mu.
	reached bool
	err     error
}

func (c *core) flush(ctx context.Context) error {
	if c.within() {
		return ErrReentrant
	}
	b := &barrier{before: c.ring.Tail()}
	if !c.add(b) {
		return c.flushEnded(ctx)
	}
	return c.waitFor(ctx, b)
}

// awaitOutcome waits for the record at pos, as SyncLevel promises.
func (c *core) awaitOutcome(ctx context.Context, pos uint64) {
	if ctx == nil {
		ctx = context.Background()
	}
	b := &barrier{before: pos + 1, sync: true}
	if c.within() || !c.add(b) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxSync)
	defer cancel()
	_ = c.waitFor(ctx, b) // the error handler has heard of what went wrong
}

// waitFor waits for b until ctx is done.
func (c *core) waitFor(ctx context.Context, b *barrier) error {
	defer c.remove(b)
	for {
		changed, reached, err := c.state(b)
		if reached {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// state returns whether b was reached and with what error, and what will be closed when
// that may have changed.
func (c *core) state(b *barrier) (changed <-chan struct{}, reached bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed, b.reached, b.err
}

// passLocked lets those go that wait for the barriers. It does so with a channel of the
// handler's: a caller inside a synctest bubble must not be sent to from outside.
func (c *core) passLocked(barriers []*barrier, err error) {
	if len(barriers) == 0 {
		return
	}
	for _, b := range barriers {
		b.reached, b.err = true, err
	}
	close(c.passed)
	c.passed = make(chan struct{})
}

// add makes the worker serve b. It reports false if there is no worker any more.
func (c *core) add(b *barrier) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase > draining {
		return false
	}
	c.barriers = append(c.barriers, b)
	c.waiters.Store(int32(len(c.barriers)))
	c.poke()
	return true
}

func (c *core) remove(b *barrier) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.takeBarriersLocked(func(other *barrier) bool { return other == b })
}

// takeBarriersLocked removes and returns those for which f is true.
func (c *core) takeBarriersLocked(f func(*barrier) bool) (removed []*barrier) {
	var kept []*barrier
	for _, b := range c.barriers {
		if f(b) {
			removed = append(removed, b)
		} else {
			kept = append(kept, b)
		}
	}
	c.barriers = kept
	c.waiters.Store(int32(len(kept)))
	return removed
}

// serveBarriers is called by the worker when it has nothing in its hands. It lets
// those go whose records have all been seen to.
func (c *core) serveBarriers(w *worker) {
	c.mu.Lock()
	var ready []*barrier
	if !c.leftLocked(w) && c.hands+len(c.outage.held)+c.outage.stuck == 0 {
		for _, b := range c.barriers {
			if c.ring.Passed(b.before) {
				ready = append(ready, b)
			}
		}
	}
	c.mu.Unlock()
	if len(ready) == 0 {
		return
	}
	var err error
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		// The end of a shutdown has let go of those whose Flush hangs.
		c.passLocked(c.takeBarriersLocked(func(b *barrier) bool { return slices.Contains(ready, b) }), err)
	}()
	c.flushSink(w, &err)
}

// releaseSyncLocked lets log calls go that wait while next is left alone.
func (c *core) releaseSyncLocked() {
	c.passLocked(c.takeBarriersLocked(func(b *barrier) bool { return b.sync }), nil)
}

// flushSink flushes the sink, watched like a delivery.
func (c *core) flushSink(w *worker, err *error) {
	f, ok := c.sink.(Flusher)
	if !ok {
		return
	}
	c.mu.Lock()
	if c.leftLocked(w) {
		c.mu.Unlock()
		*err = ErrClosed
		return
	}
	c.beginLocked(w, 0, false)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.endLocked(w)
		c.mu.Unlock()
	}()
	c.isolate(err, f.Flush)
}
