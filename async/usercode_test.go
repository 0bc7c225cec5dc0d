package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// userCode is what a user can hand in, each method of which calls does with its name.
type userCode struct {
	kind  string // the only one that does anything
	do    func()
	calls atomic.Int32
}

// run is called by each piece of user code. Only the first 8 calls do anything: what is
// logged from within may make the same code run again.
func (u *userCode) run(kind string) {
	if kind == u.kind && u.do != nil && u.calls.Add(1) <= 8 {
		u.do()
	}
}

type userError struct{ u *userCode }

func (e userError) Error() string   { e.u.run("Error"); return "bad" }
func (e userError) Is(error) bool   { e.u.run("Is"); return false }
func (e userError) Unwrap() []error { e.u.run("Unwrap"); return nil }

type userContext struct{ u *userCode }

func (c userContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c userContext) Err() error                  { c.u.run("Err"); return context.Canceled }
func (c userContext) Value(any) any               { c.u.run("Value"); return nil }

// Done returns a channel that is closed if the code is that of Err, which is asked then.
func (c userContext) Done() <-chan struct{} {
	c.u.run("Done")
	if c.u.kind != "Err" {
		return nil
	}
	return canceled().Done()
}

type userGate struct{ u *userCode }

func (g userGate) Allow() async.Permit      { g.u.run("Allow"); return async.Permit{OK: true} }
func (g userGate) Done(uint64, bool, error) { g.u.run("Gate.Done") }
func (g userGate) Trip()                    { g.u.run("Trip") }
func (g userGate) Stats() (s async.BreakerStats) {
	g.u.run("Gate.Stats")
	return s
}
func (g userGate) OpenTime() time.Duration { g.u.run("OpenTime"); return 0 }

// userSpool runs the code before what it does.
type userSpool struct {
	async.Spool
	u *userCode
}

func (s userSpool) Append(records [][]byte) error { s.u.run("Append"); return s.Spool.Append(records) }

func (s userSpool) Next(limit int) ([][]byte, error) { s.u.run("Next"); return s.Spool.Next(limit) }

func (s userSpool) Remove(n int) error { s.u.run("Remove"); return s.Spool.Remove(n) }
func (s userSpool) Len() int           { s.u.run("Len"); return s.Spool.Len() }
func (s userSpool) Bytes() int64       { s.u.run("Bytes"); return s.Spool.Bytes() }
func (s userSpool) Damaged() uint64    { s.u.run("Damaged"); return s.Spool.Damaged() }

func (s userSpool) Close() error                  { s.u.run("Spool.Close"); return s.Spool.Close() }
func (s userSpool) MaxRecord() int64              { s.u.run("MaxRecord"); return 1 << 20 }
func (s userSpool) OnEvict(f func(record []byte)) { s.u.run("OnEvict") }

// spoolKinds are the methods of a spool.
var spoolKinds = []string{"Append", "Next", "Remove", "Len", "Bytes", "Damaged", "Spool.Close", "MaxRecord", "OnEvict"}

// userBudget runs the code outside its own lock, before anything is taken or given back.
type userBudget struct {
	u    *userCode
	used atomic.Int64
}

func (b *userBudget) TryAcquire(n int64) bool { b.u.run("TryAcquire"); b.used.Add(n); return true }
func (b *userBudget) Release(n int64)         { b.used.Add(-n); b.u.run("Release") }
func (b *userBudget) Used() int64             { b.u.run("Used"); return b.used.Load() }
func (b *userBudget) Limit() int64            { b.u.run("Limit"); return 1 << 30 }

type userLevel struct{ u *userCode }

func (l userLevel) Level() slog.Level { l.u.run("Level"); return slog.LevelError }

type userSink struct{ u *userCode }

func (s userSink) Deliver(b *async.Batch) (delivered int, err error) {
	s.u.run("Deliver")
	for b.Next() {
		if err := b.Handle(); err != nil {
			return delivered, err
		}
		delivered++
	}
	return delivered, nil
}
func (s userSink) Flush() error         { s.u.run("Flush"); return nil }
func (s userSink) WrittenBytes() uint64 { s.u.run("WrittenBytes"); return 0 }

// userKinds are the names of the pieces of code.
var userKinds = append([]string{
	"Error", "Is", "Unwrap", "Done", "Err", "Value", "Allow", "Gate.Done", "Trip",
	"TryAcquire", "Release", "Used", "Level", "Deliver", "Flush", "Handle",
	"ErrorHandler", "OnDrop", "OnHighWater", "ContextFunc", "OnShutdown",
	"Limit", "WrittenBytes", "Gate.Stats", "OpenTime",
}, spoolKinds...)

