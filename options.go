package asynchandler

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/membudget"
)

// Overflow says what becomes of a record for which there is no room.
type Overflow = async.Overflow

const (
	// DropOldest drops the oldest waiting records: what happened last is kept. The
	// default.
	DropOldest = async.DropOldest
	// DropNewest drops the record at hand: what happened first is kept.
	DropNewest = async.DropNewest
	// Block makes the caller wait for room. Without [WithBlockTimeout] and without
	// a deadline in the context, an outage of next stops the callers.
	Block = async.Block
)

// Capture says what is done with values that can change after the log call.
type Capture = async.Capture

const (
	// CaptureSnapshot resolves LogValuers and copies or renders values that can
	// still change, on the caller: a later change is no data race and does not show.
	// The default.
	CaptureSnapshot = async.CaptureSnapshot
	// CaptureReference keeps the values as they are, for those who log only values
	// that do not change. LogValuers are resolved by next, on the worker.
	CaptureReference = async.CaptureReference
)

// An Option configures a constructor of this package. Of an option given twice
// the last counts, but for [WithOnShutdown], which adds. A value out of its range makes the constructor panic with a
// message that names option and value: durations and sizes below 0, and nil where
// it is not said what that means. An option that has no use beside the others, such as
// WithBlockTimeout without Block, is ignored.
type Option func(*options)

type options struct {
	async.Options
	maxWrite       int   // negative: not given
	memoryLimit    int64 // 0: not given
	budget         *membudget.Budget
	settings       gobreaker.Settings
	withoutBreaker bool
}

func newOptions(opts []Option) *options {
	o := &options{maxWrite: -1}
	for _, opt := range opts {
		require("Option", "nil", opt != nil, "an option")
		opt(o)
	}
	if o.settings.Name == "" {
		o.settings.Name = strings.ToValidUTF8(cmp.Or(o.Name, "default"), "\uFFFD")
	}
	require("WithMemoryLimit", o.memoryLimit, o.memoryLimit == 0 || o.budget == nil, "no WithBudget beside it")
	return o
}

// require panics unless ok.
func require(option string, v any, ok bool, want string) {
	if !ok {
		panic(fmt.Sprintf("asynchandler: %s(%v): want %s", option, v, want))
	}
}

// require1 panics unless n is at least 1, and returns n.
func require1[N int | int64](option string, n N) N {
	require(option, n, n >= 1, ">= 1")
	return n
}

// require0 panics unless n is at least 0, and returns n.
func require0[N int | time.Duration](option string, n N) N {
	require(option, n, n >= 0, ">= 0")
	return n
}

// requireSet panics if v is nil, and returns v.
func requireSet[T any](option string, v T) T {
	r := reflect.ValueOf(v)
	require(option, "nil", r.IsValid() && (r.Kind() != reflect.Func || !r.IsNil()), "a value")
	return v
}

// WithName sets the name in stats, metrics and errors, made valid UTF-8. It must
// not be empty. Default: "default".
func WithName(name string) Option {
	return func(o *options) {
		require("WithName", `""`, name != "", "a name")
		o.Name = name
	}
}

// WithCapacity sets how many records may wait, from 1 to 2^30, rounded up to a power
// of two. The queue itself takes about 328 bytes for each, from the start. Default:
// 8192.
func WithCapacity(n int) Option {
	return func(o *options) {
		require("WithCapacity", n, n <= maxCapacity, "<= 2^30")
		o.Capacity = require1("WithCapacity", n)
	}
}

const maxCapacity = 1 << 30

// WithOverflow says what becomes of a record for which there is no room. With
// DropOldest and DropNewest a caller that outruns the worker waits for it first, 100 ms
// at most; once a wait was in vain, no other call waits until the worker has made room.
// Those who wait are served in the order of their calls; a call that finds room does not
// wait for them. Default: [DropOldest].
func WithOverflow(p Overflow) Option {
	return func(o *options) {
		require("WithOverflow", p, p <= Block, "DropOldest, DropNewest or Block")
		o.Overflow = p
	}
}

