package asynchandler

import "github.com/asynchandler/asynchandler/async"

// What [Handler.Stats] returns. The fields are shown with the types of the package
// async that these are, such as [async.Stats].
type (
	// Stats is a snapshot of a handler: counts of every outcome, depth, latency.
	// It marshals to JSON with snake_case keys; those of durations end in _ns, those
	// of sizes in _bytes. [async.Stats] has the fields.
	Stats = async.Stats
	// LatencyStats says how long records took from the log call to the delivery:
	// count and sum since the start, quantiles of the last minute.
	// [async.LatencyStats] has the fields.
	LatencyStats = async.LatencyStats
	// BreakerStats is the state of the breaker, "off" if there is none, and how often
	// it changed to each state. [async.BreakerStats] has the fields.
	BreakerStats = async.BreakerStats
	// DurationStats says how long next took for one delivery: a Write, or a run of
	// Handles. It is a histogram since the start; [async.DurationStats] has the fields.
	DurationStats = async.DurationStats
	// DurationBucket is how many deliveries took UpperBound or less.
	DurationBucket = async.DurationBucket
	// DropCount is how many records of one level were dropped for one reason.
	// [async.DropCount] has the fields.
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
)
