package asynchandler

import "github.com/asynchandler/asynchandler/async"

// What [Handler.Stats] returns. The package async has the fields.
type (
	// Stats is a snapshot of a handler: counts of every outcome, depth, latency.
	// It marshals to JSON with snake_case keys that end in their units.
	Stats = async.Stats
	// LatencyStats says how long records took from the log call to the delivery.
	LatencyStats = async.LatencyStats
	// BreakerStats is the state of the breaker and its changes.
	BreakerStats = async.BreakerStats
	// DurationStats says how long next took for one delivery.
	DurationStats = async.DurationStats
	// DurationBucket is how many deliveries took UpperBound or less.
	DurationBucket = async.DurationBucket
	// DropCount is how many records of one level were dropped for one reason.
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
	// DropOversize: larger than the whole memory limit.
	DropOversize = async.DropOversize
	// DropClosed: logged during or after the shutdown.
	DropClosed = async.DropClosed
	// DropShutdown: still waiting when the shutdown's context ended.
	DropShutdown = async.DropShutdown
	// DropReentrant: logged by next itself while the queue was full.
	DropReentrant = async.DropReentrant
)
