package main

// lifecycleMutants break Shutdown, Flush, the calls from within and what is told of drops.
var lifecycleMutants = []mutant{
	{
		name: "shutdown: returns before the drain", breaks: "Shutdown delivers what waits before it returns",
		file: "async/shutdown.go", old: "case <-c.ended:", new: "case <-c.closing:", tests: "./async",
	},
	{
		name: "shutdown: the worker is not woken", breaks: "Shutdown delivers what waits",
		file: "async/shutdown.go", old: "close(c.closing)\n\tc.poke()", new: "close(c.closing)", tests: "./async",
	},
	{
		name: "shutdown: nothing dropped when time is up", breaks: "what could not be delivered in time is counted as dropped",
		file: "async/shutdown.go", old: "dropped := c.dropWaitingLocked()", new: "var dropped []entry", tests: "./async",
	},
	{
		name: "shutdown: no flush at the end", breaks: "the writer is flushed when all is delivered",
		file: "async/shutdown.go", old: "ends the goroutine\n\tc.flushSink(w, &err)", new: "ends the goroutine", tests: "./async",
	},
	{
		name: "shutdown: refused ones uncounted", breaks: "records refused with ErrClosed are counted",
		file: "async/drop.go", tests: "./async",
		old: "c.refused.count(reason, r.Level)", new: "if reason != closed {\n\t\tc.refused.count(reason, r.Level)\n\t}",
	},
	{
		name: "shutdown: functions end at the first failure", breaks: "each shutdown function runs even if another fails",
		file: "async/shutdown.go", old: "errs = append(errs, err)", new: "if errs = append(errs, err); err != nil {\n\t\t\t\tbreak\n\t\t\t}", tests: "./async",
	},
	{
		name: "shutdown: functions first one first", breaks: "the last shutdown function runs first",
		file: "async/shutdown.go", old: "slices.Backward(", new: "slices.All(", tests: "./async",
	},
	{
		name: "shutdown: all at once after the end", breaks: "next gets one record at a time",
		file: "async/direct.go", old: "c.direct <- struct{}{}\n\tdefer func() { <-c.direct }()\n\treturn", new: "return", tests: "./async",
	},
	{
		name: "flush: not for the batch in hand", breaks: "Flush waits for the records in the worker's hands",
		file: "async/flush.go", tests: "./async",
		old: "return c.waitFor(ctx, b)", new: "if b.before <= c.ring.Head() {\n\t\treturn nil\n\t}\n\treturn c.waitFor(ctx, b)",
	},
	{
		name: "flush: not for those held", breaks: "Flush waits for the records that next has refused",
		file: "async/flush.go", old: "+len(c.outage.held)", new: "", tests: "./async",
	},
	{
		name: "flush: an empty barrier", breaks: "Flush waits for every record received before",
		file: "async/flush.go", old: "before: c.ring.Tail()", new: "before: 0", tests: "./async",
	},
	{
		name: "flush: SyncLevel does not wait", breaks: "Handle of a record at SyncLevel returns after its outcome",
		file: "async/core.go", old: "\t\tc.awaitOutcome(ctx, pos)\n", new: "", tests: "./async",
	},
	{
		name: "within: never", breaks: "a handler that is called by its own next does not wait for itself",
		file: "async/goroutines.go", old: "c.closers.here() || c.delivering()", new: "false", tests: "./async",
	},
	{
		name: "OnDrop: of what it logs itself", breaks: "OnDrop is not called for what is logged from within it",
		file: "async/drop.go", old: "if !e.h.quiet {", new: "if e.h != nil {", tests: "./async",
	},
	{
		name: "OnDrop: attributes added to the caller's record", breaks: "what OnDrop does to a record nobody else sees",
		file: "async/drop.go", old: "l.entry.rec.Clone()", new: "l.entry.rec", tests: "./async",
	},
	{
		name: "drop reports: not reset", breaks: "a drop report tells what was dropped since the last one",
		file: "async/drop.go", old: "c.report.undo, c.report.told = &before, all", new: "c.report.undo = &before", tests: "./async",
	},
	{
		name: "drop reports: not at the gap", breaks: "a drop report stands where records are missing",
		file: "async/drop.go", old: "if d.gap > head {", new: "if d.gap > head+1<<62 {", tests: "./async",
	},
	{
		name: "drop reports: lost when refused", breaks: "no drop is missing from the reports",
		file: "async/worker.go", old: "c.report = *c.report.undo", new: "c.report.open = true", tests: "./async",
	},
	{
		name: "high water: once and never again", breaks: "OnHighWater is called each time that the queue fills up",
		file: "async/core.go", old: "\t\tc.alerted.Store(false)\n", new: "", tests: "./async",
	},
	{
		name: "stderr: a line for each error", breaks: "the default error handler writes a line each ten seconds at most",
		file: "async/stderr.go", old: "due := now.Sub(s.last) >= stderrInterval", new: "due := true", tests: "./async",
	},
}

