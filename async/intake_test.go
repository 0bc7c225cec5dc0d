package async_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// leveler is a level that calls f when it is asked.
type leveler struct{ f func() }

func (l leveler) Level() slog.Level { l.f(); return slog.LevelError }

// valuer is a value that calls f when it is resolved.
type valuer struct{ f func() }

func (v valuer) LogValue() slog.Value { v.f(); return slog.StringValue("v") }

// stingyBudget calls f when it is asked for bytes.
type stingyBudget struct{ f func() }

func (b stingyBudget) TryAcquire(int64) bool { b.f(); return true }
func (stingyBudget) Release(int64)           {}
func (stingyBudget) Used() int64             { return 0 }
func (stingyBudget) Limit() int64            { return 1 << 30 }

// Code of the user's that runs on the caller may panic or end the goroutine: the record was
// received and has one outcome, and those behind it are delivered (P3, P8).
func TestCodeOnTheCallerThatPanicsOrExits(t *testing.T) {
	handlerOptions := func(f func()) *slog.HandlerOptions {
		return &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "k" {
				f()
			}
			return a
		}}
	}
	for _, tt := range []struct {
		name    string
		opts    func(f func()) async.Options
		next    func(f func()) slog.Handler
		value   func(f func()) any
		outcome outcomes
	}{
		{name: "ContextFunc", outcome: outcomes{failed: 1}, opts: func(f func()) async.Options {
			return async.Options{ContextFunc: func(ctx context.Context) context.Context { f(); return ctx }}
		}},
		{name: "ReplaceAttr", outcome: outcomes{failed: 1}, opts: func(f func()) async.Options {
			return async.Options{ReplaceAttr: handlerOptions(f).ReplaceAttr}
		}},
		{name: "ReplaceAttr of next", outcome: outcomes{failed: 1}, next: func(f func()) slog.Handler {
			return slog.NewJSONHandler(&bytes.Buffer{}, handlerOptions(f))
		}, value: func(func()) any { return &struct{ A []int }{} }},
		{name: "SyncLevel", outcome: outcomes{failed: 1}, opts: func(f func()) async.Options {
			return async.Options{SyncLevel: leveler{f}}
		}},
		{name: "ProtectedLevel", outcome: outcomes{delivered: 1}, opts: func(f func()) async.Options {
			return async.Options{ProtectedLevel: leveler{f}, Linger: time.Millisecond} // it is in the queue already
		}},
		{name: "Budget", outcome: outcomes{failed: 1}, opts: func(f func()) async.Options {
			return async.Options{Budget: stingyBudget{f}}
		}},
	} {
		for end, f := range map[string]func(){"panics": func() { panic("boom") }, "exits": runtime.Goexit} {
			bubble(t, tt.name+" "+end, func(t *testing.T) {
				want, well, heard := tt.outcome, false, newJournal()
				do := func() {
					if !well {
						f()
					}
				}
				opts, next, value := async.Options{}, slog.Handler(&testsink.Recorder{}), any(1)
				if tt.opts != nil {
					opts = tt.opts(do)
				}
				if tt.next != nil {
					next = tt.next(do)
				}
				if tt.value != nil {
					value = tt.value(do)
				}
				opts.ErrorHandler = heard.hear
				h := begin(t, next, opts)
				err := handleElsewhere(h, "k", value)
				assertOutcomes(t, h, want)
				assert.Equal(t, uint64(1), h.Stats().Received)
				told := want.failed > 0 || end == "panics"
				assert.Equal(t, told, h.Stats().Panics == 1)
				assert.Equal(t, told, len(heard.what()) == 1)
				if end == "panics" {
					var p *async.PanicError
					require.ErrorAs(t, err, &p)
					assert.Equal(t, "boom", p.Value)
				}
				well = true
				require.NoError(t, handleElsewhere(h, "k", value))
				want.delivered++
				assertOutcomes(t, h, want)
			})
		}
	}
}

// The same where there is no room: the record is not one that was dropped, of which OnDrop
// would have to hear.
func TestCodeOnTheCallerThatPanicsOrExitsWithoutRoom(t *testing.T) {
	for end, f := range map[string]func(){"panics": func() { panic("boom") }, "exits": runtime.Goexit} {
		bubble(t, end, func(t *testing.T) {
			bad, heard := false, newJournal()
			h, plug := plugged(t, &testsink.Recorder{}, async.Options{
				Capacity: 2, MaxWait: -1, ErrorHandler: heard.hear,
				ProtectedLevel: leveler{func() {
					if bad {
						f()
					}
				}},
				OnDrop: func(context.Context, slog.Record, async.DropReason) { heard.note("dropped") },
			})
			info(h, "1", "2")
			bad = true
			err := handleElsewhere(h, "k", 1)
			bad = false
			assertOutcomes(t, h, outcomes{failed: 1, depth: 3})
			assert.EqualValues(t, 1, h.Stats().Panics)
			if end == "panics" {
				var p *async.PanicError
				require.ErrorAs(t, err, &p)
			}
			plug.Release()
			assertOutcomes(t, h, outcomes{delivered: 3, failed: 1})
			assert.Len(t, heard.what(), 1)
		})
	}
}

// A value that ends the goroutine ends the call, as with slog. It was one all the same.
func TestAValueThatExits(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		h := begin(t, &testsink.Recorder{}, async.Options{})
		_ = handleElsewhere(h, "k", valuer{runtime.Goexit})
		assertOutcomes(t, h, outcomes{failed: 1})
		assert.Equal(t, uint64(1), h.Stats().Received)
	})
}

// handleElsewhere logs an ERROR on a goroutine of its own, which may end.
func handleElsewhere(h slog.Handler, key string, value any) (err error) {
	var wg sync.WaitGroup
	wg.Go(func() {
		r := slog.NewRecord(time.Now(), slog.LevelError, "m", 0)
		r.Add(key, value)
		err = h.Handle(context.Background(), r)
	})
	wg.Wait()
	return err
}
