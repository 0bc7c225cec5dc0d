// Package async is the queue and the worker of asynchandler, for those who bring their own
// breaker or their own way to deliver. Most programs want the package above it.
//
// [Handler.Handle] puts a record into a bounded queue and returns. One worker takes the
// records out in batches and gives them to next, the [slog.Handler] behind:
//
//	h := async.New(slog.NewJSONHandler(os.Stderr, nil), async.Options{Format: async.FormatJSON})
//	logger := slog.New(h)
//	logger.Info("order placed", "id", 17)
//
//	if err := h.Close(); err != nil { // delivers what waits
//		fmt.Println(err)
//	}
//	stats := h.Stats()
//	fmt.Println(stats.Delivered, "delivered,", stats.Dropped, "dropped")
//
// Next is the destination, where records end, or the [Sink] in its place.
//
// # Pieces
//
// What the package above adds comes in by interfaces. A [Sink] takes over the delivery of
// whole batches, for instance to encode many records and write once. A [Gate] says whether
// next may be tried now: a circuit breaker, such as that of
// [github.com/asynchandler/asynchandler/breaker]. A [Budget] bounds the bytes that waiting
// records hold, such as that of [github.com/asynchandler/asynchandler/membudget]. Without
// them next is always tried, and only the number of records is bounded.
//
// # Overflow
//
// When [Options.Capacity] records wait, or the budget has no bytes left, [Options.Overflow]
// says what becomes of the next one. Callers wait for a fast next first
// ([Options.MaxWait]), and records at or above [Options.ProtectedLevel] are not dropped to
// make room for lower ones. [Stats], a WARN record at the place of the gap
// ([Options.DropReports]) and [Options.OnDrop] tell what was dropped.
//
// # Outages
//
// What next refuses, or the gate keeps from it, goes to [Options.Fallback]. Without a
// fallback the record is held and tried again, and then one behind it. If next takes that
// one, the held record is at fault: it is given up after [Options.MaxAttempts] failures,
// beside the traffic. With a gate it is held for as long as next takes nothing; without a
// gate it is given up all the same. A record whose error wraps [ErrPermanent], or on which
// next panicked, is not tried again.
//
// While a call into next hangs for longer than [Options.StallTimeout], no other is made.
// [Options.ErrorHandler] hears of each failure.
//
// # Memory
//
// The queue takes 328 bytes for each record that waits. [Options.Budget] bounds what the
// records hold beyond that, [Options.MaxRecordSize] cuts large ones. A delivered record is
// not kept alive.
//
// # Shutdown
//
// [Handler.Shutdown] delivers what waits until its context ends, and then drops the rest.
// [Handler.Close] is Shutdown with a bound of its own. Nothing else ends the worker. After a
// shutdown that delivered everything, records go straight to next, on the caller.
//
// # Concurrency
//
// All methods may be called concurrently, also on handlers derived by WithAttrs and
// WithGroup, which share the queue and the worker. The records of one goroutine are
// delivered in the order of its calls. Records are handed to next or the sink by one
// goroutine at a time; next's Enabled, WithAttrs and WithGroup are called on the callers.
// No function given in Options is called with a lock held.
package async
