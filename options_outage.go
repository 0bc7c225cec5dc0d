package asynchandler

import (
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/async"
)

// WithBreaker sets the breaker around next. Zero fields take the defaults of this package:
// it opens after failures of 5 different records in a row, for 5 s and up to a tenth more,
// and closes after 1 probe that goes well. A record that fails again and again is one
// failure. A probe tries one record after the other, until next takes one or 100 ms are
// spent. A breaker without a name has that of [WithName]. No callback of the settings runs
// with a lock held. A negative duration is out of range. Default: those.
func WithBreaker(s gobreaker.Settings) Option {
	return func(o *options) {
		require0("WithBreaker: Timeout", s.Timeout)
		require0("WithBreaker: Interval", s.Interval)
		require0("WithBreaker: BucketPeriod", s.BucketPeriod)
		o.settings, o.withoutBreaker = s, false
	}
}

// WithoutBreaker leaves the breaker out: a record that fails is tried as often as
// [WithMaxAttempts] says, then it has failed. Default: with a breaker.
func WithoutBreaker() Option {
	return func(o *options) { o.withoutBreaker = true }
}

// WithFallback sets the handler that gets what next refuses, at once: records whose
// delivery failed, and all others while the breaker is open or next hangs. In a shutdown
// it also gets what waits when next has not got on for 1 s, or when four fifths of the time
// are over. A record that the fallback refuses too, or for whose level it is not enabled,
// has failed. The fallback gets the attributes and groups of derived handlers as next does.
// A ReplaceAttr inside a next of [New] or [NewWriterHandler] is not applied for it, nor for
// [WithOnDrop]: see [WithReplaceAttr]. Values are captured for next: a ReplaceAttr of the
// fallback's own that goes by type belongs into WithReplaceAttr. It must be another handler
// than next. Default: none; then such records are held and tried again.
func WithFallback(h slog.Handler) Option {
	return func(o *options) { o.Fallback = requireSet("WithFallback", h) }
}

// WithMaxAttempts sets, at least 1, the number of failures after which a record is given
// up. That counts only once next has taken a record behind it since its first failure. As
// long as next takes no other record either, next is at fault and the record is held. With
// [WithoutBreaker] a record is given up at that number, whatever becomes of others.
// Default: 3.
func WithMaxAttempts(n int) Option {
	return func(o *options) { o.MaxAttempts = require1("WithMaxAttempts", n) }
}

// WithStallTimeout sets the time after which one call into next that has not returned
// counts as an outage: the breaker opens, whatever its threshold, and what waits goes to
// the fallback, if there is one. In a batch a stall may be noticed a quarter of that time
// late. 0 turns it off. Default: 5 s.
func WithStallTimeout(d time.Duration) Option {
	return func(o *options) {
		if o.StallTimeout = require0("WithStallTimeout", d); d == 0 {
			o.StallTimeout = -1
		}
	}
}

// Spool is a queue of records on disk, for [WithSpool]. Package spool has one.
type Spool = async.Spool

// WithSpool puts a queue on disk behind the one in memory, for outages longer than memory:
//
//	s, err := spool.Open("/var/spool/myservice", spool.Options{})
//	if err != nil { ... }
//	h := asynchandler.NewJSONHandler(conn, nil, asynchandler.WithSpool(s))
//
// While next is refused or hangs and half of the capacity or of the bytes are taken, the
// oldest records go to the disk, in order, and while it is not empty what comes later
// follows them. When next is back the disk is delivered first, oldest first, then memory.
// What a process left there is delivered by the next one that opens the folder. The caller
// never waits for the disk: what outruns it follows the overflow policy. [Handler.Shutdown]
// delivers the disk too; after one failed try, and after four fifths of its time, it puts
// there what is left, and closes s. The values of contexts do not survive. What is read from
// the disk to be delivered is in memory beside the limit of [WithMemoryLimit] or [WithBudget]:
// at most 4 MiB of the disk at a time, or one larger record.
// What the ReplaceAttr of [NewJSONHandler] or [NewTextHandler] removes is not on the disk;
// that of a next of [New] or [NewWriterHandler] sees what comes back from there, without
// the types: give such a redaction to [WithReplaceAttr].
//
// s belongs to one handler: a constructor panics if it is that of another one that has not been
// shut down. It cannot be combined with [WithFallback]. Default: none.
func WithSpool(s Spool) Option {
	return func(o *options) { o.Spool = requireSet("WithSpool", s) }
}
