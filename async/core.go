package async

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/latency"
	"github.com/asynchandler/asynchandler/internal/ring"
)

// phase is where the handler is in its life.
type phase uint8

const (
	running phase = iota
	draining
	finished  // all was delivered: records go straight through
	abandoned // a shutdown's context ended the drain
)

// core is what a handler and those derived from it share.
//
// The first group of fields never changes, the second is for all goroutines
// without a lock, the third is guarded by mu. No code of the user's runs with mu
// held. A record's removal from the ring and its count happen in one critical
// section, so that every snapshot adds up.
type core struct {
	callSide

	opts    Options
	sink    Sink
	root    *Handler // the handler without attributes and groups
	light   int64    // bytes in a delivery that a long nap may follow
	onError func(error)
	stderr  *stderrReporter // behind onError if that is the default

	wakeUp   chan struct{} // capacity 1
	room     room
	outcomes atomic.Uint64 // records of the ring that have their outcome; written under mu
	alerted  atomic.Bool   // OnHighWater was called and Depth not yet below half of it
	waiters  atomic.Int32  // len(barriers)
	workers  goroutines    // that deliver
	visitors goroutines    // others that deliver or flush: they would wait for themselves
	closers  goroutines    // that run shutdown functions
	letters  letters
	blocked  atomic.Int64  // nanoseconds
	closing  chan struct{} // closed when the shutdown begins
	ended    chan struct{} // closed when the drain has ended
	direct   chan struct{} // capacity 1: full while a record goes straight through
	torn     *entry        // of which the sink has taken a part after the end; direct's

	mu        sync.Mutex
	phase     phase
	worker    *worker   // the one at work; another may be stuck inside next
	calling   []*worker // inside a call into next or the fallback
	hands     int       // records in the hands of workers
	counts    counts
	refused   dropCounts // records that never were in the ring
	evicted   dropCounts // records that were
	report    dropReport
	latency   latency.Histogram
	durations latency.Cumulative
	outage    outage
	barriers  []*barrier
	passed    chan struct{} // closed when some of them were reached, and replaced
	result    result
}

// callSide is what every log call reads, on one cache line: a caller that logs now and
// then finds none of it in its processor's cache.
type callSide struct {
	ring      *ring.Ring[entry]
	budget    Budget // opts.Budget
	maxSize   int64  // opts.MaxRecordSize
	highWater uint64 // depth at which OnHighWater is called, 0 for never
	pressing  uint64 // how many waiting records end a nap
	sleep     atomic.Uint32
	rare      bool // ContextFunc, OnDrop or SyncLevel is set
}

func newCore(opts Options) *core {
	c := &core{
		callSide: callSide{
			ring:    ring.New[entry](opts.Capacity),
			budget:  opts.Budget,
			maxSize: int64(opts.MaxRecordSize),
			rare:    opts.ContextFunc != nil || opts.OnDrop != nil || opts.SyncLevel != nil,
		},
		opts:    opts,
		sink:    opts.Sink,
		onError: opts.ErrorHandler,
		wakeUp:  make(chan struct{}, 1),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
		direct:  make(chan struct{}, 1),
	}
	c.room.signal = make(chan struct{})
	c.passed = make(chan struct{})
	c.report.last = time.Now()
	c.result.ready = make(chan struct{})
	if c.sink == nil {
		c.sink = handlerSink{}
	}
	if c.onError == nil {
		c.stderr = &stderrReporter{w: os.Stderr}
		c.onError = c.stderr.report
	}
	if opts.HighWater > 0 {
		c.highWater = uint64(max(1, opts.HighWater*float64(c.ring.Cap())))
	}
	c.limitNaps()
	return c
}

