package async

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
	"github.com/asynchandler/asynchandler/internal/ring"
	"github.com/asynchandler/asynchandler/internal/sleeper"
)

// phase is where the handler is in its life.
type phase uint8

const (
	running phase = iota
	draining
	finished  // all was delivered: records go straight through
	abandoned // a shutdown's context ended the drain
)

// engine is what a handler and those derived from it share.
//
// The first group of fields never changes, the second is for all goroutines without the
// lock, the third are parts with fields of their own, the fourth is guarded by mu.
//
// mu is taken by locked alone. No code of the user's runs with it held, not even a method
// of Gate, Sink or Budget. Of the locks of waitroom, notify, gate and budget only that of
// waitroom.Credit is taken with it, as the last one. A record's removal from the ring and
// its count happen in one critical section, so that every snapshot adds up; deciding what to
// do, taking the records for it and beginning the call are one, too.
type engine struct {
	callSide

	opts     Options
	queue    uint64 // Stats.Queue
	sink     Sink
	flusher  Flusher       // the sink, if it is one
	reporter *Handler      // stands for the handler's own records
	gather   time.Duration // how long records may wait for others

	tell    teller
	alerted atomic.Bool // OnHighWater was called and Depth not yet below half of it
	callers callers     // goroutines that this handler runs code of the user's on

	outcomes atomic.Uint64 // records of the ring that have their outcome; written under mu
	hurried  atomic.Uint64 // position behind the last urgent record, if records linger
	resting  atomic.Int32  // above 0: the worker waits
	began    time.Time

	sleeper    *sleeper.Sleeper
	admission  admission
	patience   patience
	purse      purse
	barriers   barriers
	accounts   accounts
	ending     ending
	afterwards afterwards

	mu     sync.Mutex
	phase  phase
	worker *worker          // who has the role
	busy   [targets]*worker // inside a call into next, the fallback or the spool
	hands  int              // records in the hands of workers
	seq    uint64           // age of the record taken last
	course course.Course[entry]
	probe  probe
	lent   int   // records that are held, as the ring knows
	freed  int64 // bytes to be released when mu is
	disk   disk

	unfinished uint64 // age of the record that went straight through and that the sink has a part of; 0: none
}

// callSide is what every log call reads, on one cache line: a caller that logs now and
// then finds none of it in its processor's cache.
type callSide struct {
	ring      *ring.Ring[entry]
	budget    Budget // opts.Budget
	maxSize   int64  // opts.MaxRecordSize
	highWater uint64 // depth at which OnHighWater is called, 0 for never
	pressing  uint64 // how many waiting records end a nap
	sleep     sleeper.State
	rare      bool // ContextFunc or SyncLevel is set
	lingers   bool // records wait for others as long as Linger says
}

func newEngine(opts Options) *engine {
	g := &engine{
		callSide: callSide{
			ring:    ring.New[entry](opts.Capacity),
			budget:  opts.Budget,
			maxSize: int64(opts.MaxRecordSize),
			rare:    opts.ContextFunc != nil || opts.SyncLevel != nil,
		},
		opts:  opts,
		queue: queues.Add(1),
		sink:  opts.Sink,
		began: time.Now(),
	}
	g.sleeper = sleeper.New(&g.sleep, g.callers.workers.Hide, g.callers.workers.Show)
	g.course.MaxAttempts, g.course.Plain = opts.MaxAttempts, opts.Gate == nil
	if o, ok := opts.Gate.(OpenTimer); ok {
		g.early(func() { g.course.OpenTime = o.OpenTime() })
	}
	g.seq = firstSeq
	g.disk.initSpool(g)
	if g.sink == nil {
		g.sink = handlerSink{}
	}
	g.flusher, _ = g.sink.(Flusher)
	g.admission.init(g)
	g.patience.init(g)
	g.purse.g = g
	g.barriers.init(g)
	g.accounts.init(g)
	g.ending.init(g)
	g.afterwards.init(g)
	g.tell.init(g)
	if opts.HighWater > 0 {
		g.highWater = uint64(math.Ceil(opts.HighWater * float64(g.ring.Cap())))
	}
	g.limitNaps()
	return g
}

// locked runs f with the lock held, and after it what must not happen under it.
func (g *engine) locked(f func()) {
	g.mu.Lock()
	f()
	if n := g.heldLocked(); n != g.lent {
		g.lent = n
		g.ring.Lend(n)
	}
	freed, ripe := g.freed, g.barriers.ripe
	g.freed, g.barriers.ripe = 0, nil
	g.mu.Unlock()
	for _, b := range ripe {
		g.barriers.bells.Ring(b)
	}
	if freed > 0 {
		g.purse.release(freed)
	}
}

// depthLocked is how many of the records before tail wait or are in the hands of
// workers. One that goes straight through counts when it has its outcome, or waits for that
// as the sink has a part of it.
func (g *engine) depthLocked(tail uint64) int {
	switch {
	case g.phase != finished:
		return int(tail-g.ring.Head()) + g.ring.SideLen() + g.heldLocked() + g.hands
	case g.unfinished > 0:
		return 1
	}
	return 0
}

// heldLocked is how many records of callers are held.
func (g *engine) heldLocked() int {
	n := g.course.Len() - g.course.Stored()
	if n > 0 && g.course.At(0).Value.h == g.reporter {
		n-- // the rest of a drop report
	}
	return n
}

// isFinished reports whether all was delivered. The phase does not change after the end.
func (g *engine) isFinished() bool { return isClosed(g.ending.ended) && g.phase == finished }

// hasAside reports whether records can go elsewhere than to next.
func (g *engine) hasAside() bool { return g.opts.Fallback != nil || g.opts.Spool != nil }

// muchRoom reports whether a quarter of the queue is free.
func (g *engine) muchRoom() bool { return g.ring.Waiting() <= g.ring.Cap()*3/4 }

// isClosed reports whether ch is.
func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