// contentMutants break what is shown of a record, its size and its time.
var contentMutants = []mutant{
	{
		name: "capture: maps by reference", breaks: "what is written is what the call logged",
		file: "internal/capture/freeze.go", tests: "./internal/capture",
		old: "case map[string]string:\n\t\treturn slog.AnyValue(maps.Clone(x))", new: "case map[string]string:\n\t\treturn v",
	},
	{
		name: "capture: slices by reference", breaks: "what is written is what the call logged",
		file: "internal/capture/freeze.go", tests: "./internal/capture",
		old: "return slog.AnyValue(copySlice(reflect.ValueOf(x)))", new: "return v",
	},
	{
		name: "capture: pointers by reference", breaks: "what is written is what the call logged",
		file: "internal/capture/class.go", old: "default:\n\t\treturn render", new: "default:\n\t\treturn keep", tests: "./internal/capture",
	},
	{
		name: "capture: groups by reference", breaks: "what is written is what the call logged",
		file: "internal/capture/capture.go", tests: "./internal/capture",
		old: "case slog.KindLogValuer, slog.KindGroup:", new: "case slog.KindLogValuer:",
	},
	{
		name: "capture: LogValue on the worker", breaks: "LogValue is called by the goroutine that logs",
		file: "internal/capture/capture.go", old: "v = v.Resolve()", new: "return v", tests: "./internal/capture",
	},
	{
		name: "capture: LogValue for each that looks", breaks: "LogValue is called once",
		file: "render.go", old: "\t\tcapture.Record(&r, capture.Resolved)", new: "\t\t_ = capture.Resolved", tests: ".",
	},
	{
		name: "capture: attributes of WithAttrs by reference", breaks: "what is written is what the call logged",
		file: "async/handler.go", old: "attrs = capture.Attrs(attrs, capture.Format(format))", new: "_ = capture.Format(format)", tests: "./async .",
	},
	{
		name: "truncate: inside a rune", breaks: "a string that is cut stays valid UTF-8",
		file: "internal/recordsize/truncate.go", old: "i+size > n {", new: "i+size < 0 {", tests: "./internal/recordsize",
	},
	{
		name: "truncate: the caller's group", breaks: "the values of the caller are not changed",
		file: "internal/recordsize/truncate.go", old: "slices.Clone(v.Group())", new: "v.Group()", tests: "./internal/recordsize .",
	},
	{
		name: "latency: negative", breaks: "a clock that went back counts as 0",
		file: "internal/latency/histogram.go", old: "\td = max(d, 0)\n", new: "", tests: "./internal/latency",
	},
	{
		name: "latency: a window that does not age", breaks: "quantiles are of the last minute",
		file: "internal/latency/histogram.go", old: "if age < windowLength {", new: "if !h.begin.IsZero() {", tests: "./internal/latency",
	},
}

