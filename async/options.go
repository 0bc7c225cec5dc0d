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
)

// String returns the constant's name.
func (c Capture) String() string {
	switch c {
	case CaptureSnapshot:
		return "CaptureSnapshot"
	case CaptureReference:
		return "CaptureReference"
	}
	return fmt.Sprintf("Capture(%d)", c)
}

// Format names the rules by which next shows values, and so by which
// [CaptureSnapshot] renders those that can still change.
type Format uint8

const (
	// FormatUnknown renders by both the JSON and the text rules and keeps types
	// where it can. The default.
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
	// Capacity is how many records may wait, rounded up to a power of two. The
	// queue itself takes 328 bytes for each, from the start. 0 means 8192.
	Capacity int
	// Overflow says what becomes of a record for which there is no room. Under
	// DropOldest and DropNewest a caller that outruns the worker waits for it first,
	// 100 ms at most; once a wait was in vain, no other call waits until the worker has
	// made room. Those who wait are served in the order of their calls; a call that
	// finds room does not wait for them. 0 means [DropOldest].
	Overflow Overflow
	// BlockTimeout is the longest a caller waits for room under Block; the end of the
	// call's context ends the wait too. Either way the record is dropped. 0 means no
	// limit.
	BlockTimeout time.Duration
	// Budget bounds the bytes that the records in Depth may hold. It may be shared
	// with others. nil means no bound.
	Budget Budget
	// MaxRecordSize is the most bytes a record may hold, as Budget counts them: of a
	// larger one the longest of the message and the string values are cut, and it
	// gets the attribute truncated=true. 0 means no bound.
	MaxRecordSize int
	// ProtectedLevel is the level from which on records are never dropped to make
	// room for lower ones. Under DropNewest, and under Block when the wait ends
	// without room, they take the place of the oldest lower one. nil means
	// [slog.LevelError]; a level that no record has turns it off.
	ProtectedLevel slog.Leveler
	// SyncLevel makes Handle of a record at or above it wait until the record has
	// its outcome and the writer is flushed, but at most until the call's context
	// is done, next is left alone because of an outage or 1 s has passed, and never
	// when it is called by next itself. nil means off.
	SyncLevel slog.Leveler
	// BatchSize is the most records the worker takes in one go. 0 means 256.
	BatchSize int
	// FlushInterval is the longest the worker lets records gather to a batch while
	// more are coming. 0 means 0.2 ms after a delivery of many records, 2 ms after one of
	// a few.
	FlushInterval time.Duration
	// ContextFunc returns the context that next gets for a record, from that of
	// the call, on the caller. nil means: the call's values without its
	// cancellation and deadline. It is for contexts that are reused after the call
	// or that keep much alive.
	ContextFunc func(context.Context) context.Context
	// HighWater is the fraction of Capacity at which OnHighWater is called, in
	// (0,1], and needs that. 0 means never.
	HighWater float64
	// OnHighWater is called when Stats.Depth reaches HighWater, and again only
	// after it has been below half of that: on the caller whose record did it,
	// outside all locks.
	OnHighWater func(depth, capacity int)
	// OnDrop gets every dropped record, on the goroutine that dropped it and
	// outside all locks. The record has the call's own attributes only. It is not
	// called for what is logged from within it. nil means off.
	OnDrop func(context.Context, slog.Record, DropReason)
	// ErrorHandler is called with each [*DeliveryError], [*PanicError] and
	// [*StallError], by the worker, or by the caller of Handle after the shutdown. It
	// may be called concurrently: when a call into next that hung returns, another
	// worker is at work. nil means one line on stderr at most each ten seconds, with
	// the number of errors it stands for.
	ErrorHandler func(error)
	// DropReports is how often, at most, a WARN record that says how many records
	// were dropped goes through next, at the place of the gap and together with
	// the next record that is delivered. 0 means 10 s, negative means never.
	DropReports time.Duration
	// Capture says what is done with values that can change after the call. 0 means
	// [CaptureSnapshot].
	Capture Capture
	// Format names the rules by which next shows values. 0 means [FormatUnknown].
	Format Format
	// Sink delivers the batches. nil means a loop over Handle of next.
	Sink Sink
	// Gate says whether next may be tried now: a circuit breaker. nil means always.
	Gate Gate
	// Fallback gets, at once, each record that next refuses or that Gate keeps from
	// it, with the same attributes and groups. A record that it refuses too has
	// failed, and so has one for whose level it is not enabled. nil means that such
	// records are held and tried again.
	Fallback slog.Handler
	// MaxAttempts is how often a record is tried. Without a Gate it is given up
	// then. With one, it is given up if next took a later record after so many
	// failures and the record then fails once more: else next is at fault, and the
	// record is held until next is back. 0 means 3.
	MaxAttempts int
	// StallTimeout is after which time one call into next that has not returned
	// counts as an outage. 0 means 5 s, negative means never.
	StallTimeout time.Duration
	// CloseTimeout is the bound of Close. 0 means 10 s.
	CloseTimeout time.Duration
	// OnShutdown are run after the drain, the last one first, each even if
	// another fails or panics, with the context of Shutdown. They may log.
	OnShutdown []func(context.Context) error
}

// withDefaults returns o with every zero field replaced. It panics, naming field
// and value, if one is out of its range.
func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "default"
	}
	o.Name = strings.ToValidUTF8(o.Name, "\uFFFD")
	o.Capacity = orDefault("Capacity", o.Capacity, 8192)
	o.BatchSize = orDefault("BatchSize", o.BatchSize, 256)
	o.CloseTimeout = orDefault("CloseTimeout", o.CloseTimeout, 10*time.Second)
	o.MaxAttempts = orDefault("MaxAttempts", o.MaxAttempts, 3)
	if o.DropReports == 0 {
		o.DropReports = 10 * time.Second
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = 5 * time.Second
	}
	if o.ProtectedLevel == nil {
		o.ProtectedLevel = slog.LevelError
	}
	check("Overflow", o.Overflow, o.Overflow <= Block)
	check("Capture", o.Capture, o.Capture <= CaptureReference)
	check("Format", o.Format, o.Format <= FormatText)
	check("MaxRecordSize", o.MaxRecordSize, o.MaxRecordSize >= 0)
	check("BlockTimeout", o.BlockTimeout, o.BlockTimeout >= 0)
	check("FlushInterval", o.FlushInterval, o.FlushInterval >= 0)
	check("HighWater", o.HighWater, o.HighWater >= 0 && o.HighWater <= 1)
	check("OnHighWater", "nil with HighWater", o.HighWater == 0 || o.OnHighWater != nil)
	for _, f := range o.OnShutdown {
		check("OnShutdown", "nil", f != nil)
	}
	return o
}

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
