package main

// deliveryMutants break what becomes of a record that the worker has taken, and the sink
// over a writer.
var deliveryMutants = []mutant{
	{
		name: "count: not what is under way", breaks: "Stats do not wait for a run of Handles",
		file: "async/stats.go", old: "\t\t\tdelivered += n\n", new: "", tests: "./async",
	},
	{
		name: "deliver: no worker after runtime.Goexit", breaks: "a next that ends the goroutine does not end the handler",
		file: "async/worker.go", old: "if !ended {", new: "if ended {", tests: "./async",
	},
	{
		name: "sleeper: sleep without looking", breaks: "no wake-up is lost",
		file: "internal/sleeper/sleeper.go", old: "if slept = quiet(); slept {", new: "if slept = true; slept {", tests: "./internal/sleeper",
	},
	{
		name: "deliver: panics pass", breaks: "a panic of next does not end the program",
		file: "async/guard.go", old: "panics.New(g.opts.Name, recover())", new: "panics.New(g.opts.Name, nil)", tests: "./async",
	},
	{
		name: "sink: a torn line from its beginning", breaks: "a short write is continued at the next byte",
		file: "internal/linesink/sink.go", old: "lines[off:ends[done]]...", new: "lines[begin:ends[done]]...", tests: "./internal/linesink",
	},
	{
		name: "sink: give up after a part", breaks: "a writer that takes a part is given the rest at once",
		file: "internal/linesink/sink.go", old: "if n == 0 {\n\t\t\treturn err", new: "if e != nil {\n\t\t\treturn err", tests: "./internal/linesink",
	},
	{
		name: "sink: long writes to a pipe", breaks: "a write to a pipe is not mixed with those of others",
		file: "internal/linesink/stream.go", old: "return PipeBuf()", new: "return Gathered", tests: "./internal/linesink",
	},
	{
		name: "sink: what a refusing handler wrote", breaks: "only what a record's Handle wrote in full is written",
		file: "internal/linesink/sink.go", old: "if err == nil {\n\t\ts.ends", new: "if err == nil || true {\n\t\ts.ends", tests: "./internal/linesink",
	},
	{
		name: "sink: flush nothing", breaks: "Flush flushes the writer",
		file: "internal/linesink/sink.go", old: "return f.Flush()", new: "_ = f", tests: "./internal/promises",
	},
}

// outageMutants break what is done while next fails or hangs, and the circuit breaker.
var outageMutants = []mutant{
	{
		name: "breaker: a nanosecond too early", breaks: "asking again after the open time is not in vain",
		file: "breaker/circuit.go", old: "1 + time.Duration(jitter)", new: "time.Duration(jitter)", tests: "./breaker",
	},
	{
		name: "breaker: no jitter", breaks: "processes do not all come back at the same moment",
		file: "breaker/circuit.go", old: "1 + time.Duration(jitter)", new: "1 + 0*time.Duration(jitter)", tests: "./breaker",
	},
	{
		name: "breaker: calls from before a reset count", breaks: "a result from before the last change of state does not count",
		file: "breaker/circuit.go", old: "\tb.epoch++\n", new: "", tests: "./breaker",
	},
	{
		name: "breaker: as many probes as come", breaks: "at most MaxRequests probes reach next",
		file: "breaker/breaker.go", old: "if b.probes < b.settings.MaxRequests {", new: "if true {", tests: "./breaker",
	},
	{
		name: "breaker: a success before the failure is forgotten", breaks: "only failures in a row open the breaker",
		file: "breaker/circuit.go", old: "\tif succeeded {\n", new: "\tif false {\n", tests: "./breaker",
	},
	{
		name: "breaker: hung calls do not hold it open", breaks: "no probe follows before the hung call has returned",
		file: "breaker/breaker.go", old: "b.hung = b.inFlight", new: "b.hung = 0", tests: "./breaker",
	},
}
