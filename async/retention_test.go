package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// What a record can keep alive.
type (
	payload [64]byte
	ctxKey  struct{}
)

// traces tells which of the things that were logged are still alive.
type traces struct {
	logged  []string
	values  []weak.Pointer[payload]
	context []weak.Pointer[payload]
	handler []weak.Pointer[payload]
	message []weak.Pointer[byte]
}

// log logs a record with a message, an attribute, a context and a derived handler of
// its own, that only the handler knows when it returns.
//
//go:noinline
func (tr *traces) log(h slog.Handler, name string) {
	value, inContext, inHandler := new(payload), new(payload), new(payload)
	msg := strings.Clone(sized(name, max(unit, len(name)+8)))
	tr.logged = append(tr.logged, name)
	tr.values = append(tr.values, weak.Make(value))
	tr.context = append(tr.context, weak.Make(inContext))
	tr.handler = append(tr.handler, weak.Make(inHandler))
	tr.message = append(tr.message, weak.Make(unsafe.StringData(msg)))
	level := slog.LevelInfo
	if name[0] == 'E' {
		level = slog.LevelError
	}
	ctx := context.WithValue(context.Background(), ctxKey{}, inContext)
	_ = h.WithAttrs([]slog.Attr{slog.Any("derived", inHandler)}).Handle(ctx, traced(level, msg, value)) // not all are taken
}

// traced makes a record one of whose attributes does not fit into the record itself.
func traced(level slog.Level, msg string, value *payload) slog.Record {
	r := slog.NewRecord(time.Now(), level, msg, 0)
	r.Add("value", value, "a", 1, "b", 2, "c", 3, "d", 4, "e", value)
	return r
}

// alive names what is alive after a few collections.
func (tr *traces) alive() (alive []string) {
	for range 4 {
		runtime.GC()
		if alive = tr.left(); len(alive) == 0 {
			return nil
		}
	}
	return alive
}

func (tr *traces) left() (left []string) {
	for i, name := range tr.logged {
		for what, alive := range map[string]bool{
			"value":   tr.values[i].Value() != nil,
			"context": tr.context[i].Value() != nil,
			"handler": tr.handler[i].Value() != nil,
			"message": tr.message[i].Value() != nil,
		} {
			if alive {
				left = append(left, fmt.Sprintf("the %s of record %d, %.10q", what, i, name))
			}
		}
	}
	return left
}

// deriving is a handler with attributes of its own around one without: as an entry
// of the queue it keeps them alive.
type deriving struct {
	slog.Handler
	attrs []slog.Attr
}

func (d deriving) WithAttrs(attrs []slog.Attr) slog.Handler { return deriving{d.Handler, attrs} }

// However a record ended, a handler that goes on to live keeps nothing of it.
func TestNothingOfARecordIsKept(t *testing.T) {
	for _, sc := range scenarios {
		bubble(t, sc.name, func(t *testing.T) {
			opts := sc.opts
			opts.Capture, opts.DropReports = async.CaptureReference, -1
			opts.Budget = limited(t, 4*membudget.SizeOf(traced(0, sized("1", unit), new(payload))))
			var next slog.Handler = testsink.Func(func(context.Context, slog.Record) error { return nil })
			if sc.next != nil {
				next = sc.next()
			}
			h := begin(t, deriving{Handler: next}, opts)
			var tr traces
			sc.run(t, h, func(names ...string) {
				for _, name := range names {
					tr.log(h, name)
					time.Sleep(time.Nanosecond)
					synctest.Wait()
				}
			})
			time.Sleep(time.Hour)
			assertOutcomes(t, h, sc.want)
			assert.Empty(t, tr.alive())
			runtime.KeepAlive(h)
		})
	}
}

// The test above can fail: what waits is alive, and what next keeps is too.
func TestWhatWaitsIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, plug := plugged(t, testsink.Func(func(context.Context, slog.Record) error { return nil }), async.Options{StallTimeout: -1, Capture: async.CaptureReference})
		var tr traces
		tr.log(h, "1")
		assert.Len(t, tr.alive(), 3, "all but the handler's attributes, which next does not keep")
		plug.Release()
		synctest.Wait()
		assert.Empty(t, tr.alive())
		runtime.KeepAlive(h)
	})
}

// A large batch leaves nothing behind in the worker's own memory, nor what was taken
// from it in the midst of a call.
func TestNothingOfABatchIsKept(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		bubble(t, policy.String(), func(t *testing.T) {
			next := testsink.NewBlocker(nil)
			h := begin(t, next, async.Options{Capacity: 64, BatchSize: 32, Overflow: policy, StallTimeout: -1, DropReports: -1, Capture: async.CaptureReference})
			t.Cleanup(next.Release)
			var tr traces
			for i := range 200 {
				tr.log(h, strings.Repeat([]string{"I", "E", "D"}[i%3], 5))
				if i == 40 {
					synctest.Wait()
					next.Step()
					synctest.Wait()
				}
			}
			require.Positive(t, h.Stats().Dropped)
			next.Release()
			time.Sleep(time.Minute)
			require.Zero(t, h.Stats().Depth)
			assert.Empty(t, tr.alive())
			runtime.KeepAlive(h)
		})
	}
}

// What was delivered or dropped is not kept by what waited beside it and still waits.
func TestNothingIsKeptByWhatStillWaits(t *testing.T) {
	tests := []struct {
		name          string
		batch         int
		before, after string // "Estop" hangs
	}{
		{"behind a delivered protected one", 1, "E1 Estop E3 D4 5 6 7 8 9", ""},
		{"beside what was evicted from a batch", 4, "Estop D1 E2 D3", "4 5 6 7 8 9 10 11 12 13"},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			stop, taken := testsink.NewGate(), newJournal()
			next := testsink.Func(func(_ context.Context, r slog.Record) error {
				name := strings.TrimRight(r.Message, ".")
				if name == "Estop" {
					stop.Pass()
				}
				taken.note(strings.Clone(name))
				return nil
			})
			h, plug := plugged(t, next, async.Options{Capacity: 8, BatchSize: tt.batch, StallTimeout: -1, DropReports: -1, Capture: async.CaptureReference})
			t.Cleanup(stop.Release)
			var tr traces
			for name := range strings.FieldsSeq(tt.before) {
				tr.log(h, name)
			}
			plug.Release()
			synctest.Wait()
			for name := range strings.FieldsSeq(tt.after) {
				tr.log(h, name)
			}
			runtime.GC()
			alive, before := tr.aliveNames(), len(taken.what())
			stop.Release()
			time.Sleep(time.Minute)
			require.Positive(t, h.Stats().Dropped)
			assert.ElementsMatch(t, taken.what()[before:], alive)
			runtime.KeepAlive(h)
		})
	}
}

// aliveNames returns the names of the records of which something is alive.
func (tr *traces) aliveNames() (names []string) {
	for i, name := range tr.logged {
		if tr.values[i].Value() != nil || tr.message[i].Value() != nil {
			names = append(names, name)
		}
	}
	return names
}

// What was captured is as short-lived as what was logged.
func TestNothingOfASnapshotIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := begin(t, testsink.NewSlow(nil, time.Microsecond), async.Options{Capacity: 8})
		var tr traces
		for range 100 {
			tr.log(h, "I")
		}
		time.Sleep(time.Minute)
		require.Zero(t, h.Stats().Depth)
		assert.Empty(t, tr.alive())
		runtime.KeepAlive(h)
	})
}