// newUserHandler returns a handler with a piece of the user's code at every place.
func newUserHandler(t *testing.T, u *userCode) (*async.Handler, *userBudget, *testsink.Gate) {
	gate := testsink.NewGate()
	budget := &userBudget{u: u}
	next := testsink.Func(func(ctx context.Context, r slog.Record) error {
		ctx.Value("key")
		u.run("Handle")
		switch r.Message {
		case "hang":
			gate.Pass()
		case "bad":
			return errors.Join(userError{u}, async.ErrPermanent)
		}
		return nil
	})
	opts := async.Options{
		Capacity: 8, Sink: userSink{u}, Gate: userGate{u}, Budget: budget, StallTimeout: time.Second,
		ProtectedLevel: userLevel{u}, SyncLevel: slog.LevelError, HighWater: 0.5,
		OnHighWater:  func(int, int) { u.run("OnHighWater") },
		ErrorHandler: func(error) { u.run("ErrorHandler") },
		OnDrop:       func(context.Context, slog.Record, async.DropReason) { u.run("OnDrop") },
		ContextFunc:  func(ctx context.Context) context.Context { u.run("ContextFunc"); return ctx },
		OnShutdown:   []func(context.Context) error{func(context.Context) error { u.run("OnShutdown"); return nil }},
	}
	if slices.Contains(spoolKinds, u.kind) {
		opts.Spool = userSpool{openSpool(t, t.TempDir()), u}
	}
	var h *async.Handler
	var made sync.WaitGroup
	made.Go(func() {
		defer func() { assert.Nil(t, recover()) }()
		h = async.New(next, opts)
	})
	made.Wait()
	if h == nil { // the code has ended the goroutine
		do := u.do
		u.do = nil
		h = async.New(next, opts)
		u.do = do
	}
	return h, budget, gate
}

// exercise makes the handler run every piece of code: errors, a hang, an overflow, a
// flush and a shutdown. Each call has a goroutine of its own, which may end.
func exercise(t *testing.T, h *async.Handler, u *userCode, gate *testsink.Gate) {
	t.Helper()
	call := func(f func()) {
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() { _ = recover() }() // Flush may pass on what the context panics with
			f()
		})
		wg.Wait()
	}
	ctx := userContext{u}
	log := func(level slog.Level, msg string) {
		call(func() { _ = h.Handle(ctx, slog.NewRecord(time.Now(), level, msg, 0)) })
	}
	for range 2 {
		log(slog.LevelInfo, "good")
		log(slog.LevelInfo, "bad")
		log(slog.LevelError, "good")
	}
	log(slog.LevelInfo, "hang")
	time.Sleep(3 * time.Second) // it is a stall
	for range 20 {
		log(slog.LevelInfo, "good")
	}
	gate.Release()
	call(func() { h.Stats() })
	call(func() { _ = h.Flush(ctx) })
	call(func() { _ = h.Shutdown(ctx) })
	_ = h.Shutdown(t.Context()) // an error, if the code of OnShutdown or Flush fails
	time.Sleep(time.Minute)
	synctest.Wait()
}

// assertLaw checks that no record vanished and that no byte is kept.
func assertLaw(t *testing.T, h *async.Handler, budget *userBudget, u *userCode) {
	t.Helper()
	assert.Positive(t, u.calls.Load(), "the code ran")
	u.kind = "" // Stats may end the goroutine as Used does
	assertIdentity(t, h)
	assert.Zero(t, h.Stats().Depth)
	assert.Zero(t, budget.used.Load(), "bytes")
}

// User code of every kind may look at the handler, flush it and log through it: none of it
// runs under a lock (P8).
func TestUserCodeUsesTheHandler(t *testing.T) {
	for _, kind := range userKinds {
		bubble(t, kind, func(t *testing.T) {
			var (
				h      *async.Handler
				budget *userBudget
				gate   *testsink.Gate
			)
			u := &userCode{kind: kind}
			u.do = func() {
				if h == nil { // called by New
					return
				}
				h.Stats()
				_ = h.Health()
				_ = say(h, slog.LevelInfo, "from within")
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				defer cancel()
				_ = h.Flush(ctx)
			}
			h, budget, gate = newUserHandler(t, u)
			exercise(t, h, u, gate)
			assertLaw(t, h, budget, u)
		})
	}
}

// User code of every kind may panic or end its goroutine. That costs no other record
// anything, and nothing hangs (P8).
func TestUserCodeThatPanicsOrExits(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func()
	}{{"panics", func() { panic("boom") }}, {"exits", runtime.Goexit}} {
		for _, kind := range userKinds {
			bubble(t, end.name+"/"+kind, func(t *testing.T) {
				u := &userCode{kind: kind, do: end.do}
				h, budget, gate := newUserHandler(t, u)
				exercise(t, h, u, gate)
				assertLaw(t, h, budget, u)
			})
		}
	}
}
