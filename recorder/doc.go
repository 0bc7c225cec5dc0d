// Package recorder keeps the records that are not shown, and shows them when something
// goes wrong: a service that runs at INFO has the DEBUG lines of just the request that
// failed.
//
//	next := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug})
//	logger := slog.New(recorder.New(next, recorder.Options{}))
//
//	ctx, forget := recorder.Begin(ctx)
//	defer forget()
//	logger.DebugContext(ctx, "cache miss", "key", key) // kept
//	logger.InfoContext(ctx, "order placed")            // shown at once
//	logger.ErrorContext(ctx, "payment failed")         // shown, after the DEBUG line
//
// Records below [Options].Level are kept, in the scope that their context says. A record at
// or above [Options].Trigger lets those of its scope out first: in order, each with its own
// time, source, attributes and groups. After that the scope goes on, so a second error
// shows what came since the first. A scope that ends well is forgotten at once.
//
// The level of next must be that of [Options].Keep: what is let out goes through next's own
// level, and what that does not want is counted as Unwanted in [Stats]. Of a handler that
// fans out, such as a MultiHandler, each member shows what is let out only if its own level
// is low enough; give it to those that should.
//
// # Scopes
//
// [Begin] makes a scope for one request. With net/http:
//
//	func remember(next http.Handler) http.Handler {
//		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			ctx, forget := recorder.Begin(r.Context())
//			defer forget()
//			next.ServeHTTP(w, r.WithContext(ctx))
//		})
//	}
//
// Log with the request's context: logger.DebugContext(r.Context(), ...). The record that
// says that the request failed must come before its end, so the middleware that logs
// requests, or recovers their panics, belongs inside this one.
//
// [Options].Scope names scopes in another way, such as by the trace id in the context. They
// have no end, so they go when they have been quiet longest, when they are older than
// MaxAge, or by [Handler.Forget]. One that went as a whole and comes back is a new one:
// what it lost is in Stats alone. What is logged without a scope belongs to one scope for
// all.
//
// # Bounds
//
// What is kept is bounded in each scope (MaxRecords), in the number of scopes (MaxScopes),
// in bytes over all (MaxBytes) and in age (MaxAge). Within a scope the oldest records are
// evicted first. When the scope is let out, a WARN record at the place of the gap says "3
// earlier records were not kept". It has the number as the attribute count, and the
// attributes and groups of the logger that made the record after it.
//
// A kept record counts with some 390 bytes and what its strings and values take as they are
// kept: a value that is not plain is copied or rendered at the call, and measured after
// that. Where a ReplaceAttr has to see it, next formats it, and its text counts with up to 1
// KiB more. Each scope takes up to 0.3 KiB on top.
//
// # Values and secrets
//
// A kept record is as it was at the call: LogValuers are resolved on the caller, and values
// that can change are copied or rendered there. The rules are those of next if that is a
// handler of slog's own, or of this module. Secrets are treated as next treats them: a
// ReplaceAttr of such a handler sees the values with their types. For records that may
// never be shown it runs at the call.
//
// Behind any other handler a function that goes by types would see rendered values. Put the
// function that redacts before the recorder, or let it go by keys. What is kept is in the
// memory of the process, and so in a core dump.
//
// # Delivery
//
// Records are let out on the goroutine that logs the record at Trigger, or calls
// [Handler.Emit]. Put the recorder before an asynchandler handler: they enter its queue
// right before that record. Behind it, records would come after their scope has ended.
//
// next gets the context of each call, without its cancellation, so a context is kept alive
// with its record. slog's own handlers do not look at it: over them it is not kept.
// Contexts that are used again after the request, as gin's are, must not be logged with:
// pass the request's.
//
// A crash loses what is kept. So do os.Exit and log.Fatal: call [Handler.Emit] first.
//
// # Concurrency
//
// All functions and methods may be called concurrently. No code of the user's runs with a
// lock held. While one goroutine lets a scope out, a record at Trigger of the same scope
// waits for the end of that, so that it comes after those before it. It waits for one
// second at most. What next itself logs does not wait.
//
// # Performance
//
// A kept record is copied, not formatted, and takes about 0.1 µs more than a handler that
// does nothing. It allocates only while its scope grows. Values that are not plain are
// rendered all the same.
package recorder