// WithBlockTimeout sets the longest a caller waits for room under [Block]; 0 means
// no limit. The end of the call's context ends the wait too. Either way the record is
// dropped as block_timeout. Without a timeout and a deadline, an outage of next
// stops the callers. Default: 0.
func WithBlockTimeout(d time.Duration) Option {
	return func(o *options) { o.BlockTimeout = require0("WithBlockTimeout", d) }
}

// WithProtectedLevel sets the level from which on records are never dropped to make
// room for lower ones: eviction takes the oldest below it; if all that wait are at
// or above it, a lower newcomer is dropped. Under DropNewest, and under Block when
// the wait ends without room, a newcomer at or above it takes the place of the
// oldest record below it. nil turns it off. Default: [slog.LevelError].
func WithProtectedLevel(l slog.Leveler) Option {
	return func(o *options) {
		if l == nil {
			l = slog.Level(math.MaxInt)
		}
		o.ProtectedLevel = l
	}
}

// WithSyncLevel makes Handle of a record at or above the level wait until the record
// has its outcome and the writer is flushed: at most until the call's context is
// done, the breaker is open or 1 s has passed, and never when next itself logs it.
// nil turns it off. Default: nil.
func WithSyncLevel(l slog.Leveler) Option {
	return func(o *options) { o.SyncLevel = l }
}

// WithBatchSize sets the most records the worker takes in one go, at least 1.
// Default: 256.
func WithBatchSize(n int) Option {
	return func(o *options) { o.BatchSize = require1("WithBatchSize", n) }
}

// WithFlushInterval sets the longest a line may wait for others to share its Write
// while more are coming. With 0 the worker writes after each batch, and lets records
// gather for 2 ms at most. Default: 0.
func WithFlushInterval(d time.Duration) Option {
	return func(o *options) { o.FlushInterval = require0("WithFlushInterval", d) }
}

// WithMaxWrite sets the most bytes of whole lines in one Write; a longer line still
// goes out in one. 0 means one record for each Write, as slog documents it. It is
// for handlers over a writer. Default: 64 KiB; for pipes and terminals PIPE_BUF,
// which is 4096 on Linux and 512 elsewhere, so that lines of several processes do not
// mix.
func WithMaxWrite(bytes int) Option {
	return func(o *options) { o.maxWrite = require0("WithMaxWrite", bytes) }
}

// WithContextFunc sets what makes, from the context of the call and on the caller,
// the one that next gets. It is for contexts that are reused after the call, such as
// gin's, or that keep much alive. f must not log through the handler. Default: the
// values of the call's context, without its cancellation and deadline.
func WithContextFunc(f func(context.Context) context.Context) Option {
	return func(o *options) { o.ContextFunc = requireSet("WithContextFunc", f) }
}

// WithHighWater calls fn once each time Stats.Depth reaches that fraction of the
// capacity, in (0,1], and again only after it was below half of that. It is called
// on the caller whose record did it, outside all locks. Default: off.
func WithHighWater(fraction float64, fn func(depth, capacity int)) Option {
	return func(o *options) {
		require("WithHighWater", fraction, fraction > 0 && fraction <= 1, "a fraction in (0,1]")
		o.HighWater, o.OnHighWater = fraction, requireSet("WithHighWater", fn)
	}
}

// WithOnDrop sets a function that gets every dropped record, on the goroutine that
// dropped it, outside all locks. The record has the call's own attributes only. It
// is not called for what is logged from within it. Default: none.
func WithOnDrop(fn func(context.Context, slog.Record, DropReason)) Option {
	return func(o *options) { o.OnDrop = requireSet("WithOnDrop", fn) }
}

// WithErrorHandler sets a function that gets each [*DeliveryError], [*PanicError] and
// [*StallError], on the worker, or after the shutdown on the caller of Handle. It may
// log, also through this handler, but a record for each error goes on for ever if next
// refuses those too; it should not be slow. It may be called concurrently:
// when a call into next that hung returns, another worker is at work. Default: one line
// on standard error at most each ten seconds, and one at the end of the handler for
// those that are left, with the number of errors it stands for.
func WithErrorHandler(fn func(error)) Option {
	return func(o *options) { o.ErrorHandler = requireSet("WithErrorHandler", fn) }
}

