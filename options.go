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
	"github.com/asynchandler/asynchandler/internal/claims"
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

// An Option configures a constructor of this package. Options apply in order; the last of a
// kind wins, except that [WithOnShutdown] accumulates. A value out of its range panics,
// naming option and value: a duration or size below 0, or nil unless the option says what
// nil means. An option that has no use beside the others, such as WithBlockTimeout without
// Block, is ignored.
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
	require("WithSpool", "a spool", o.Spool == nil || o.Fallback == nil, "no WithFallback beside it")
	require("WithSpool", "a spool", !claims.Taken(o.Spool), "one that is no other handler's")
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

// WithCapacity sets how many records may wait, from 1 to 2^30, rounded up to a power of
// two. The queue takes about 328 bytes for each record that waits, beside what the record
// holds. Capacity that is not used costs nothing. Default: 65,536.
func WithCapacity(n int) Option {
	return func(o *options) {
		require("WithCapacity", n, n <= maxCapacity, "<= 2^30")
		o.Capacity = require1("WithCapacity", n)
	}
}

const maxCapacity = 1 << 30

// WithOverflow says what becomes of a record for which there is no room. Under [DropOldest]
// and [DropNewest] its caller waits first, as [WithMaxWait] says. Callers that wait are
// served in the order of their calls; a call that finds room does not wait for them.
// Default: [DropOldest].
func WithOverflow(p Overflow) Option {
	return func(o *options) {
		require("WithOverflow", p, p <= Block, "DropOldest, DropNewest or Block")
		o.Overflow = p
	}
}

// WithBlockTimeout sets the longest a caller waits for room under [Block]; 0 means no
// limit. The end of the call's context ends the wait too, but not before 100 ms: a record
// of a request that was cancelled is worth no less. The record is then dropped as
// block_timeout. Without a timeout and a deadline, an outage of next stops the callers.
// Default: 0.
func WithBlockTimeout(d time.Duration) Option {
	return func(o *options) { o.BlockTimeout = require0("WithBlockTimeout", d) }
}

// WithProtectedLevel sets the level from which on records are protected: they are not
// dropped to make room for lower ones. Eviction takes the oldest lower record; if none
// waits, a lower newcomer is dropped. Under [DropNewest], and under [Block] when the wait
// ends without room, a protected newcomer takes the place of the oldest lower record. nil
// turns protection off. Default: [slog.LevelError].
func WithProtectedLevel(l slog.Leveler) Option {
	return func(o *options) {
		if l == nil {
			l = slog.Level(math.MaxInt)
		}
		o.ProtectedLevel = l
	}
}

// WithSyncLevel makes Handle of a record at or above the level wait until the record has
// its outcome and the writer is flushed. It waits for 1 s at most, and the opening of the
// breaker ends the wait. It never waits for a record that next itself logs. With a fallback
// an outage costs no wait: the record goes there at once. A record on the disk of
// [WithSpool] has its outcome. The call's context plays no part. nil turns it off. Default:
// nil.
func WithSyncLevel(l slog.Leveler) Option {
	return func(o *options) { o.SyncLevel = l }
}

// WithBatchSize sets the most records the worker takes in one go, at least 1.
// Default: 256.
func WithBatchSize(n int) Option {
	return func(o *options) { o.BatchSize = require1("WithBatchSize", n) }
}

// WithLinger sets the longest a record may wait for others to share its delivery, as
// Kafka's linger does. A Flush, a record at or above the level of [WithSyncLevel] or
// [WithProtectedLevel], a full batch and a shutdown end the wait. 0 means up to 2 ms, and
// only while records keep coming. 1 ns turns gathering off. Default: 0.
func WithLinger(d time.Duration) Option {
	return func(o *options) { o.Linger = require0("WithLinger", d) }
}

// WithMaxWait sets how long callers may wait for room under [DropOldest] and [DropNewest].
// All callers share this time as a credit, which starts full and never exceeds d. Each
// delivery earns 20 µs for each of its records and costs the time it took. While callers
// wait, time in which next makes no progress costs too. So a next of 20 µs a record or less
// is waited for as long as need be, and an outage is waited for once. 0 means that callers
// never wait: then a burst that fills the queue before the worker wakes up overflows, also
// beside a destination or a fallback that is idle. Default: 100 ms.
func WithMaxWait(d time.Duration) Option {
	return func(o *options) {
		if o.MaxWait = require0("WithMaxWait", d); d == 0 {
			o.MaxWait = -1
		}
	}
}

