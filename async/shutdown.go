package async

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// grace is how long a shutdown whose context has ended waits for its functions, and
// before that for the end of a drain that has nothing left to deliver.
const grace = 4 * time.Millisecond

// result is how the shutdown went. It is guarded by core.mu until ended is closed,
// and err until ready is closed.
type result struct {
	ready   chan struct{}
	err     error           // what Shutdown returns
	drain   error           // the drain's part of it
	lastErr error           // of the last failed attempt
	failed  uint64          // counts.failed when the drain began
	ctx     context.Context // whose end ended the drain; nil if none did
}

func (c *core) shutdown(ctx context.Context) error {
	if c.within() {
		return ErrReentrant
	}
	first := c.seal()
	select {
	case <-c.ended:
	case <-ctx.Done():
		if c.isEmpty() {
			await(ctx, c.ended) // there is next to nothing left to do
		}
		c.abandon(ctx)
	}
	if first {
		c.runShutdownFunctions(ctx)
	}
	if _, ok := await(ctx, c.result.ready); !ok {
		return errors.Join(c.result.drain, fmt.Errorf("asynchandler: handler %q: a shutdown function has not returned: %w", c.opts.Name, ctx.Err()))
	}
	return c.result.err
}

// await waits for a value of ch, or until grace after the end of ctx.
func await[T any](ctx context.Context, ch <-chan T) (v T, ok bool) {
	select {
	case v = <-ch:
		return v, true
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case v = <-ch:
		return v, true
	case <-timer.C:
		return v, false
	}
}

// isEmpty reports whether every record has its outcome.
func (c *core) isEmpty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.depthLocked(c.ring.Tail()) == 0
}

// seal begins the drain and reports whether this call was the one that did.
func (c *core) seal() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ring.Seal() {
		return false
	}
	c.phase = draining
	c.result.failed = c.counts.failed
	c.outage.wake()
	close(c.closing)
	c.poke()
	return true
}

// finish is called by the worker when nothing is left to deliver. It reports
// whether the worker must go on.
func (c *core) finish(w *worker) (more bool) {
	if c.waiters.Load() > 0 {
		return true // they are served first
	}
	var err error
	defer func() { c.finished(w, err) }() // also if Flush ends the goroutine
	c.flushSink(w, &err)
	return false
}

// finished ends the drain, unless something else has.
func (c *core) finished(w *worker, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leftLocked(w) {
		return
	}
	flushed := err
	if n := c.counts.failed - c.result.failed; n > 0 {
		err = errors.Join(err, fmt.Errorf("asynchandler: handler %q: %d records failed during shutdown, the last one: %w", c.opts.Name, n, c.result.lastErr))
	}
	c.endLockedWith(finished, err, flushed)
}

// abandon ends the drain, if it has not ended, because a context has.
func (c *core) abandon(ctx context.Context) {
	c.mu.Lock()
	if c.phase != draining {
		c.mu.Unlock()
		return
	}
	delivered, fallback := c.underwayLocked()
	undelivered := c.depthLocked(c.ring.Tail()) - int(delivered+fallback)
	c.notePeakLocked()
	dropped := c.dropWaitingLocked()
	c.result.ctx = ctx
	c.endLockedWith(abandoned, &ShutdownError{Handler: c.opts.Name, Undelivered: undelivered, Err: ctx.Err()}, ErrClosed)
	c.sleep.Store(gone)
	c.poke()
	c.mu.Unlock()
	defer c.closers.enter()() // OnDrop would wait for itself
	c.tellDropped(dropped, shutdown)
	c.abandonLeftovers()
}

// endLockedWith ends the drain with err, and the Flushes that wait with flushed.
func (c *core) endLockedWith(p phase, err, flushed error) {
	c.phase = p
	c.result.drain = err
	c.passLocked(c.takeBarriersLocked(func(*barrier) bool { return true }), flushed)
	close(c.ended)
}

// dropWaitingLocked drops every record that no sink has begun.
func (c *core) dropWaitingLocked() (dropped []entry) {
	c.takeBackLocked(c.worker)
	for _, h := range c.outage.held {
		dropped = append(dropped, c.dropLocked([]entry{h.entry})...)
	}
	c.outage.held = nil
	batch := c.ring.Take(nil, c.ring.Len())
	dropped = append(dropped, c.dropLocked(batch)...)
	c.settledLocked()
	return dropped
}

// abandonLeftovers drops records that were published after the drain was
// abandoned: their callers had reserved their places before.
func (c *core) abandonLeftovers() {
	c.mu.Lock()
	dropped := c.dropLocked(c.ring.Take(nil, c.ring.Len()))
	c.mu.Unlock()
	c.tellDropped(dropped, shutdown)
}

// runShutdownFunctions runs Options.OnShutdown, each on a goroutine of its own, so
// that one that hangs can be left behind and none can end the others.
func (c *core) runShutdownFunctions(ctx context.Context) {
	if c.stderr != nil {
		c.stderr.flush()
	}
	c.leave()
	if c.result.ctx != nil {
		ctx = c.result.ctx
	}
	errs := []error{c.result.drain}
	run := func() {
		for _, f := range slices.Backward(c.opts.OnShutdown) {
			done := make(chan error, 1)
			go c.runShutdownFunction(ctx, f, done)
			err, ok := await(ctx, done)
			if !ok {
				err = fmt.Errorf("asynchandler: handler %q: a shutdown function has not returned: %w", c.opts.Name, ctx.Err())
			}
			errs = append(errs, err)
		}
		c.result.err = errors.Join(errs...)
		close(c.result.ready)
	}
	if len(c.opts.OnShutdown) == 0 {
		run()
	} else {
		go run()
	}
}

func (c *core) runShutdownFunction(ctx context.Context, f func(context.Context) error, done chan<- error) {
	defer c.closers.enter()()
	var err error
	defer func() { done <- err }()
	c.isolate(&err, func() error { return f(ctx) })
}

// drainedLocked reports whether a shutdown has nothing left to wait for.
func (c *core) drainedLocked() bool {
	return c.phase == draining && c.depthLocked(c.ring.Tail())+c.outage.stuck == 0 && !c.report.torn
}
