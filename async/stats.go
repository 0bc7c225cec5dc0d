package async

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler/internal/latency"
	"github.com/asynchandler/asynchandler/internal/ledger"
)

// Stats is a snapshot of a handler. Its counters are read together, so that at
// any moment, quiet or not,
//
//	Received + Recovered == Delivered + Fallback + Failed + Dropped + Depth + Spooled
//
// It marshals to JSON with snake_case keys; durations are integers of
// nanoseconds and carry the suffix _ns, sizes are in bytes.
type Stats struct {
	// Name is what [Options.Name] says.
	Name string `json:"name"`
	// Queue is a number that each queue of the process has for itself. Handlers derived
	// from one another have the same. 0 means unknown, as in Stats that were read from
	// JSON.
	Queue uint64 `json:"-"`
	// Received counts every record given to Handle, also those refused with an
	// error.
	Received uint64 `json:"received"`
	// Delivered counts records that next took.
	Delivered uint64 `json:"delivered"`
	// Fallback counts records that the fallback took because next did not.
	Fallback uint64 `json:"fallback"`
	// Failed counts records that were given up: next, and the fallback if there is one,
	// refused them or panicked, or a function on their caller did, such as ReplaceAttr.
	Failed uint64 `json:"failed"`
	// Dropped counts records that were given up for want of room, memory or time,
	// for all reasons.
	Dropped uint64 `json:"dropped"`
	// Drops splits Dropped by reason and level: every pair, zeros too, always in
	// the same order.
	Drops []DropCount `json:"drops"`
	// Depth is how many records wait or are in the worker's hands right now. It
	// may exceed Capacity by what the worker holds.
	Depth int `json:"depth"`
	// Capacity is how many records may wait: [Options.Capacity] rounded up to a
	// power of two.
	Capacity int `json:"capacity"`
	// PeakDepth is the largest Depth there ever was.
	PeakDepth int `json:"peak_depth"`
	// MemoryUsed is how many bytes the records in Depth are estimated to hold, 0
	// without a budget.
	MemoryUsed int64 `json:"memory_used_bytes"`
	// MemoryLimit is the limit of [Options.Budget] in bytes, which others may share,
	// 0 without a budget.
	MemoryLimit int64 `json:"memory_limit_bytes"`
	// DeliveryErrors counts failed attempts to deliver, to the fallback too. One
	// attempt can be of many records, and one record can be tried many times.
	DeliveryErrors uint64 `json:"delivery_errors"`
	// Panics counts panics and runtime.Goexit calls in next and in callbacks.
	Panics uint64 `json:"panics"`
	// Stalls counts calls into next or the fallback that did not return for
	// [Options.StallTimeout].
	Stalls uint64 `json:"stalls"`
	// DropReports counts the records this handler made itself to report drops.
	// They are in no other counter.
	DropReports uint64 `json:"drop_reports"`
	// WrittenBytes counts the bytes that the writer took, for a [Sink] that tells;
	// else it is 0.
	WrittenBytes uint64 `json:"written_bytes"`
	// InFlight is for how long the delivery that is running has neither begun nor done
	// another record, to the second, or 0 if none is running: the sign of a hung next, which
	// no counter shows.
	InFlight time.Duration `json:"in_flight_ns"`
	// Blocked is the sum of the time that callers have waited for room, each for
	// itself, waits still running included.
	Blocked time.Duration `json:"blocked_ns"`
	// Waiting is how many callers wait for room right now. Their records are in no other
	// number until they are let in or refused.
	Waiting int `json:"waiting"`
	// HasSpool says whether there is a spool.
	HasSpool bool `json:"-"`
	// Spooled is how many records are on the disk of [Options.Spool], in no other number but
	// Recovered or Received.
	Spooled int `json:"spooled"`
	// SpooledBytes is how many bytes the spool takes.
	SpooledBytes int64 `json:"spooled_bytes"`
	// SpoolLimit is the most that SpooledBytes can be, for a [BytesLimiter], else 0.
	SpoolLimit int64 `json:"spool_limit_bytes"`
	// SpoolBroken says that the last call into the spool failed, or that one hangs.
	SpoolBroken bool `json:"spool_broken"`
	// SpooledTotal counts the records that were put on the disk.
	SpooledTotal uint64 `json:"spooled_total"`
	// Recovered is how many records an earlier process has left on the disk.
	Recovered uint64 `json:"recovered"`
	// SpoolDamaged counts the records on the disk that were found damaged.
	SpoolDamaged uint64 `json:"spool_damaged"`
	// Latency is the time from the log call to the delivery, by next or the fallback.
	Latency LatencyStats `json:"latency"`
	// DeliveryDuration is how long next took for one delivery: a Write, or a run of
	// Handles.
	DeliveryDuration DurationStats `json:"delivery_duration"`
	// Breaker is the state of a [Gate] that is an [ObservableGate], else "off".
	Breaker BreakerStats `json:"breaker"`
	// LastError is the text of the last delivery error, panic or stall, "" if
	// there was none.
	LastError string `json:"last_error,omitempty"`
	// LastErrorTime is when LastError happened.
	LastErrorTime time.Time `json:"last_error_time,omitzero"`
}

