package main

// lifecycleMutants break Shutdown, Flush, the calls from within and what is told of drops.
var lifecycleMutants = []mutant{
	{
		name: "shutdown: functions end at the first failure", breaks: "each shutdown function runs even if another fails",
		file: "async/shutdown.go", old: "errs = append(errs, failed)", new: "if errs = append(errs, failed); failed != nil {\n\t\t\tbreak\n\t\t}", tests: "./async",
	},
	{
		name: "shutdown: functions first one first", breaks: "the last shutdown function runs first",
		file: "async/shutdown.go", old: "slices.Backward(", new: "slices.All(", tests: "./async",
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
		name: "capture: LogValue on the worker", breaks: "LogValue is called by the goroutine that logs",
		file: "internal/capture/capture.go", old: "v = v.Resolve()", new: "return v", tests: "./internal/capture",
	},
}

// aroundMutants break the handlers around the queue, the budgets and the exporter.
var aroundMutants = []mutant{
	{
		name: "handler: WithGroup of nothing", breaks: "WithGroup(\"\") returns the receiver",
		file: "handler.go", old: "if name == \"\" {", new: "if name == \"\\x00\" {", tests: "./internal/promises",
	},
	{
		name: "handler: the default handler as it is", breaks: "a wrapped default handler can be made the default",
		file: "handler.go", old: "if stdlog.IsDefault(next) {", new: "if next == nil && stdlog.IsDefault(next) {", tests: "./internal/promises",
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
		name: "stdlog: a line without what h was derived with", breaks: "the lines are those of the default handler",
		file: "internal/stdlog/handler.go", old: "if h.attrs != \"\" {", new: "if h.attrs == \"\\x00\" {", tests: "./internal/stdlog",
	},
	{
		name: "promexport: a wrong field", breaks: "each metric shows its field of Stats",
		file: "promexport/numbers.go", old: "float64(s.Fallback)", new: "float64(s.Failed)", tests: "./promexport",
	},
	{
		name: "promexport: one label for two", breaks: "two handlers of one name have two labels",
		file: "promexport/set.go", old: "if x.byLabel[label] == nil {", new: "if true {", tests: "./promexport",
	},
	{
		name: "promexport: no zeros", breaks: "every series exists from the start",
		file: "promexport/labels.go", old: "{\"debug\", \"info\", \"warn\", \"error\"}", new: "{\"info\", \"warn\", \"error\"}", tests: "./promexport",
	},
}
