package async

import (
	"context"
	"log/slog"
	"time"
)

// late is Handle after the shutdown began.
func (c *core) late(ctx context.Context, h *Handler, r *slog.Record) error {
	if !c.isFinished() {
		return c.refuse(ctx, r, closed)
	}
	if c.within() {
		return c.refuse(ctx, r, reentrant) // it would wait for itself
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
	err = c.isolated(func() error {
		b := Batch{entries: []entry{e}}
		b.open(1)
		_, err := c.sink.Deliver(&b)
		if f, ok := c.sink.(Flusher); ok && err == nil {
			err = f.Flush() // nobody else will
		}
		return err
	})
	if err == nil {
		outcome = &c.counts.delivered
		return nil
	}
	if h := e.h.fallback; h != nil && c.isolated(func() error { return h.Handle(e.context(), e.rec) }) == nil {
		outcome = &c.counts.fallback
		return nil
	}
	return err
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
func (c *core) flushEnded(ctx context.Context) error {
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
	return c.isolated(f.Flush)
}