// DropCount is how many records of one level were dropped for one reason.
type DropCount struct {
	Reason DropReason `json:"reason"`
	// Level is [slog.LevelDebug], LevelInfo, LevelWarn or LevelError. Other levels
	// count with the nearest of these below, those under LevelDebug with it.
	Level slog.Level `json:"level"`
	Count uint64     `json:"count"`
}

// DropReason says why a record was dropped.
type DropReason string

// The reasons for which a record is dropped.
const (
	// DropOverflow: the queue was full and this record made room, or was refused.
	DropOverflow DropReason = "overflow"
	// DropBlockTimeout: under Block, no room until BlockTimeout or the context's
	// end.
	DropBlockTimeout DropReason = "block_timeout"
	// DropMemory: there was no room in the memory budget, so this record made room or
	// was refused.
	DropMemory DropReason = "memory"
	// DropOversize: larger than the whole memory budget, or than what others leave of it.
	DropOversize DropReason = "oversize"
	// DropClosed: logged during the shutdown, or after one that ran out of time.
	DropClosed DropReason = "closed"
	// DropShutdown: still waiting when the shutdown's context ended.
	DropShutdown DropReason = "shutdown"
	// DropReentrant: logged by next itself, or by a callback on the worker, when there
	// was no room. It cannot wait for the room that only its own return can make.
	DropReentrant DropReason = "reentrant"
	// DropSpool: it was on the disk, and went when that was full; or it was larger than the
	// spool can be, or found damaged there.
	DropSpool DropReason = "spool"
)

// reasons orders the drop reasons; a reason is counted under its index.
var reasons = [...]DropReason{DropOverflow, DropBlockTimeout, DropMemory, DropOversize, DropClosed, DropShutdown, DropReentrant, DropSpool}

const (
	overflow ledger.Reason = iota
	blockTimeout
	memory
	oversize
	closed
	shutdown
	reentrant
	spooled
)

// dropCounts lists every pair of a reason and a level.
func dropCounts(d *ledger.Drops) []DropCount {
	list := make([]DropCount, 0, len(reasons)*len(ledger.Levels))
	for r, reason := range reasons {
		for l, level := range ledger.Levels {
			list = append(list, DropCount{reason, level, d[r][l]})
		}
	}
	return list
}

// counts are the counters that are not about records.
type counts struct {
	deliveryErrors, panics uint64
	stalls, dropReports    uint64
	lastErr                error // of the last failed attempt
	lastError              string
	lastErrorTime          time.Time
}

// note keeps an error for Stats.
func (c *counts) note(text string, now time.Time) { c.lastError, c.lastErrorTime = text, now }

