// Package asynchandler is a [slog.Handler] that delivers records asynchronously: a log
// call copies the record into a bounded queue and returns, and one worker delivers
// what waits. A slow, failing or hanging destination does not slow the caller, and each
// record is accounted for.
//
//	h := asynchandler.NewJSONHandler(os.Stderr, nil) // instead of slog.NewJSONHandler(os.Stderr, nil)
//	logger := slog.New(h)
//	logger.Info("order placed", "id", 17)
//
//	if err := h.Close(); err != nil { // delivers what waits
//		fmt.Println(err)
//	}
//	stats := h.Stats()
//	fmt.Println(stats.Delivered, "delivered,", stats.Dropped, "dropped")
//
// [NewJSONHandler] and [NewTextHandler] write, byte for byte, what slog's handlers of these
// names write. [NewWriterHandler] is for any other handler that writes lines to an
// [io.Writer], [New] for every other [slog.Handler]. [NewMultiHandler] gives each record to
// several handlers, each with a queue and a worker of its own, so that a hung one delays no
// other.
//
// The destination, the handler or the writer that records end at, is called next below, as
// the parameter of [New] is. The defaults suit a service that logs to a file or to standard
// output; the comment of each [Option] ends with its default.
//
// # Overflow
//
// [WithCapacity] records may wait. When there is no room, [WithOverflow] decides:
// [DropOldest], the default, drops what has waited longest; [DropNewest] drops the record
// at hand; [Block] makes the caller wait, without end unless [WithBlockTimeout] or the
// call's context sets one.
//
// Two rules come before that. Callers wait for a fast next, of 20 µs a record or less, so
// that a burst into a healthy file loses nothing. For a slower one, and in an outage, all
// callers together wait no longer than [WithMaxWait]. And records at or above
// [WithProtectedLevel], by default errors, are not dropped to make room for lower ones.
//
// What was dropped shows in [Stats], by reason and level, in a WARN record at the place of
// the gap ([WithDropReports]), and record by record in [WithOnDrop].
//
// # Outages
//
// When next refuses five different records in a row, a circuit breaker opens. Next is left
// alone for about five seconds and then probed, with one record after the other, until it
// takes one or 100 ms are spent ([WithBreaker]). A call into next that does not return for
// [WithStallTimeout] opens the breaker too. No second call is made while it hangs, and if
// it returns without an error, that was the probe.
//
// As long as the outage lasts, records go to [WithFallback] at once. Without a fallback
// they wait, are delivered when next is back, and are lost only if the queue fills up.
// [Handler.ResetBreaker] ends the wait by hand.
//
// Without a fallback, a record that next refuses while it takes others is given up after
// [WithMaxAttempts] failures. It is given up at once if the error wraps [ErrPermanent] or
// if next panicked on it. [WithErrorHandler] gets failed attempts as [*DeliveryError],
// [*PanicError] or [*StallError], and those beyond its pace as one [*SuppressedError]. By
// default that is a line on standard error, at most each ten seconds. [Handler.Health] says
// what is wrong now.
//
// # Memory
//
// The records that wait hold at most [WithMemoryLimit] bytes, as [membudget.SizeOf]
// estimates them, or share a limit with other handlers ([WithBudget]). A record that does
// not fit is treated as one for which there is no place in the queue. One larger than the
// whole limit is dropped; [WithMaxRecordSize] cuts large records before it comes to that.
//
// The slots of the queue, about 328 bytes for each record that waits, come on top, and so
// do the attributes of derived handlers and the buffer of one Write. Capacity that is not
// used costs nothing.
//
// # Shutdown
//
// The records that wait are lost if the process ends before they are delivered. So end
// with [Handler.Close], or with [Handler.Shutdown] to set the bound yourself. Each
// returns nil if all that waited was delivered or went to the fallback and nothing else
// went wrong; a [*ShutdownError] says how many records were left when the time was up.
//
// A deferred Close does not run after [os.Exit] or [log.Fatal], nor when a signal ends the
// program. Let main be
//
//	func main() { os.Exit(run()) }
//
// with the deferred Close in run, and let run return on the signals that
// [os/signal.NotifyContext] catches. [Handler.Flush] is a barrier for the time in between,
// and [WithSyncLevel] makes single log calls wait until their record is out.
//
// A file is closed in [WithOnShutdown]: this package never closes or syncs a writer.
//
// A record that is logged after a shutdown which delivered everything goes straight
// through, on the caller. During a shutdown, and after one that ran out of time, Handle
// returns [ErrClosed] and counts the record as dropped.
//
// # Concurrency
//
// All methods may be called concurrently. Handlers made by WithAttrs and WithGroup share
// the queue and the worker of the one they come from, so Close of any of them closes all.
// The records of one goroutine are delivered in the order of its calls; between goroutines
// there is no order. Records are handed to next by one goroutine at a time; its Enabled,
// WithAttrs and WithGroup are called on the callers.
//
// Next and the callbacks given as options may log through the handler. The function of
// [WithContextFunc] must not, as it is a part of each log call. What next logs on the
// goroutine that called it never waits for room. Flush, Shutdown and Close return
// [ErrReentrant] to next and to callbacks where they would wait for themselves.
//
// # What is captured
//
// The record is delivered as it was when the log call returned. LogValuers are resolved on
// the caller, and methods that show a value run there. Values that can still change, such
// as maps, slices and what pointers point to, are copied or rendered there: to change them
// after the call is no data race. With a ReplaceAttr in [slog.HandlerOptions] the caller
// renders what can change. What the function of [NewJSONHandler] or [NewTextHandler]
// removes or changes is removed or changed for the fallback and [WithOnDrop] too; for any
// other next use [WithReplaceAttr].
//
// [CaptureReference] spares this work to those who log only values that do not change.
// [CaptureCopy] is for strings over memory that is used again, as those of fiber and
// fasthttp. For a next that is not slog's own, [WithFormat] says by which rules it shows
// values, and [WithReplaceAttr] is the place for a redaction that goes by types.
//
// The values of the call's context reach next, without its cancellation and deadline; see
// [WithContextFunc]. A context that next does not look at is not kept. Handlers that look
// at their callers, at open spans or at the outermost type of an error belong around this
// handler: docs/outside.md in the repository has a line for each.
//
// # Statistics
//
// [Handler.Stats] returns a snapshot in which every record is in exactly one term of
//
//	Received + Recovered == Delivered + Fallback + Failed + Dropped + Depth + Spooled
//
// It marshals to JSON, for instance for [expvar.Func]. The package
// [github.com/asynchandler/asynchandler/promexport] shows it to Prometheus; whoever imports
// only this package links nothing of that.
//
// # Performance
//
// A log call copies the record into its place in the queue, with atomic operations and no
// lock, as long as there is room. It allocates nothing of its own if all values are
// strings, numbers, booleans, times or durations. A group costs one allocation, for the copy
// of its attributes; a value that can change costs its copy or its rendering. [Block] and
// [WithSyncLevel] wait: that is what they are for.
//
// The worker encodes. Over a writer that is known to take bytes as they come the lines of a
// batch share Writes of up to [WithMaxWrite] bytes. Records may gather for up to 2 ms, or
// what [WithLinger] says; the worker then sleeps without a timer until the next record. One
// worker delivers: a next that is too slow for the load on average stays too slow.
//
// Counters and latencies cost the log call nothing: the worker keeps them, and
// [Handler.Stats] adds them up.
//
// # Packages
//
// The pieces can be used alone: the queue and the worker are in
// [github.com/asynchandler/asynchandler/async], the circuit breaker as a handler without a
// queue is in [github.com/asynchandler/asynchandler/breaker], byte limits and record sizes
// are in [github.com/asynchandler/asynchandler/membudget]. The package
// [github.com/asynchandler/asynchandler/recorder] keeps DEBUG records in memory, and shows
// those of a request that fails; [github.com/asynchandler/asynchandler/spool] is a queue on
// disk.
package asynchandler
