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
// "Next" stands below for the handler or the writer that the records end at. The defaults
// suit a service that logs to a file or to standard output; each [Option] names its own.
//
// # Overflow
//
// [WithCapacity] records may wait. When there is no room, [WithOverflow] decides:
// [DropOldest], the default, drops what has waited longest; [DropNewest] drops the
// record at hand; [Block] makes the caller wait, without end unless [WithBlockTimeout]
// or the call's context sets one.
//
// Two things come before that. A worker that is getting on, but slower than the callers,
// is waited for briefly, so that a burst into a healthy file loses nothing. And records
// at or above [WithProtectedLevel], by default errors, are not dropped to make room for
// lower ones.
//
// What was dropped shows in [Stats], by reason and level, in a WARN record at the place of
// the gap ([WithDropReports]), and record by record in [WithOnDrop].
//
// # Outages
//
// When next fails five times in a row, a circuit breaker opens: next is left alone for
// about five seconds and then tried with one record ([WithBreaker]). A call into next that does
// not return for [WithStallTimeout] opens the breaker too; no second call is made while it
// hangs. As long as the outage lasts, records go to [WithFallback] at once; without a
// fallback they wait, are delivered when next is back, and are lost only if the queue fills
// up. [Handler.ResetBreaker] ends the wait by hand.
//
// Without a fallback, a record that next refuses while it takes others is given up after
// [WithMaxAttempts] failures, and at once if the error wraps [ErrPermanent] or if next
// panicked. Every failed attempt goes to [WithErrorHandler] as a [*DeliveryError],
// [*PanicError] or [*StallError]: by default a line on standard error, at most each ten
// seconds.
//
// # Memory
//
// The records that wait hold at most [WithMemoryLimit] bytes, as [membudget.SizeOf]
// estimates them, or share a limit with other handlers ([WithBudget]). One that does not fit
// is treated as one for which there is no place in the queue; one larger than the whole
// limit is dropped. [WithMaxRecordSize] cuts long strings before it comes to that.
//
// The slots of the queue, about 328 bytes each, come on top, and so do the attributes of
// derived handlers and the buffer of one Write.
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
// Next, and the callbacks given as options, may log through the handler, but for that of
// [WithContextFunc], which is a part of each log call. Flush, Shutdown and Close return
// [ErrReentrant] to them where they would wait for themselves.
//
// # What is captured
//
// The record is delivered as it was when the log call returned. LogValuers are resolved on
// the caller, and values that can still change, such as maps, slices and what pointers
// point to, are copied or rendered there: to change them after the call is no data race.
// With a ReplaceAttr in [slog.HandlerOptions] the caller renders the whole line.
// [CaptureReference] spares this work to those who log only values that do not change.
//
// The values of the call's context reach next, its cancellation and deadline do not; see
// [WithContextFunc].
//
// # Statistics
//
// [Handler.Stats] returns a snapshot in which every record is in exactly one term of
//
//	Received == Delivered + Fallback + Failed + Dropped + Depth
//
// It marshals to JSON, for instance for [expvar.Func]. The package
// [github.com/asynchandler/asynchandler/promexport] shows it to Prometheus; whoever imports
// only this package links nothing of that.
//
// # Performance
//
// A log call copies the record into its place in the queue, with atomic operations and no
// lock, as long as there is room. It allocates nothing of its own if all values are strings,
// numbers, booleans, times or durations. To copy or render a value that can change costs
// what the value costs; a ReplaceAttr costs the encoding of the line. [Block] and
// [WithSyncLevel] wait: that is what they are for.
//
// The worker encodes, and the lines of a batch share Writes of up to [WithMaxWrite] bytes.
// After a delivery it looks by itself once or twice more, within 2 ms or what
// [WithFlushInterval] says, so that callers need not wake it and records can gather, and then
// sleeps without a timer until the next record. There is one worker: it does not make a next
// any faster that is too slow for the load on average.
//
// Counters and latencies cost the log call nothing: the worker keeps them, and
// [Handler.Stats] adds them up.
//
// # Packages
//
// The pieces can be used alone: the queue and the worker are in
// [github.com/asynchandler/asynchandler/async], the circuit breaker as a handler without a
// queue is in [github.com/asynchandler/asynchandler/breaker], byte limits and record sizes
// are in [github.com/asynchandler/asynchandler/membudget].
package asynchandler