// encodingMutants break the lines that are not left to slog.
var encodingMutants = []mutant{
	{
		name: "plainjson: all lines by slog", breaks: "plain records are written by this package",
		file: "internal/plainjson/handler.go", old: "case !plain:", new: "case plain || !plain:", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: quotes as they are", breaks: "the lines are those of slog",
		file: "internal/plainjson/append.go", old: "c < ' ' || c == '\"' || c == '\\\\':", new: "c < ' ':", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: quotes behind unicode as they are", breaks: "the lines are those of slog",
		file: "internal/plainjson/append.go", old: "size == 1, r < ' ', r == '\"', r == '\\\\':", new: "size == 1, r < ' ':", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: an offset for all zones", breaks: "the lines are those of slog",
		file: "internal/plainjson/clock.go", old: "t.Unix() != c.second || t.Location() != c.zone", new: "t.Unix() != c.second", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: trailing zeros of the time", breaks: "the lines are those of slog",
		file: "internal/plainjson/clock.go", old: "for b[len(b)-1] == '0' {", new: "for b[len(b)-1] == 'x' {", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: any year", breaks: "the lines are those of slog",
		file: "internal/plainjson/clock.go", old: "year >= 0 && year < 10000", new: "year > -1e9", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: groups without a name", breaks: "the lines are those of slog",
		file: "internal/plainjson/append.go", old: "group.Key == \"\" || len(attrs) == 0", new: "len(attrs) == 0", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: keys as they are", breaks: "the lines are those of slog",
		file: "internal/plainjson/append.go", old: "if !isPlain(a.Key) {", new: "if a.Key == \"\\x00\" {", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: errors that could change", breaks: "an error is asked for its text once",
		file: "internal/plainjson/append.go", old: "if err, ok := v.(error); ok && capture.HasFixedText(err) {", new: "if err, ok := v.(error); ok && (err == nil || !capture.HasFixedText(nil)) {", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: a failed Write", breaks: "the error of the writer is returned",
		file: "internal/plainjson/handler.go", old: "_, err := h.out.w.Write(line)\n\treturn err", new: "_, _ = h.out.w.Write(line)\n\treturn nil", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: memory of long lines", breaks: "a long line is not kept for ever",
		file: "internal/plainjson/layout.go", old: "o.learned = kept(o.learned)", new: "o.learned = o.learned[:0]", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: one layout for all records", breaks: "groups that are empty are not shown",
		file: "internal/plainjson/handler.go", old: "if r.NumAttrs() == 0 {", new: "if r.NumAttrs() < 0 {", tests: "./internal/plainjson",
	},
	{
		name: "plainjson: a foreign layout", breaks: "a slog that writes something else is left to itself",
		file: "internal/plainjson/handler.go", old: "if l.state == foreign {", new: "if l.state > foreign {", tests: "./internal/plainjson",
	},
}

// aroundMutants break the handlers around the queue, the budgets and the exporter.
var aroundMutants = []mutant{
	{
		name: "handler: WithGroup of nothing", breaks: "WithGroup(\"\") returns the receiver",
		file: "handler.go", old: "if name == \"\" {", new: "if name == \"\\x00\" {", tests: ".",
	},
	{
		name: "handler: the default handler as it is", breaks: "a wrapped default handler can be made the default",
		file: "handler.go", old: "if stdlog.IsDefault(next) {", new: "if next == nil && stdlog.IsDefault(next) {", tests: ".",
	},
	{
		name: "multi: one record for all", breaks: "what one member does to a record the others do not see",
		file: "multi.go", old: "h.Handle(ctx, r.Clone())", new: "h.Handle(ctx, r)", tests: ".",
		excuse: "each member gives next a clone by itself",
	},
	{
		name: "multi: one after the other", breaks: "a member that hangs does not hold up the end of the others",
		file: "multi.go", old: "wg.Go(func() { errs[i] = f(h) })", new: "errs[i] = f(h)", tests: ".",
	},
	{
		name: "budget: more than there is", breaks: "the bytes in use never exceed the limit",
		file: "membudget/pool.go", old: "if free < n {", new: "if free <= 0 {", tests: "./membudget",
	},
	{
		name: "budget: no share is kept", breaks: "a handler has its share however greedy the others are",
		file: "membudget/pool.go", old: "s.target = b.limit / 2 / m", new: "s.target = 0", tests: "./membudget",
	},
	{
		name: "budget: told at each refusal", breaks: "OnExceeded is called once until use has gone down",
		file: "membudget/budget.go", old: "!b.reported.CompareAndSwap(false, true)", new: "b.reported.Swap(true) && false", tests: "./membudget",
	},
	{
		name: "budget: a limit of one handler is none", breaks: "the bytes in use never exceed the limit",
		file: "memory.go", old: "if n > l.bytes-used {", new: "if used > l.bytes {", tests: ".",
	},
	{
		name: "stdlog: a line without what h was derived with", breaks: "the lines are those of the default handler",
		file: "internal/stdlog/handler.go", old: "if h.attrs != \"\" {", new: "if h.attrs == \"\\x00\" {", tests: "./internal/stdlog",
	},
	{
		name: "promexport: a wrong field", breaks: "each metric shows its field of Stats",
		file: "promexport/numbers.go", old: "float64(s.Fallback)", new: "float64(s.Failed)", tests: "./promexport",
	},
	{
		name: "promexport: one label for two", breaks: "two handlers of one name have two labels",
		file: "promexport/collector.go", old: "return s.label == label }", new: "return false }", tests: "./promexport",
	},
	{
		name: "promexport: no zeros", breaks: "every series exists from the start",
		file: "promexport/labelled.go", old: "{\"debug\", \"info\", \"warn\", \"error\"}", new: "{\"info\", \"warn\", \"error\"}", tests: "./promexport",
	},
}