// queues counts the queues of this process, to number them.
var queues atomic.Uint64

// stats returns a snapshot all of whose parts are of the same moment.
func (c *accounts) stats() Stats {
	g := c.g
	s, latencies, durations := c.counted(time.Now())
	s.Latency = LatencyStats(latencies.Snapshot(time.Now()))
	s.DeliveryDuration = durationStats(&durations)
	s.Blocked, s.Waiting = g.admission.room.Blocked()
	if b := g.budget; b != nil {
		g.guard(func() { s.MemoryUsed, s.MemoryLimit = b.Used(), b.Limit() }, g.notePanic)
	}
	if o, ok := g.opts.Gate.(ObservableGate); ok {
		g.guard(func() { s.Breaker = o.Stats() }, g.notePanic)
	}
	if w, ok := g.sink.(ByteCounter); ok {
		g.guard(func() { s.WrittenBytes = w.WrittenBytes() }, g.notePanic)
	}
	if d := g.disk.spool; d != nil {
		s.HasSpool = true
		g.guard(func() { s.SpooledBytes, s.SpoolDamaged = d.Bytes(), d.Damaged() }, g.notePanic)
	}
	return s
}

// counted returns what is guarded by mu. The histograms are copied, as to read them
// takes longer than the worker should wait.
func (c *accounts) counted(now time.Time) (s Stats, l latency.Histogram, d latency.Cumulative) {
	g := c.g
	g.locked(func() {
		tail := g.ring.Tail()
		depth := g.depthLocked(tail)
		delivered, fallback, replayed := c.underwayLocked()
		c.ledger.Peak = max(c.ledger.Peak, depth)
		received, drops := c.ledger.Balance(tail)
		s = Stats{
			Name:           g.opts.Name,
			Queue:          g.queue,
			Received:       received,
			Delivered:      c.ledger.Delivered + delivered + replayed,
			Fallback:       c.ledger.Fallback + fallback,
			Failed:         c.ledger.Failed,
			Dropped:        drops.Total(),
			Drops:          dropCounts(&drops),
			Depth:          depth - int(delivered+fallback),
			Capacity:       g.ring.Cap(),
			PeakDepth:      c.ledger.Peak,
			DeliveryErrors: c.counts.deliveryErrors,
			Panics:         c.counts.panics,
			Stalls:         c.counts.stalls,
			DropReports:    c.counts.dropReports,
			InFlight:       c.inFlightLocked(now),
			Breaker:        BreakerStats{State: "off"},
			LastError:      c.counts.lastError,
			LastErrorTime:  c.counts.lastErrorTime,
			Spooled:        g.disk.waiting - int(replayed),
			SpooledTotal:   g.disk.total,
			Recovered:      g.disk.recovered,
			SpoolLimit:     g.disk.limit,
			SpoolBroken:    g.disk.brokenLocked(),
		}
		l, d = c.latency, c.durations
	})
	return s, l, d
}

// underwayLocked counts the records of the calls under way that are done. One that goes straight
// through is in no count before its call ends.
func (c *accounts) underwayLocked() (delivered, fallback, replayed uint64) {
	g := c.g
	if g.phase == finished {
		return 0, 0, 0
	}
	for _, w := range g.busy {
		if w == nil || w.report || w.call.forsaken {
			continue
		}
		n := uint64(w.batch.done())
		switch {
		case w.call.to == toFallback:
			fallback += n
		case w.call.to == toSpool:
		case w.onDisk():
			replayed += n
		default:
			delivered += n
		}
	}
	return delivered, fallback, replayed
}

// inFlightLocked is for how long the call that has stood still longest has done so.
func (c *accounts) inFlightLocked(now time.Time) (age time.Duration) {
	for _, w := range c.g.busy {
		if w != nil {
			age = max(age, w.call.still+now.Sub(w.call.looked))
		}
	}
	return age
}
