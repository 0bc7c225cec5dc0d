package main

// deliveryMutants break what becomes of a record that the worker has taken, and the sink over a writer.
var deliveryMutants = []mutant{
	{
		name: "stall: younger records first", breaks: "records of one goroutine are delivered in the order of its calls",
		file: "async/deliver.go", old: "\t\tc.takeBackLocked(c.worker)\n", new: "", tests: "./async",
	},
	{
		name: "count: twice", breaks: "Received is the sum of all outcomes",
		file: "async/deliver.go", old: "*outcome += uint64(n)", new: "*outcome += uint64(2 * n)", tests: "./async",
	},
	{
		name: "count: not what is under way", breaks: "Stats do not wait for a run of Handles",
		file: "async/stats.go", old: "\t\t\tdelivered += n\n", new: "", tests: "./async",
	},
	{
		name: "deliver: again what was delivered", breaks: "a record that next took is not tried again",
		file: "async/batch.go", old: "e.handle(h); err != nil {\n", new: "e.handle(h); err != nil {\n\t\t\tdone = 0\n", tests: "./async",
	},
	{
		name: "deliver: the fallback forgotten", breaks: "what next refuses goes to the fallback",
		file: "async/deliver.go", old: "case fallback:", new: "case false:", tests: "./async",
	},
	{
		name: "deliver: given up at once", breaks: "what next refuses is held and tried again",
		file: "async/deliver.go", tests: "./async",
		old: "default:\n\t\tc.holdLocked(w)", new: "default:\n\t\tc.settleLocked(w, 1, &c.counts.failed, a.now)",
	},
	{
		name: "deliver: attempts forgotten", breaks: "a record that is at fault is given up after MaxAttempts",
		file: "async/deliver.go", old: "\t\tw.attempts++\n", new: "", tests: "./async",
	},
	{
		name: "deliver: permanent errors tried again", breaks: "a record with a permanent error is tried once",
		file: "async/deliver.go", old: " || isPermanent(a.err)", new: "", tests: "./async",
	},
	{
		name: "deliver: failures untold", breaks: "the error handler hears of every failed attempt",
		file: "async/deliver.go", old: "defer c.tellFailed(a)", new: "_ = c.tellFailed", tests: "./async",
	},
	{
		name: "deliver: no worker after runtime.Goexit", breaks: "a next that ends the goroutine does not end the handler",
		file: "async/worker.go", old: "if !ended {", new: "if ended {", tests: "./async",
	},
	{
		name: "deliver: panics pass", breaks: "a panic of next does not end the program",
		file: "async/guard.go", old: "Value: recover()", new: "Value: nil", tests: "./async",
	},
	{
		name: "deliver: the context is cancelled", breaks: "next gets a context without the call's cancellation",
		file: "async/batch.go", old: "return context.WithoutCancel(e.ctx)", new: "return e.ctx", tests: "./async",
	},
	{
		name: "deliver: attributes added to the caller's record", breaks: "what next does to a record nobody else sees",
		file: "async/batch.go", old: "h.Handle(e.context(), e.rec.Clone())", new: "h.Handle(e.context(), e.rec)", tests: "./async",
	},
	{
		name: "latency: of times that the call did not take", breaks: "records with a time of their own are not measured",
		file: "async/deliver.go", old: "if *t != t.Round(0) {", new: "if t != nil {", tests: "./async",
	},
	{
		name: "sink: a torn line from its beginning", breaks: "a short write is continued at the next byte",
		file: "sink.go", old: "lines[off:ends[done]]...", new: "lines[begin:ends[done]]...", tests: ".",
	},
	{
		name: "sink: a torn line forgotten", breaks: "a line of which a part was written is completed",
		file: "sink.go", old: "s.torn.Store(true)", new: "s.torn.Store(false)", tests: ".",
	},
	{
		name: "sink: give up after a part", breaks: "a writer that takes a part is given the rest at once",
		file: "sink.go", old: "if n == 0 {", new: "if e != nil {", tests: ".",
	},
	{
		name: "sink: long writes to a pipe", breaks: "a write to a pipe is not mixed with those of others",
		file: "sink.go", old: "return pipeBuf()", new: "return defaultMaxWrite", tests: ".",
	},
	{
		name: "sink: another record while it has a part of one", breaks: "no line is torn or written twice",
		file: "async/gate.go", old: "c.tornLocked() && !c.isTornLocked(w) && (len(c.outage.held) > 0 || c.report.torn)", new: "false", tests: "./async",
	},
	{
		name: "sink: never a line alone", breaks: "one bad line does not spoil those beside it",
		file: "async/outage.go", old: "o.limit = 1\n", new: "o.limit = 0\n", tests: ".",
	},
	{
		name: "sink: what a refusing handler wrote", breaks: "only what a record's Handle wrote in full is written",
		file: "sink.go", old: "s.lines.cut(begin)\n\t\t\treturn err", new: "return err", tests: ".",
	},
	{
		name: "sink: flush nothing", breaks: "Flush flushes the writer",
		file: "sink.go", old: "return f.Flush()", new: "_ = f", tests: ".",
	},
}

