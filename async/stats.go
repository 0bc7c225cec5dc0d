package async

import (
	"log/slog"
	"time"

	"github.com/asynchandler/asynchandler/internal/latency"
)

// Stats is a snapshot of a handler. Its counters are read together, so that at
// any moment, quiet or not,
//
//	Received == Delivered + Fallback + Failed + Dropped + Depth
//
// It marshals to JSON with snake_case keys; durations are integers of
// nanoseconds and carry the suffix _ns, sizes are in bytes.
type Stats struct {
	// Name is what [Options.Name] says.
	Name string `json:"name"`
	// Received counts every record given to Handle, also those refused with an
	// error.
	Received uint64 `json:"received"`
	// Delivered counts records that next took.
	Delivered uint64 `json:"delivered"`
	// Fallback counts records that the fallback took because next did not.
	Fallback uint64 `json:"fallback"`
	// Failed counts records that were given up: next, and the fallback if there is
	// one, refused them or panicked.
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
	// InFlight is the age of the delivery that is running, 0 if none is: the
	// sign of a hung next, which no counter shows.
	InFlight time.Duration `json:"in_flight_ns"`
	// Blocked is the sum of the time that callers have waited for room, each for
	// itself.
	Blocked time.Duration `json:"blocked_ns"`
	// Latency is the time from the log call to the delivery, by next or the fallback.
	Latency LatencyStats `json:"latency"`
	// DeliveryDuration is how long next took for one delivery: a Write, or a run of
	// Handles.
	DeliveryDuration DurationStats `json:"delivery_duration"`
	// Breaker is the state of a [Gate] that tells it.
	Breaker BreakerStats `json:"breaker"`
	// LastError is the text of the last delivery error, panic or stall, "" if
	// there was none.
	LastError string `json:"last_error,omitempty"`
	// LastErrorTime is when LastError happened.
	LastErrorTime time.Time `json:"last_error_time,omitzero"`
}

// LatencyStats says how long records took from the log call, which is
// [slog.Record.Time], to their delivery. Records whose Time was not made by
// [time.Now] are not measured. Count and Sum are since the start; the quantiles
// are of the last minute, with an error of about 4%, and 0 when it was empty.
type LatencyStats struct {
	Count uint64        `json:"count"`  // records measured
	Sum   time.Duration `json:"sum_ns"` // of their latencies
	P50   time.Duration `json:"p50_ns"` // the median
	P90   time.Duration `json:"p90_ns"`
	P95   time.Duration `json:"p95_ns"`
	P99   time.Duration `json:"p99_ns"`
	Max   time.Duration `json:"max_ns"` // of the last minute
}

// DurationStats is a histogram of deliveries since the start, in the two shapes
// that Prometheus knows. As JSON it is its count and its sum.
type DurationStats struct {
	Count uint64        `json:"count"`  // deliveries
	Sum   time.Duration `json:"sum_ns"` // of their durations
	// Zero counts what is below 2^-24 s, and Buckets the rest by native bucket of
	// schema 3: number i reaches up to and including 2^(i/8) s.
	Zero    uint64        `json:"-"`
	Buckets map[int]int64 `json:"-"`
	// Classic has the same deliveries in buckets that hold all up to and including
	// their upper bound.
	Classic []DurationBucket `json:"-"`
}

// DurationBucket is how many deliveries took UpperBound or less.
type DurationBucket struct {
	UpperBound time.Duration // included
	Count      uint64        // deliveries, those of the buckets below too
}

func durationStats(c *latency.Cumulative) DurationStats {
	s := c.Snapshot()
	d := DurationStats{Count: s.Count, Sum: s.Sum, Zero: s.Zero, Buckets: s.Buckets}
	for i, limit := range latency.ClassicLimits {
		d.Classic = append(d.Classic, DurationBucket{limit, s.Classic[i]})
	}
	return d
}

// BreakerStats is the state of the circuit breaker and how often it changed to
// each state.
type BreakerStats struct {
	// State is "closed", "open", "half-open" or, without a breaker, "off".
	State      string `json:"state"`
	Opened     uint64 `json:"opened"`      // changes to open
	HalfOpened uint64 `json:"half_opened"` // changes to half-open
	Closed     uint64 `json:"closed"`      // changes to closed
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
)

// reasons orders the drop reasons; a reason is counted under its index.
var reasons = [...]DropReason{DropOverflow, DropBlockTimeout, DropMemory, DropOversize, DropClosed, DropShutdown, DropReentrant}

