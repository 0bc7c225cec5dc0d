package main

// queueMutants break the ring, the sleep of the worker and the waits of callers for room.
var queueMutants = []mutant{
	{
		name: "ring: reserve after the seal", breaks: "a call is wholly before or wholly after the shutdown",
		file: "internal/ring/ring.go", old: "if t&sealed != 0 {", new: "if false {", tests: "./internal/ring",
	},
	{
		name: "ring: hand over when reserved", breaks: "a record is taken only when it is complete",
		file: "internal/ring/ring.go", tests: "./internal/ring",
		old: "return pos, &r.slots[pos&r.mask].v, Reserved",
		new: "r.Publish(pos)\n\t\t\treturn pos, &r.slots[pos&r.mask].v, Reserved",
	},
	{
		name: "ring: one more than the limit", breaks: "no slot in use is written to",
		file: "internal/ring/ring.go", old: "if pos >= r.limit.Load() {", new: "if pos > r.limit.Load() {", tests: "./internal/ring",
	},
	{
		name: "ring: take a slot of an earlier lap", breaks: "nothing passes a record that is reserved and not published",
		file: "internal/ring/ring.go", tests: "./internal/ring",
		old: "if s.published.Load() != pos+1 {", new: "if s.published.Load() == 0 {",
	},
	{
		name: "ring: keep what was taken", breaks: "nothing of a delivered record is kept alive",
		file: "internal/ring/remove.go", old: "*v = zero", new: "_ = zero", tests: "./internal/ring",
	},
	{
		name: "ring: keep what left the side list", breaks: "nothing of a delivered record is kept alive",
		file: "internal/ring/remove.go", old: "clear(r.side[:k])\n", new: "", tests: "./internal/ring",
	},
	{
		name: "ring: returned ones behind", breaks: "records keep their order",
		file: "internal/ring/remove.go", tests: "./internal/ring",
		old: "r.side = append(side, r.side...)", new: "r.side = append(r.side, side...)",
	},
	{
		name: "ring: side list beside the capacity", breaks: "no more records wait than may",
		file: "internal/ring/remove.go", old: "len(r.slots)-len(r.side)", new: "len(r.slots)", tests: "./internal/ring",
	},
	{
		name: "ring: evict protected ones", breaks: "errors survive a flood",
		file: "internal/ring/remove.go", old: "if protected(v) {", new: "if false {", tests: "./internal/ring",
	},
	{
		name: "ring: all has passed", breaks: "Flush waits for every record received before",
		file: "internal/ring/remove.go", tests: "./internal/ring ./async",
		old: " && (len(r.side) == 0 || r.side[0].pos >= pos)", new: "",
	},
	{
		name: "ring: younger ones set aside count", breaks: "Flush waits for no record received later",
		file: "internal/ring/remove.go", old: "r.side[0].pos >= pos)", new: "pos == 0)", tests: "./internal/ring ./async",
	},
	{
		name: "queue: hand over before filling", breaks: "a record is taken only when it is complete",
		file: "async/core.go", old: "\te.ctx = ctx\n", new: "\tc.ring.Publish(pos)\n\te.ctx = ctx\n", tests: "./async", race: true,
	},
	{
		name: "queue: lose what is returned", breaks: "every record has one outcome",
		file: "async/worker.go", old: "\t\tc.ring.Return(entries)\n", new: "", tests: "./async",
	},
	{
		name: "queue: drop the newest for the oldest", breaks: "DropOldest keeps what happened last, DropNewest what happened first",
		file: "async/wait.go", old: "policy == DropOldest) &&", new: "policy == DropNewest) &&", tests: "./async",
	},
	{
		name: "protect: evict protected ones first", breaks: "errors survive a flood",
		file: "async/evict.go", old: "e.rec.Level >= from", new: "e.rec.Level < from", tests: "./async",
	},
	{
		name: "park: no second look", breaks: "no wake-up is lost",
		file: "async/park.go", old: "case c.ring.Ready():", new: "case false:", tests: "./async",
	},
	{
		name: "park: nobody ends a nap", breaks: "the worker takes records before the queue is full",
		file: "async/park.go", old: "if pos+1-c.ring.Head() >= c.pressing {", new: "if false {", tests: "./async",
	},
	{
		name: "park: nobody wakes the parked worker", breaks: "every record is delivered",
		file: "async/park.go", old: "\t\tc.wake(parked)\n", new: "", tests: "./async",
	},
	{
		name: "park: never", breaks: "an idle handler costs nothing",
		file: "async/park.go", old: "if w.short || w.long {", new: "if w.short || w != nil {", tests: "./async",
	},
	{
		name: "sleep: no long nap", breaks: "the worker leaves callers alone while records keep coming",
		file: "async/park.go", old: "w.long = began.Sub(w.last) < 2*longNap", new: "w.long = false", tests: "./async",
	},
	{
		name: "sleep: long naps for many", breaks: "many records do not gather for longer than they must",
		file: "async/park.go", old: "w.settled >= urgent || !w.long", new: "!w.long", tests: "./async",
	},
	{
		name: "sleep: up to the high-water mark", breaks: "a queue does not seem full because of a nap",
		file: "async/park.go", old: "max(1, c.highWater/2)", new: "c.highWater+1", tests: "./async",
	},
	{
		name: "sleep: up to the limit", breaks: "a budget does not seem full because of a nap",
		file: "async/park.go", old: " && w.bytes <= w.core.light", new: "", tests: "./async",
	},
	{
		name: "sleep: never yield", breaks: "callers go first while there is plenty of room",
		file: "async/park.go", old: "\t\truntime.Gosched()\n", new: "\t\t_ = runtime.Gosched\n", tests: "./async",
	},
	{
		name: "sleep: yield to a crowd", breaks: "the worker goes on when somebody has just waited for room",
		file: "async/park.go", old: "!c.room.wanted(w.last)", new: "w.last == w.last", tests: "./async",
	},
	{
		name: "sleep: yield under pressure", breaks: "the worker goes on when little room is left",
		file: "async/park.go", old: "&& c.muchRoom() &&", new: "&&", tests: "./async",
	},
	{
		name: "room: a caller lets the worker nap", breaks: "a caller waits no longer than it must",
		file: "async/wait.go", old: "\tc.wake(napping)\n", new: "", tests: "./async",
	},
	{
		name: "room: never stalled", breaks: "a next that hangs costs one wait, not one per call",
		file: "async/wait.go", old: "c.room.stalled.Store(true)", new: "c.room.stalled.Load()", tests: "./async",
	},
	{
		name: "room: stalled for ever", breaks: "a burst is waited for again once next is back",
		file: "async/room.go", old: "m.stalled.Store(false)", new: "m.stalled.Load()", tests: "./async",
	},
	{
		name: "room: nobody waits", breaks: "a tight loop loses nothing while next works",
		file: "async/wait.go", old: "policy == Block || !c.room.stalled.Load()", new: "policy == Block", tests: "./async",
	},
	{
		name: "room: not announced", breaks: "a blocked caller goes on when there is room",
		file: "async/room.go", old: "\tclose(m.signal)\n", new: "", tests: "./async",
	},
	{
		name: "room: blocked through the shutdown", breaks: "callers that wait for room return at the shutdown",
		file: "async/wait.go", old: "\tcase <-c.closing:\n", new: "", tests: "./async",
	},
	{
		name: "room: nobody is let in", breaks: "callers that wait get room in the order in which they came",
		file: "async/room.go", old: "\tc.admitLocked()\n", new: "", tests: "./async",
	},
	{
		name: "room: last come, first served", breaks: "callers that wait get room in the order in which they came",
		file: "async/room.go", old: "m.queue.PushBack(w)", new: "m.queue.PushFront(w)", tests: "./async",
	},
	{
		name: "room: stay in the queue", breaks: "a record whose caller has given up is not delivered",
		file: "async/room.go", old: "\t\tm.queue.Remove(w.place)\n", new: "", tests: "./async",
	},
	{
		name: "room: stay in the queue after a panic", breaks: "a record whose caller has panicked is not delivered",
		file: "async/wait.go", old: "\tdefer c.room.leave(q.waiter) // also if the budget or the context panics\n", new: "", tests: "./async",
	},
	{
		name: "room: ask all of the budget", breaks: "the worker runs no code of the user's to make room",
		file: "async/memory.go", old: "return ok && b.TryAgain(size)", new: "return ok && (b == nil || c.budget.TryAcquire(size))", tests: "./async",
	},
	{
		name: "room: miss the mark", breaks: "OnHighWater is called when a record of a caller that waited reaches the mark",
		file: "async/core.go", old: "\t\t\tc.tellHighWater(w.depth)\n", new: "", tests: "./async",
	},
	{
		name: "room: bytes twice", breaks: "bytes are released with the record",
		file: "async/wait.go", old: "\t\t\tc.release(q.size)\n\t\t}\n\t\treturn true", new: "\t\t}\n\t\treturn true", tests: "./async",
	},
	{
		name: "room: keep the bytes when there is no slot", breaks: "bytes are released with the record",
		file: "async/room.go", old: "\t\t\t\tc.release(w.size)\n\t\t\t}\n", new: "\t\t\t}\n", tests: "./async",
	},
	{
		name: "memory: keep the bytes of evicted ones", breaks: "bytes are released with the record",
		file: "async/evict.go", old: "\t\tc.release(freed)\n", new: "", tests: "./async",
	},
	{
		name: "memory: keep the bytes of delivered and failed ones", breaks: "bytes are released with the record",
		file: "async/deliver.go", old: "\tw.bytes += c.releaseAll(w.batch.entries[:n])\n", new: "", tests: "./async",
	},
	{
		name: "memory: keep the bytes of those dropped at the end", breaks: "bytes are released with the record",
		file: "async/drop.go", old: "\tc.releaseAll(entries)\n", new: "", tests: "./async",
	},
	{
		name: "memory: keep the bytes of refused ones", breaks: "bytes are released with the record",
		file: "async/memory.go", old: "\t\tc.release(q.size)\n", new: "", tests: "./async",
	},
	{
		name: "memory: keep the bytes of those in a hung fallback", breaks: "bytes are released with the record",
		file: "async/call.go", old: "\tc.releaseAll(w.batch.entries)\n", new: "", tests: "./async",
	},
}