// enqueue puts the record into the ring. This is the log call: every caller pays
// for what is done here.
func (c *core) enqueue(ctx context.Context, h *Handler, r *slog.Record, size int64) error {
	if c.rare {
		if c.opts.ContextFunc != nil {
			ctx = c.opts.ContextFunc(ctx)
		}
		if c.opts.OnDrop != nil && c.letters.here() {
			h = h.quietly()
		}
	}
	if c.budget != nil && !c.budget.TryAcquire(size) {
		return c.enqueueSlow(ctx, h, r, &request{level: r.Level, size: size})
	}
	pos, e, status := c.ring.Reserve()
	if status != ring.Reserved {
		return c.enqueueSlow(ctx, h, r, &request{level: r.Level, size: size, acquired: true})
	}
	c.put(pos, e, ctx, h, r, size)
	c.follow(ctx, pos, r.Level)
	return nil
}

// put fills the reserved slot and hands it over.
func (c *core) put(pos uint64, e *entry, ctx context.Context, h *Handler, r *slog.Record, size int64) {
	e.ctx = ctx
	e.h = h
	e.size = size
	e.rec = *r
	c.ring.Publish(pos)
}

// follow sees to what follows from a record in the ring.
func (c *core) follow(ctx context.Context, pos uint64, level slog.Level) {
	if c.sleep.Load() != awake {
		c.wakeFor(pos)
	}
	if c.highWater > 0 {
		c.tellHighWater(c.reachedHighWater(pos))
	}
	if c.rare && c.opts.SyncLevel != nil && level >= c.opts.SyncLevel.Level() {
		c.awaitOutcome(ctx, pos)
	}
}

// enqueueSlow is enqueue for a record that was not taken at once.
func (c *core) enqueueSlow(ctx context.Context, h *Handler, r *slog.Record, q *request) error {
	if ctx == nil {
		ctx = context.Background()
	}
	defer q.patience.stop()
	for {
		if c.ring.Sealed() {
			c.giveBack(q)
			return c.late(ctx, h, r)
		}
		if c.acquire(q) {
			pos, e, status := c.ring.Reserve()
			if status == ring.Reserved {
				c.put(pos, e, ctx, h, r, q.size)
				c.follow(ctx, pos, r.Level)
				return nil
			}
			if status == ring.Sealed {
				continue
			}
		}
		reason, refused := c.makeRoom(ctx, h, r, q)
		if refused {
			c.giveBack(q)
			return c.refuse(ctx, h, r, reason)
		}
		if w := q.waiter; w != nil && w.admitted {
			c.tellHighWater(w.depth)
			c.follow(ctx, w.pos, r.Level)
			return nil
		}
	}
}

// reachedHighWater returns Depth if the record at pos, just published, made it reach the
// mark, else 0.
func (c *core) reachedHighWater(pos uint64) (depth int) {
	depth = int(int64(pos + 1 - c.outcomes.Load())) // negative if records behind this one have their outcome already
	if depth < int(c.highWater) || c.alerted.Load() || !c.alerted.CompareAndSwap(false, true) {
		return 0
	}
	return depth
}

// tellHighWater calls OnHighWater if depth says that the mark was reached.
func (c *core) tellHighWater(depth int) {
	if depth > 0 {
		c.guard(func() { c.opts.OnHighWater(depth, c.ring.Cap()) }, c.notePanic)
	}
}

// depthLocked is how many of the records before tail wait or are in the hands of
// workers.
func (c *core) depthLocked(tail uint64) int {
	return int(tail-c.ring.Head()) + c.ring.SideLen() + len(c.outage.held) + c.hands
}

// notePeakLocked must be called before anything is removed: in between, depth
// only grows.
func (c *core) notePeakLocked() {
	c.counts.peakDepth = max(c.counts.peakDepth, c.depthLocked(c.ring.Tail()))
}

// settledLocked must be called after records got their outcome.
func (c *core) settledLocked() {
	if c.highWater == 0 {
		return
	}
	tail := c.ring.Tail()
	depth := uint64(c.depthLocked(tail))
	c.outcomes.Store(tail - depth)
	if depth < (c.highWater+1)/2 {
		c.alerted.Store(false)
	}
}
