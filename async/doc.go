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
// # Pieces
//
// A [Sink] in [Options] takes over the delivery of whole batches, for instance to encode
// many records and write once. A [Gate] says whether next may be tried now: a circuit
// breaker.
//
// # Overflow
//
// When [Options.Capacity] records wait, [Options.Overflow] says what becomes of the next
// one. A worker that is getting on is waited for briefly first, and records at or above
// [Options.ProtectedLevel] are not dropped to make room for lower ones.
//
// # Outages
//
// What next refuses, or the gate keeps from it, goes to [Options.Fallback]. Without a
// fallback the record is held, the others wait behind it, and it is tried again after a
// pause. With a gate that goes on for as long as next takes nothing; without one the record
// is given up after [Options.MaxAttempts]. An error that wraps [ErrPermanent] and a panic
// end a record at once. While a call into next hangs for longer than
// [Options.StallTimeout], no other is made.
//
// # Shutdown
//
// [Handler.Shutdown] delivers what waits until its context ends, and then drops the rest.
// [Handler.Close] is Shutdown with a bound of its own. Nothing else ends the worker.
//
// # Concurrency
//
// All methods may be called concurrently, also on handlers derived by WithAttrs and
// WithGroup, which share the queue and the worker. The records of one goroutine are
// delivered in the order of its calls. Records are handed to next or the sink by one
// goroutine at a time; next's Enabled, WithAttrs and WithGroup are called on the callers.
// No function given in Options is called with a lock held.
package async
