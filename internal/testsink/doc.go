// Package testsink holds the handlers and writers that the module's tests log into: some
// record, some block, fail, panic or exit on demand.
//
//	rec := &testsink.Recorder{}
//	gate := testsink.NewBlocker(rec) // blocks until gate.Release()
//	log := slog.New(asynchandler.New(gate))
//
// Handlers wrap one another; a nil next takes every record and does nothing. What WithAttrs
// and WithGroup derive from a handler shares its recording, gate or fault.
//
// # Concurrency
//
// Everything is safe for concurrent use. Waiting is done on channels, on sync.Cond or in
// time.Sleep, so all of it works in a testing/synctest bubble; what has a [Gate] must then
// be made inside the bubble.
package testsink
