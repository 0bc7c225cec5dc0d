package async

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// entry is a waiting record. With the ring's sequence number it has 328 bytes.
type entry struct {
	ctx  context.Context
	h    *Handler
	size int64 // of the budget
	rec  slog.Record
}

func newEntry(ctx context.Context, h *Handler, r *slog.Record, size int64) entry {
	if h.values.noContext {
		ctx = nil
	}
	return entry{ctx: ctx, h: h, size: size, rec: *r}
}

// context returns what next gets as context. To strip the cancellation here, on
// the worker, spares the caller an allocation. No method of the context is called: it may
// be in other use by now.
func (e *entry) context() context.Context {
	switch {
	case e.ctx == nil:
		return context.Background()
	case e.h.engine.opts.ContextFunc != nil, e.ctx == context.Background():
		return e.ctx
	}
	return detached{e.ctx}
}

// detached has the values of the caller's context, and nothing else of it. A Value that
// panics is no fault of next's, which asks.
type detached struct{ context.Context }

func (detached) Deadline() (deadline time.Time, ok bool) { return deadline, false }
func (detached) Done() <-chan struct{}                   { return nil }
func (detached) Err() error                              { return nil }

func (d detached) Value(key any) (value any) {
	defer func() {
		if recover() != nil {
			value = nil
		}
	}()
	return d.Context.Value(key)
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
// may also be a [Flusher] or a [ByteCounter].
type Sink interface {
	// Deliver hands records of the batch to the destination, from the first on, and returns
	// how many of them it took. It may leave out the last ones, but must begin at least
	// one, or the worker asks again at once.
	//
	// If err is not nil, the records begun but not done failed together. If there are none,
	// err reports trouble that is already over. If Deliver panics, the records that it
	// began have failed, but for those it told [Batch.Done] of. It must not keep the batch.
	Deliver(b *Batch) (done int, err error)
}

// A Flusher is a [Sink] that may hold on to bytes.
type Flusher interface {
	// Flush pushes these bytes on. It is called for [Handler.Flush] and
	// [Options.SyncLevel], at the end of a shutdown, and after each record that is
	// delivered later. It is never called during a Deliver.
	Flush() error
}

// A ByteCounter is a [Sink] that knows how many bytes it has written, for [Stats].
type ByteCounter interface {
	// WrittenBytes is called concurrently with everything.
	WrittenBytes() uint64
}

// handlerSink delivers to the handler that each record was logged through, or to
// that handler's fallback.
type handlerSink struct{ fallback bool }

func (s handlerSink) Deliver(b *Batch) (done int, err error) {
	for b.Next() {
		if err = s.handle(b.current()); err != nil {
			break
		}
		done++
		b.Done(done)
	}
	return done, err
}

func (s handlerSink) handle(e *entry) error {
	if !s.fallback {
		return e.handle(e.h.next)
	}
	if !e.h.fallback.Enabled(e.context(), e.rec.Level) {
		return errNotEnabled
	}
	if err := e.handle(e.h.fallback); err != nil {
		return &fallbackError{err}
	}
	return nil
}

var errNotEnabled = errors.New("asynchandler: the fallback is not enabled for the level of a record that next refused")

// A Batch is the records that a [Sink] is to deliver, oldest first:
//
//	for b.Next() {
//		if err := b.Handle(); err != nil { ... }
//	}
type Batch struct {
	fresh []entry              // from the queue,
	held  []course.Held[entry] // or that were tried before
	first uint64               // age of fresh[0]
	lines [][]byte             // what was kept of fresh, if anything
	n     int                  // how many may begin
	own   int                  // how many were not taken back; guarded by engine.mu
	torn  bool
	// begun counts the records that Next has begun. The others can be taken back
	// by a caller in need of room or a shutdown, even while the sink hangs: then
	// it has the bit taken, and no further one begins.
	begun atomic.Int64
	told  atomic.Int64 // records that the sink says are done
}

const taken = 1 << 62

// Next begins the next record and reports whether there was one.
func (b *Batch) Next() bool {
	for {
		n := b.begun.Load()
		if n >= int64(len(b.fresh)+len(b.held)) { // as taken is
			return false
		}
		if b.begun.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Handle passes the record that Next began to the handler that it was logged through, with
// the attributes and groups of that handler, and returns the error.
func (b *Batch) Handle() error {
	e := b.current()
	return e.handle(e.h.next)
}

// Line returns what [Batch.Keep] kept of the record that Next began, in an earlier delivery
// that failed, or nil.
func (b *Batch) Line() []byte {
	if len(b.held) > 0 {
		return b.held[b.now()].Line
	}
	return nil
}

// Keep keeps what the sink has made of the i-th record, whose delivery fails. The sink
// finds it by [Batch.Line] in the next delivery, so that it need not call the record's
// handler again.
func (b *Batch) Keep(i int, line []byte) {
	switch {
	case len(b.held) > 0:
		b.held[i].Line = line
	case b.lines == nil:
		b.lines = make([][]byte, len(b.fresh))
		fallthrough
	default:
		b.lines[i] = line
	}
}

// Done tells how many records, from the first on, the destination has taken. They count as
// delivered at once, whatever Deliver returns, and also if it does not return.
func (b *Batch) Done(n int) {
	if n := int64(n); n > b.told.Load() {
		b.told.Store(n)
	}
}

// done returns how many records are. A sink that says more than it has begun is not believed.
func (b *Batch) done() int {
	told := b.told.Load() // first: it does not go beyond those begun by now
	return int(min(told, b.begun.Load()&^taken))
}

// Torn tells that the destination has a part of the first record that is not done. That
// record is not given up and goes nowhere else, and the sink gets no other until it is
// done.
func (b *Batch) Torn() { b.torn = true }

func (b *Batch) now() int { return int(b.begun.Load()&^taken) - 1 }

func (b *Batch) current() *entry { return b.at(b.now()) }

func (b *Batch) at(i int) *entry {
	if len(b.held) > 0 {
		return &b.held[i].Value
	}
	return &b.fresh[i]
}

// heldAt returns the i-th record as one that was tried.
func (b *Batch) heldAt(i int) course.Held[entry] {
	if len(b.held) > 0 {
		return b.held[i]
	}
	h := course.Held[entry]{Value: b.fresh[i], Seq: b.first + uint64(i)}
	if b.lines != nil {
		h.Line = b.lines[i]
	}
	return h
}

// open lets the records begin.
func (b *Batch) open() {
	b.n = len(b.fresh) + len(b.held)
	b.own = b.n
	b.torn, b.lines = false, nil
	b.told.Store(0)
	b.begun.Store(0)
}

// close lets no further record begin and returns how many have.
func (b *Batch) close() int { return int(b.begun.Or(taken) &^ taken) }

// clear lets go of the records, but not of the memory.
func (b *Batch) clear() {
	clear(b.fresh)
	clear(b.held)
	b.fresh, b.held, b.lines, b.n, b.own = b.fresh[:0], b.held[:0], nil, 0, 0
}
