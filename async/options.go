package async

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// Overflow says what becomes of a record for which there is no room.
type Overflow uint8

const (
	// DropOldest drops the oldest waiting records: what happened last is kept.
	// The default.
	DropOldest Overflow = iota
	// DropNewest drops the record at hand: what happened first is kept.
	DropNewest
	// Block makes the caller wait for room. Without [Options.BlockTimeout] and
	// without a deadline in the context, an outage of next stops the callers.
	Block
)

// String returns the constant's name.
func (o Overflow) String() string {
	switch o {
	case DropOldest:
		return "DropOldest"
	case DropNewest:
		return "DropNewest"
	case Block:
		return "Block"
	}
	return fmt.Sprintf("Overflow(%d)", o)
}

// Capture says what is done with values that can change after the log call.
type Capture uint8

const (
	// CaptureSnapshot resolves LogValuers and copies or renders values that can
	// still change, on the caller. The default.
	CaptureSnapshot Capture = iota
	// CaptureReference keeps the values as they are, for those who log only
	// values that do not change. LogValuers are resolved by next, on the worker.
	CaptureReference
	// CaptureCopy is CaptureSnapshot for programs whose strings share memory that is
	// used again, as those that fiber and fasthttp hand out: the message, the keys and
	// all strings are copied too.
	CaptureCopy
)

// String returns the constant's name.
func (c Capture) String() string {
	switch c {
	case CaptureSnapshot:
		return "CaptureSnapshot"
	case CaptureReference:
		return "CaptureReference"
	case CaptureCopy:
		return "CaptureCopy"
	}
	return fmt.Sprintf("Capture(%d)", c)
}

// Format names the rules by which next shows values, and so by which
// [CaptureSnapshot] renders those that can still change.
type Format uint8

const (
	// FormatUnknown means that the rules are found out for slog's own handlers, alone or
	// behind handlers of this module. For any other a value is asked by all methods that it
	// has for showing itself, and by these alone; a value without any is read by the JSON
	// and by the text rules. The default.
	FormatUnknown = Format(capture.Any)
	// FormatJSON is for a next that shows values as [slog.JSONHandler] does.
	FormatJSON = Format(capture.JSON)
	// FormatText is for a next that shows values as [slog.TextHandler] does.
	FormatText = Format(capture.Text)
)