// WithMaxWrite sets the most bytes of whole lines in one Write, for handlers over a writer;
// a longer line still goes out in one. 0 means one record for each Write, as slog documents
// it. Set it, to 64 KiB say, for a writer of your own or of another package that takes
// bytes as they come: one that rotates files, counts or compresses. With one Write for each
// record that is several times slower.
//
// Default: 64 KiB for writers that are known to take bytes as they come: regular files,
// terminals, the null device, TCP and unix stream connections, [crypto/tls.Conn],
// [bufio.Writer], [bytes.Buffer], [strings.Builder], the writers of the packages under
// compress, and [io.Discard]. For a pipe PIPE_BUF, which is 4096 on Linux and 512
// elsewhere, so that lines of several processes do not mix. For all others 0, also for a
// type that embeds or wraps one of those: to a console writer, syslog, a datagram socket or
// a message queue each Write is a message.
func WithMaxWrite(bytes int) Option {
	return func(o *options) { o.maxWrite = require0("WithMaxWrite", bytes) }
}

// WithHighWater calls fn when Stats.Depth reaches that fraction of the capacity, in (0,1].
// It calls fn again only after Depth was below half of that. fn runs on the goroutine of
// [WithErrorHandler]. Default: off.
func WithHighWater(fraction float64, fn func(depth, capacity int)) Option {
	return func(o *options) {
		require("WithHighWater", fraction, fraction > 0 && fraction <= 1, "a fraction in (0,1]")
		o.HighWater, o.OnHighWater = fraction, requireSet("WithHighWater", fn)
	}
}

// WithOnDrop sets a function that gets every dropped record, on the goroutine that dropped
// it, with no lock held. The record has the attributes and groups of the handler that it
// was logged through, then its own. One that a full disk of [WithSpool] lets go comes as the
// next process would get it, without its context; the function is not called for those found
// damaged there, nor for records that are logged from within it. It must not log through
// package log after [slog.SetDefault]: that holds a mutex. Default: none.
func WithOnDrop(fn func(context.Context, slog.Record, DropReason)) Option {
	return func(o *options) { o.OnDrop = requireSet("WithOnDrop", fn) }
}

// WithErrorHandler sets a function that gets [*DeliveryError], [*PanicError] and
// [*StallError], one after the other, on a goroutine of its own. One that hangs delays only
// the end of a shutdown, by 1 s. While nothing is delivered it is called 10 times, then 5
// times a second, and at most 64 errors wait for it; a [*SuppressedError] stands for the
// others. The function may log through this handler, but while next is down each such
// record causes another error. Default: one line on standard error at most each ten
// seconds, with the number of errors it stands for.
func WithErrorHandler(fn func(error)) Option {
	return func(o *options) { o.ErrorHandler = requireSet("WithErrorHandler", fn) }
}

// WithDropReports sets how often, at most, the log itself says what was dropped: a WARN
// record with the number of drops since the last report, by reason and level. It stands at
// the place of the gap and goes to next together with the next record that is delivered, if
// next is enabled for WARN. 0 turns reports off. Default: 10 s.
func WithDropReports(every time.Duration) Option {
	return func(o *options) {
		if o.DropReports = require0("WithDropReports", every); every == 0 {
			o.DropReports = -1
		}
	}
}

// WithMemoryLimit sets how many bytes, at least 1, the records that wait in this handler
// may hold, as [membudget.SizeOf] estimates them. The queue's own slots come on top, and
// so does what is read from the disk of [WithSpool]. A record that does not fit is treated as
// one for which there is no place in the queue, see [WithOverflow]. One larger than the whole
// limit is dropped as oversize. It excludes [WithBudget]. Default: 64 MiB.
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

// WithCloseTimeout sets the bound of Close, above 0. Default: 10 s.
func WithCloseTimeout(d time.Duration) Option {
	return func(o *options) {
		require("WithCloseTimeout", d, d > 0, "> 0")
		o.CloseTimeout = d
	}
}

// WithOnShutdown adds a function that Shutdown runs after the drain, with its context. The
// function that was added last runs first, and each runs even if another fails or panics.
// Close the file here. The function may log. Default: none.
func WithOnShutdown(f func(context.Context) error) Option {
	return func(o *options) { o.OnShutdown = append(o.OnShutdown, requireSet("WithOnShutdown", f)) }
}
