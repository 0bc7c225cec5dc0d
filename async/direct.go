package async

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// late is Handle after the shutdown began.
func (c *core) late(ctx context.Context, h *Handler, r *slog.Record) error {
	if !c.isFinished() {
		return c.refuse(ctx, h, r, closed)
	}
	if c.delivering() { // a shutdown function may log
		return c.refuse(ctx, h, r, reentrant) // it would wait for itself
	}
	c.direct <- struct{}{}
	defer func() { <-c.direct }()
	return c.deliverDirect(entry{ctx: ctx, h: h, rec: *r})
}

func (c *core) isFinished() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == finished
}

// deliverDirect delivers a record on the caller.
func (c *core) deliverDirect(e entry) (err error) {
	defer c.visitors.enter()()
	outcome := &c.counts.failed
	defer func() { c.countDirect(&e, outcome) }() // also when next ends the goroutine
	done := false
	defer func() { c.tellDirect(err) }()
	c.isolate(&err, func() error { return c.sinkDirect(&e, &done) })
	switch {
	case done:
		outcome = &c.counts.delivered
	case c.torn == nil && c.tornLocked():
		c.torn = &e // it goes nowhere else
	case e.h.fallback != nil:
		var refused error
		c.isolate(&refused, func() error {
			if !e.h.fallback.Enabled(e.context(), e.rec.Level) {
				return errNotEnabled
			}
			return e.handle(e.h.fallback)
		})
		if refused == nil {
			outcome = &c.counts.fallback
			return nil
		}
	}
	return err
}

// sinkDirect gives the record to the sink and flushes it, as nobody else will. Before
// that, a record is continued of which the sink has taken a part.
func (c *core) sinkDirect(e *entry, done *bool) error {
	if c.torn != nil {
		continued := false
		if err := c.sinkOne(c.torn, &continued); !continued {
			return err
		}
		c.torn = nil
	}
	err := c.sinkOne(e, done)
	if f, ok := c.sink.(Flusher); ok && *done {
		return f.Flush()
	}
	return err
}

// sinkOne gives one record to the sink.
func (c *core) sinkOne(e *entry, done *bool) error {
	b := Batch{entries: []entry{*e}}
	b.open(1)
	defer func() { *done = b.done > 0 }()
	n, err := c.sink.Deliver(&b)
	b.Done(n)
	return err
}

// tellDirect lets Stats and the error handler know what went wrong, as slog.Logger
// throws the error away.
func (c *core) tellDirect(err error) {
	if err == nil {
		return
	}
	if _, panicked := errors.AsType[*PanicError](err); !panicked { // else isolate has counted it
		err = &DeliveryError{Handler: c.opts.Name, Attempts: 1, Err: err}
		message, now := text(err), time.Now()
		c.mu.Lock()
		c.counts.deliveryErrors++
		c.noteErrorLocked(message, now)
		c.mu.Unlock()
	}
	c.tell(err)
}

func (c *core) countDirect(e *entry, outcome *uint64) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.direct++
	*outcome++
	if outcome != &c.counts.failed {
		c.measureLocked(&e.rec.Time, now)
	}
}

// flushEnded is flush where there is no worker any more.
func (c *core) flushEnded(ctx context.Context) (err error) {
	if !c.isFinished() {
		return ErrClosed
	}
	f, ok := c.sink.(Flusher)
	if !ok {
		return nil
	}
	select {
	case c.direct <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.direct }()
	defer c.visitors.enter()()
	c.isolate(&err, f.Flush)
	return err
}