// WithDropReports sets how often, at most, a WARN record that says how many records
// were dropped since the last one, by reason and level, goes through next: at the
// place of the gap, together with the next record that is delivered, if next is
// enabled for WARN. 0 turns it off. Default: 10 s.
func WithDropReports(every time.Duration) Option {
	return func(o *options) {
		if o.DropReports = require0("WithDropReports", every); every == 0 {
			o.DropReports = -1
		}
	}
}

// WithCapture says what is done with values that can change after the log call.
// Default: [CaptureSnapshot].
func WithCapture(c Capture) Option {
	return func(o *options) {
		require("WithCapture", c, c <= CaptureReference, "CaptureSnapshot or CaptureReference")
		o.Capture = c
	}
}

// WithBreaker sets the breaker around next. Zero fields take the defaults of this
// package, not those of gobreaker: it opens after 5 consecutive failures, for 5 s
// and up to a tenth more, and closes after 1 probe of one record that goes well. A
// breaker without a name has that of [WithName]. No callback of the settings is run with a lock held. A
// negative duration is out of range. Default: those.
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
// delivery failed, and all others while the breaker is open or next hangs. A record
// that it refuses too has failed, and so has one for whose level it is not enabled. It
// gets the attributes and groups of derived handlers too. It must not be next itself.
// Default: none; then such records are held and tried again.
func WithFallback(h slog.Handler) Option {
	return func(o *options) { o.Fallback = requireSet("WithFallback", h) }
}

// WithMaxAttempts sets, at least 1, after how many failures a record is given up.
// With a breaker that needs proof: next took a later record meanwhile, and then
// refused this one once more. Default: 3.
func WithMaxAttempts(n int) Option {
	return func(o *options) { o.MaxAttempts = require1("WithMaxAttempts", n) }
}

// WithStallTimeout sets the time after which one call into next that has not
// returned counts as an outage: the breaker opens, whatever its threshold, and what
// waits goes to the fallback, if there is one. It may be noticed a quarter later if
// the call is one of a batch. 0 turns it off. Default: 5 s.
func WithStallTimeout(d time.Duration) Option {
	return func(o *options) {
		if o.StallTimeout = require0("WithStallTimeout", d); d == 0 {
			o.StallTimeout = -1
		}
	}
}

// WithMemoryLimit sets how many bytes, at least 1, the records that wait in this
// handler may hold, as [membudget.SizeOf] estimates them; the queue's own slots come
// on top. A record that does not fit is treated as one for which there is no place in
// the queue, see [WithOverflow]; one larger than the whole limit is dropped as
// oversize. It excludes [WithBudget]. Default: 64 MiB.
func WithMemoryLimit(bytes int64) Option {
	return func(o *options) { o.memoryLimit = require1("WithMemoryLimit", bytes) }
}

// WithBudget lets this handler share a memory limit with others. None evicts what
// another holds, and each can always use limit/(2 × handlers). It excludes
// [WithMemoryLimit]. Default: a limit of its own.
func WithBudget(b *membudget.Budget) Option {
	return func(o *options) {
		require("WithBudget", "nil", b != nil, "a budget")
		o.budget = b
	}
}

// WithMaxRecordSize cuts the longest of the message and the string values of records
// that hold more bytes, as [membudget.SizeOf] estimates them, never inside a rune, and
// marks them with the attribute truncated=true. 0 turns it off. Default: 0.
func WithMaxRecordSize(bytes int) Option {
	return func(o *options) { o.MaxRecordSize = require0("WithMaxRecordSize", bytes) }
}

// WithCloseTimeout sets the bound of Close, above 0. Default: 10 s.
func WithCloseTimeout(d time.Duration) Option {
	return func(o *options) {
		require("WithCloseTimeout", d, d > 0, "> 0")
		o.CloseTimeout = d
	}
}

// WithOnShutdown adds a function that Shutdown runs after the drain, last added
// first, each even if another fails or panics. Close the file here. It gets the
// context of Shutdown, and may log. Default: none.
func WithOnShutdown(f func(context.Context) error) Option {
	return func(o *options) { o.OnShutdown = append(o.OnShutdown, requireSet("WithOnShutdown", f)) }
}
