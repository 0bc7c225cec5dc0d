package asynchandler

import "github.com/asynchandler/asynchandler/async"

// What [Handler.Stats] returns.
type (
	// Stats is a snapshot of a handler, in which at any moment
	//
	//	Received + Recovered == Delivered + Fallback + Failed + Dropped + Depth + Spooled
	//
	// It marshals to JSON with snake_case keys; those of durations end in _ns, those
	// of sizes in _bytes. As a log attribute it has the same keys, and of Drops only what
	// there was. Its method String returns a line to read. Its fields:
	//
	//	Name             string        // what WithName says
	//	Queue            uint64        // the same for handlers derived from one another; not in JSON
	//	Received         uint64        // records given to Handle, also those refused
	//	Delivered        uint64        // records that next took
	//	Fallback         uint64        // records that the fallback took
	//	Failed           uint64        // records that were tried and given up
	//	Dropped          uint64        // records lost for want of room, memory or time
	//	Drops            []DropCount   // Dropped by reason and level: every pair, zeros too
	//	Depth            int           // records that wait or are in the worker's hands
	//	Capacity         int           // how many may wait
	//	PeakDepth        int           // the largest Depth there ever was
	//	MemoryUsed       int64         // bytes that the records in Depth hold, as estimated
	//	MemoryLimit      int64         // bytes, which others may share
	//	DeliveryErrors   uint64        // failed attempts; one record can have many
	//	Panics           uint64        // of next and of callbacks
	//	Stalls           uint64        // calls that did not return for WithStallTimeout
	//	DropReports      uint64        // records the handler made itself; in no other counter
	//	WrittenBytes     uint64        // bytes that the writer took
	//	InFlight         time.Duration // since the running call into next got on
	//	Blocked          time.Duration // that callers waited for room, added up
	//	Waiting          int           // callers that wait for room now
	//	HasSpool         bool          // whether there is one; not in JSON
	//	Spooled          int           // records on the disk of WithSpool
	//	SpooledBytes     int64         // that the spool takes
	//	SpoolLimit       int64         // the most that these can be, 0 if it does not say
	//	SpoolBroken      bool          // the last call into it failed, or one hangs
	//	SpooledTotal     uint64        // records that were put on the disk
	//	Recovered        uint64        // records that an earlier process left there
	//	SpoolDamaged     uint64        // records there that were found damaged; in no other counter
	//	Latency          LatencyStats  // from the log call to the delivery
	//	DeliveryDuration DurationStats // of one delivery
	//	Breaker          BreakerStats  // its state
	//	LastError        string        // text of the last error, panic or stall
	//	LastErrorTime    time.Time     // when that was
	//
	// [async.Stats] says more of each.
	Stats = async.Stats
	// LatencyStats says how long records took from the log call to the delivery:
	//
	//	Count uint64        // records measured since the start
	//	Sum   time.Duration // of their latencies
	//	P50   time.Duration // quantiles of the last minute, 0 if there was nothing
	//	P90   time.Duration
	//	P95   time.Duration
	//	P99   time.Duration
	//	Max   time.Duration // of the last minute
	LatencyStats = async.LatencyStats
	// BreakerStats is the state of the breaker and how often it changed to each state:
	//
	//	State      string // "closed", "open", "half-open", or "off" without a breaker
	//	Opened     uint64 // changes to open
	//	HalfOpened uint64 // changes to half-open
	//	Closed     uint64 // changes to closed
	BreakerStats = async.BreakerStats
	// DurationStats says how long next took for one delivery, a Write or a run of Handles,
	// as a histogram since the start:
	//
	//	Count   uint64           // deliveries
	//	Sum     time.Duration    // of their durations
	//	Classic []DurationBucket // each with all up to its upper bound; not in JSON
	//
	// Its method Exponential returns finer buckets.
	DurationStats = async.DurationStats
	// DurationBucket is how many deliveries took UpperBound or less:
	//
	//	UpperBound time.Duration // included
	//	Count      uint64        // deliveries, those of the buckets below too
	DurationBucket = async.DurationBucket
	// DropCount is how many records of one level were dropped for one reason:
	//
	//	Reason DropReason
	//	Level  slog.Level // DEBUG, INFO, WARN or ERROR; others count with the nearest below
	//	Count  uint64
	DropCount = async.DropCount
	// DropReason says why a record was dropped.
	DropReason = async.DropReason
)

// The reasons for which a record is dropped.
const (
	// DropOverflow: the queue was full and this record made room, or was refused.
	DropOverflow = async.DropOverflow
	// DropBlockTimeout: under Block, there was no room until the timeout or the
	// context's end.
	DropBlockTimeout = async.DropBlockTimeout
	// DropMemory: there was no room in the memory limit, so this record made room or
	// was refused.
	DropMemory = async.DropMemory
	// DropOversize: larger than the whole memory limit, or than what others leave of a
	// shared one.
	DropOversize = async.DropOversize
	// DropClosed: logged during the shutdown, or after one that ran out of time.
	DropClosed = async.DropClosed
	// DropShutdown: still waiting when the shutdown's context ended.
	DropShutdown = async.DropShutdown
	// DropReentrant: logged by next itself, or by a callback on the worker, when there
	// was no room.
	DropReentrant = async.DropReentrant
	// DropSpool: it was on the disk, and went when that was full; or it was larger than the
	// spool can be, or found damaged there.
	DropSpool = async.DropSpool
)