// outageMutants break what is done while next fails or hangs, and the circuit breaker.
var outageMutants = []mutant{
	{
		name: "outage: no pause", breaks: "an outage costs no CPU time",
		file: "async/outage.go", old: "o.until = now.Add(o.pause)", new: "o.until = now", tests: "./async",
	},
	{
		name: "outage: the pause does not grow", breaks: "next is tried ever less often",
		file: "async/outage.go", old: "max(minPause, 2*o.pause)", new: "max(minPause, o.pause)", tests: "./async",
	},
	{
		name: "outage: hold behind", breaks: "records keep their order",
		file: "async/outage.go", tests: "./async",
		old: "o.held = slices.Insert(o.held, min(at, len(o.held)), h)", new: "o.held = append(o.held, h)\n\t_ = at",
	},
	{
		name: "outage: nothing goes ahead", breaks: "a bad record does not hold up the others for ever",
		file: "async/outage.go", old: "o.ahead = !o.ahead", new: "o.ahead = false", tests: "./async",
	},
	{
		name: "outage: batches stay small", breaks: "after an outage the batches grow again",
		file: "async/outage.go", old: "o.limit *= 4", new: "o.limit *= 1", tests: "./async",
	},
	{
		name: "stall: a second call", breaks: "a next that hangs gets no second call",
		file: "async/gate.go", old: "stuck := c.outage.stuck > 0", new: "stuck := false", tests: "./async",
	},
	{
		name: "stall: the breaker is not told", breaks: "a next that hangs opens the breaker",
		file: "async/worker.go", old: "\t\tc.opts.Gate.Trip()\n", new: "", tests: "./async",
	},
	{
		name: "stall: a hung fallback keeps its records", breaks: "every record has one outcome",
		file: "async/call.go", old: "if w.call.fallback {\n\t\tc.forsakeLocked(w)", new: "if false {", tests: "./async",
	},
	{
		name: "stall: a busy run counts as one", breaks: "a run of many short calls is no stall",
		file: "async/call.go", old: "begun > w.call.seen {", new: "begun < 0 {", tests: "./async",
	},
	{
		name: "breaker: a nanosecond too early", breaks: "asking again after the open time is not in vain",
		file: "breaker/circuit.go", old: "1 + time.Duration(jitter)", new: "time.Duration(jitter)", tests: "./breaker",
	},
	{
		name: "breaker: no jitter", breaks: "processes do not all come back at the same moment",
		file: "breaker/circuit.go", old: "1 + time.Duration(jitter)", new: "1 + 0*time.Duration(jitter)", tests: "./breaker",
	},
	{
		name: "breaker: runtime.Goexit leaves a probe out", breaks: "the breaker is never half-open for ever",
		file: "breaker/handler.go", tests: "./breaker",
		old: "h.breaker.Done(ticket, err == nil, err)", new: "if err != ErrGoexit {\n\t\t\th.breaker.Done(ticket, err == nil, err)\n\t\t}",
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
	{
		name: "breaker: OnStateChange under the lock", breaks: "callbacks may call back",
		file: "breaker/breaker.go", tests: "./breaker",
		old: "b.setState(gobreaker.StateClosed)\n\tb.mu.Unlock()\n\tb.notify()", new: "b.setState(gobreaker.StateClosed)\n\tdefer b.mu.Unlock()\n\tb.stateChanged(change{})",
	},
}