const (
	overflow = iota
	blockTimeout
	memory
	oversize
	closed
	shutdown
	reentrant
)

var levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func levelIndex(l slog.Level) int {
	switch {
	case l < slog.LevelInfo:
		return 0
	case l < slog.LevelWarn:
		return 1
	case l < slog.LevelError:
		return 2
	}
	return 3
}

// dropCounts counts drops by reason and level.
type dropCounts [len(reasons)][len(levels)]uint64

func (d *dropCounts) total() (n uint64) {
	for _, byLevel := range d {
		for _, count := range byLevel {
			n += count
		}
	}
	return n
}

func (d *dropCounts) add(o *dropCounts) {
	for r := range d {
		for l := range d[r] {
			d[r][l] += o[r][l]
		}
	}
}

func (d *dropCounts) list() []DropCount {
	list := make([]DropCount, 0, len(reasons)*len(levels))
	for r, byLevel := range d {
		for l, count := range byLevel {
			list = append(list, DropCount{reasons[r], levels[l], count})
		}
	}
	return list
}

// counts are the counters that are not about drops.
type counts struct {
	delivered, fallback, failed uint64
	direct                      uint64 // received after the end, past the ring
	deliveryErrors, panics      uint64
	stalls, dropReports         uint64
	peakDepth                   int
	lastError                   string
	lastErrorTime               time.Time
}

// stats returns a snapshot all of whose parts are of the same moment.
func (c *core) stats() Stats {
	s, latencies, durations := c.counted(time.Now())
	s.Latency = LatencyStats(latencies.Snapshot(time.Now()))
	s.DeliveryDuration = durationStats(&durations)
	if b := c.budget; b != nil {
		s.MemoryUsed, s.MemoryLimit = b.Used(), b.Limit()
	}
	if g, ok := c.opts.Gate.(interface{ BreakerStats() BreakerStats }); ok {
		s.Breaker = g.BreakerStats()
	}
	if w, ok := c.sink.(interface{ WrittenBytes() uint64 }); ok {
		s.WrittenBytes = w.WrittenBytes()
	}
	return s
}

// counted returns what is guarded by mu. The histograms are copied, as to read them
// takes longer than the worker should wait.
func (c *core) counted(now time.Time) (Stats, latency.Histogram, latency.Cumulative) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := c.ring.Tail()
	depth := c.depthLocked(tail)
	delivered, fallback := c.underwayLocked()
	c.counts.peakDepth = max(c.counts.peakDepth, depth)
	drops := c.refused
	received := tail + drops.total() + c.counts.direct
	drops.add(&c.evicted)
	return Stats{
		Name:           c.opts.Name,
		Received:       received,
		Delivered:      c.counts.delivered + delivered,
		Fallback:       c.counts.fallback + fallback,
		Failed:         c.counts.failed,
		Dropped:        drops.total(),
		Drops:          drops.list(),
		Depth:          depth - int(delivered+fallback),
		Capacity:       c.ring.Cap(),
		PeakDepth:      c.counts.peakDepth,
		DeliveryErrors: c.counts.deliveryErrors,
		Panics:         c.counts.panics,
		Stalls:         c.counts.stalls,
		DropReports:    c.counts.dropReports,
		InFlight:       c.inFlightLocked(now),
		Blocked:        time.Duration(c.blocked.Load()),
		Breaker:        BreakerStats{State: "off"},
		LastError:      c.counts.lastError,
		LastErrorTime:  c.counts.lastErrorTime,
	}, c.latency, c.durations
}

// underwayLocked counts the records that were taken in runs of Handles which are still
// under way: all that began before the one that is inside.
func (c *core) underwayLocked() (delivered, fallback uint64) {
	_, loops := c.sink.(handlerSink)
	for _, w := range c.calling {
		n := uint64(max(0, w.batch.begun.Load()&^taken-1))
		switch {
		case w.kind == report || w.call.forsaken:
		case w.call.fallback:
			fallback += n
		case loops:
			delivered += n
		}
	}
	return delivered, fallback
}

// inFlightLocked is the age of the oldest delivery that is running.
func (c *core) inFlightLocked(now time.Time) (age time.Duration) {
	for _, w := range c.calling {
		age = max(age, now.Sub(w.call.since))
	}
	return age
}
