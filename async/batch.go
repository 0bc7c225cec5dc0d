package async

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
)

// entry is a waiting record. With the ring's sequence number it has 328 bytes.
type entry struct {
	ctx  context.Context
	h    *Handler
	size int64 // of the budget
	rec  slog.Record
}

// context returns what next gets as context. To strip the cancellation here, on
// the worker, spares the caller an allocation.
func (e *entry) context() context.Context {
	switch {
	case e.ctx == nil:
		return context.Background()
	case e.h.core.opts.ContextFunc != nil, e.ctx.Done() == nil:
		return e.ctx
	}
	return context.WithoutCancel(e.ctx)
}

// handle gives the record to h, which may add attributes: the caller's record must not
// see them.
func (e *entry) handle(h slog.Handler) error {
	if e.rec.NumAttrs() > inlineAttrs {
		return h.Handle(e.context(), e.rec.Clone())
	}
	return h.Handle(e.context(), e.rec)
}

// inlineAttrs is how many attributes a slog.Record holds without a slice.
const inlineAttrs = 5

// A Sink is where batches end. Deliver is called by one goroutine at a time. A Sink
// may also be a [Flusher] or a [Tearer], and [Stats] shows the WrittenBytes() uint64 of
// one that has that method.
type Sink interface {
	// Deliver hands records of the batch to where they end, from the first on; it
	// need not try all, but must begin some, or the worker asks again at once. It
	// returns how many, from the first on, have got there.
	// With an error, the records that it began and did not get there have failed
	// together; a single one, alone. An error with none of those says that there
	// was trouble which is over. If Deliver panics, the records it began have
	// failed, but for what it told [Batch.Done]. It must not keep the batch.
	Deliver(b *Batch) (done int, err error)
}

// A Flusher is a [Sink] that may hold on to bytes.
type Flusher interface {
	// Flush pushes them on. It is called for [Handler.Flush] and [Options.SyncLevel],
	// at the end of a shutdown and after each record that is delivered later, never
	// during a Deliver.
	Flush() error
}

// A Tearer is a [Sink] that may be left with a part of the first record that is
// not done.
type Tearer interface {
	// Torn reports whether it is. As long as that is so, the record is not given up
	// and goes nowhere else. It is called concurrently with Deliver.
	Torn() bool
}

// handlerSink delivers to the handler that each record was logged through, or to
// that handler's fallback.
type handlerSink struct{ fallback bool }

func (s handlerSink) Deliver(b *Batch) (done int, err error) {
	defer func() { b.Done(done) }()
	for b.Next() {
		e := b.current()
		h := e.h.next
		if s.fallback {
			if h = e.h.fallback; !h.Enabled(e.context(), e.rec.Level) {
				return done, errNotEnabled
			}
		}
		if err = e.handle(h); err != nil {
			break
		}
		done++
	}
	return done, err
}

var errNotEnabled = errors.New("asynchandler: the fallback is not enabled for the level of a record that next refused")

// A Batch is the records that a [Sink] is to deliver, oldest first:
//
//	for b.Next() {
//		if err := b.Handle(); err != nil { ... }
//	}
type Batch struct {
	entries []entry // what the worker holds; guarded by core.mu
	window  []entry // those of them that may begin; the sink's
	done    int
	// begun counts the records that Next has begun. The others can be taken back
	// by a caller in need of room or a shutdown, even while the sink hangs: then
	// it has the bit taken, and no further one begins.
	begun atomic.Int64
}

const taken = 1 << 62

// Next begins the next record and reports whether there was one.
func (b *Batch) Next() bool {
	for {
		n := b.begun.Load()
		if n >= int64(len(b.window)) { // as taken is
			return false
		}
		if b.begun.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Back takes back the last Next, for a record that turned out not to fit into this
// delivery: if the delivery fails, that record has not.
func (b *Batch) Back() {
	if n := b.begun.Load(); n < taken {
		b.begun.CompareAndSwap(n, n-1)
	}
}

// Handle passes the record that Next began to the handler which it was logged
// through, with that handler's attributes and groups, and returns the error.
func (b *Batch) Handle() error {
	e := b.current()
	return e.handle(e.h.next)
}

// Done tells how many records, from the first on, have got where they end, for
// the case that Deliver does not return.
func (b *Batch) Done(n int) { b.done = n }

func (b *Batch) current() *entry { return &b.window[b.begun.Load()&^taken-1] }

// open lets the first n records begin.
func (b *Batch) open(n int) {
	b.window = b.entries[:n]
	b.done = 0
	b.begun.Store(0)
}

// close lets no further record begin and returns how many have.
func (b *Batch) close() int { return int(b.begun.Or(taken) &^ taken) }