// Options configures [New]. The zero value works: each field says what zero
// means. New panics on a value that no field mentions: a negative number, an unknown
// constant, a nil function in OnShutdown.
type Options struct {
	// Name of the handler in Stats and errors, made valid UTF-8. "" means
	// "default".
	Name string
	// Capacity is how many records may wait, rounded up to a power of two. The queue takes
	// 328 bytes for each record that waits, beside what the record holds. Capacity that is
	// not used costs nothing. 2^30 is the most; 0 means 65,536.
	Capacity int
	// Overflow says what becomes of a record for which there is no room. Under DropOldest
	// and DropNewest its caller waits first, as MaxWait says. Callers that wait are served
	// in the order of their calls; a call that finds room does not wait for them. 0 means
	// [DropOldest].
	Overflow Overflow
	// BlockTimeout is the longest a caller waits for room under Block. The end of the
	// call's context ends the wait too, but not before 100 ms: a record of a request that
	// was cancelled is worth no less. The record is then dropped. 0 means no limit.
	BlockTimeout time.Duration
	// MaxWait is how long callers may wait for room under DropOldest and DropNewest. All
	// callers share this time as a credit, which starts full and never exceeds MaxWait.
	// Each delivery earns 20 µs for each of its records and costs the time it took. While
	// callers wait, time without progress costs too. So a next of 20 µs a record or less is
	// waited for as long as need be. 0 means 100 ms, negative means that they never wait:
	// then a burst that fills the queue before the worker wakes up overflows.
	MaxWait time.Duration
	// Budget bounds the bytes that the records in Depth may hold. It may be shared
	// with others. nil means no bound.
	Budget Budget
	// MaxRecordSize is the most bytes a record may hold, as Budget counts them. A larger
	// record gets the attribute truncated=true, and the longest of its message and values
	// are cut; a value that is no string is cut as the text it is shown as. If that is not
	// enough, attributes are removed from the end. 0 means no bound.
	MaxRecordSize int
	// ProtectedLevel is the level from which on records are protected: they are not dropped
	// to make room for lower ones. Under DropNewest, and under Block when the wait ends
	// without room, a protected newcomer takes the place of the oldest lower record. nil
	// means [slog.LevelError]; a level that no record has turns it off.
	ProtectedLevel slog.Leveler
	// SyncLevel makes Handle of a record at or above it wait until the record has its
	// outcome and the writer is flushed. It waits for 1 s at most, no longer than until an
	// outage without a Fallback is noticed, and never for a record that next itself logs.
	// The call's context plays no part. A record in Spool has its outcome. nil means off.
	SyncLevel slog.Leveler
	// BatchSize is the most records the worker takes in one go. 0 means 256.
	BatchSize int
	// Linger is the longest a record may wait for others to share its delivery. A Flush, a
	// record at or above SyncLevel or ProtectedLevel, a full batch and a shutdown end the
	// wait. 0 means up to 2 ms, and only while records keep coming; 1 ns turns gathering
	// off.
	Linger time.Duration
	// ContextFunc makes the context for next from that of the call. It runs on the caller,
	// and is for contexts that are reused after the call or that keep much alive. nil means
	// the call's values without its cancellation and deadline.
	ContextFunc func(context.Context) context.Context
	// HighWater is the fraction of Capacity at which OnHighWater is called, in (0,1]. It
	// needs OnHighWater. 0 means never.
	HighWater float64
	// OnHighWater is called when Stats.Depth reaches HighWater, and again only after Depth
	// has been below half of that. It runs on the goroutine of ErrorHandler.
	OnHighWater func(depth, capacity int)
	// OnDrop gets every dropped record, on the goroutine that dropped it, with no lock
	// held. The record has the attributes and groups of the handler that it was logged
	// through, then its own. One that Spool lets go for want of room comes as the next
	// process would get it, without its context, if Spool is an [EvictTeller]. OnDrop is not
	// called for those found damaged there, nor for records that are logged from within it.
	// nil means off.
	OnDrop func(context.Context, slog.Record, DropReason)
	// ErrorHandler is called with [*DeliveryError], [*PanicError] and [*StallError], one
	// after the other, on a goroutine of its own. One that hangs delays only the end of a
	// shutdown, by 1 s. While nothing is delivered it is called 10 times, then 5 times a
	// second, and at most 64 errors wait for it; a [*SuppressedError] stands for the
	// others. nil means one line on stderr at most each ten seconds, with the number of
	// errors it stands for.
	ErrorHandler func(error)
	// DropReports is how often, at most, a WARN record that says how many records were
	// dropped goes to next. It stands at the place of the gap and goes together with the
	// next record that is delivered. 0 means 10 s, negative means never.
	DropReports time.Duration
	// Capture says what is done with values that can change after the call. 0 means
	// [CaptureSnapshot].
	Capture Capture
	// ReplaceAttr is called for each attribute as that of [slog.HandlerOptions] is. It runs
	// on the caller, before values are captured, with the groups of derived handlers. Time,
	// level, message and source are not given to it. Its results are what next, Fallback
	// and OnDrop get. nil means none.
	ReplaceAttr func(groups []string, a slog.Attr) slog.Attr
	// Format names the rules by which next shows values. 0 means [FormatUnknown].
	Format Format
	// Sink delivers the batches. nil means a loop over Handle of next.
	Sink Sink
	// Gate says whether next may be tried now: a circuit breaker. nil means always.
	Gate Gate
	// Fallback gets, at once, each record that next refuses or that Gate keeps from it,
	// with the same attributes and groups. A record that Fallback refuses too, or for whose
	// level it is not enabled, has failed. In a shutdown it also gets what waits when next has
	// not got on for 1 s, or when four fifths of the time are over. nil means that such
	// records are held and tried again.
	Fallback slog.Handler
	// Spool is a queue on disk behind the one in memory, for an outage longer than memory.
	// While next is refused or hangs and half of Capacity or of the bytes are taken, the
	// oldest records go there, in order, and while it is not empty what comes later follows
	// them. It is delivered before memory when next is back. A shutdown delivers
	// it too, puts there what next does not take, and closes it. It cannot be combined with
	// Fallback. New panics if another handler has it that has not been shut down. nil means
	// none.
	Spool Spool
	// MaxAttempts is the number of failures after which a record is given up. That counts
	// only once next has taken a record behind it since its first failure. As long as next
	// takes no other record either, next is at fault and the record is held. Without a Gate
	// a record is given up at that number, whatever becomes of others. 0 means 3.
	MaxAttempts int
	// StallTimeout is the time after which one call into next that has not returned counts
	// as an outage. 0 means 5 s, negative means never.
	StallTimeout time.Duration
	// CloseTimeout is the bound of Close. 0 means 10 s.
	CloseTimeout time.Duration
	// OnShutdown are run after the drain, with the context of Shutdown. The last one runs
	// first, and each runs even if another fails or panics. They may log.
	OnShutdown []func(context.Context) error
}

// withDefaults returns o with every zero field replaced. It panics, naming field
// and value, if one is out of its range.
func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "default"
	}
	o.Name = strings.ToValidUTF8(o.Name, "\uFFFD")
	o.Capacity = orDefault("Capacity", o.Capacity, 1<<16)
	o.BatchSize = orDefault("BatchSize", o.BatchSize, 256)
	o.CloseTimeout = orDefault("CloseTimeout", o.CloseTimeout, 10*time.Second)
	o.MaxAttempts = orDefault("MaxAttempts", o.MaxAttempts, 3)
	if o.MaxWait == 0 {
		o.MaxWait = 100 * time.Millisecond
	}
	if o.DropReports == 0 {
		o.DropReports = 10 * time.Second
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = 5 * time.Second
	}
	if o.ProtectedLevel == nil {
		o.ProtectedLevel = slog.LevelError
	}
	check("Capacity", o.Capacity, o.Capacity <= 1<<30)
	check("Overflow", o.Overflow, o.Overflow <= Block)
	check("Capture", o.Capture, o.Capture <= CaptureCopy)
	check("Format", o.Format, o.Format <= FormatText)
	check("MaxRecordSize", o.MaxRecordSize, o.MaxRecordSize >= 0)
	check("BlockTimeout", o.BlockTimeout, o.BlockTimeout >= 0)
	check("Linger", o.Linger, o.Linger >= 0)
	check("HighWater", o.HighWater, o.HighWater >= 0 && o.HighWater <= 1)
	check("OnHighWater", "nil with HighWater", o.HighWater == 0 || o.OnHighWater != nil)
	check("Spool", "both Spool and Fallback", o.Spool == nil || o.Fallback == nil)
	for _, f := range o.OnShutdown {
		check("OnShutdown", "nil", f != nil)
	}
	return o
}

// maxWait is the credit for waiting.
func (o *Options) maxWait() time.Duration { return max(0, o.MaxWait) }

func orDefault[T int | time.Duration](name string, v, zero T) T {
	check(name, v, v >= 0)
	if v == 0 {
		return zero
	}
	return v
}

func check(name string, v any, ok bool) {
	if !ok {
		panic(fmt.Sprintf("async: Options.%s: %v is out of range", name, v))
	}
}
