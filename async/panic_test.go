package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// A next that panics or ends the goroutine costs the record at hand, and nothing else.
func TestNextPanics(t *testing.T) {
	is := testsink.HasMessage("bad")
	for _, tt := range []struct {
		name  string
		next  func(slog.Handler) slog.Handler
		value string // as text
		is    error  // what the PanicError unwraps to
	}{
		{"value", func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, "boom", is) }, "boom", nil},
		{"error", func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, errDown, is) }, "next is down", errDown},
		{"permanent error", func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, async.ErrPermanent, is) }, async.ErrPermanent.Error(), async.ErrPermanent},
		{"nil", func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, nil, is) }, new(runtime.PanicNilError).Error(), nil},
		{"exit", func(next slog.Handler) slog.Handler { return testsink.NewExiter(next, is) }, "runtime.Goexit was called", nil},
	} {
		for _, g := range gates {
			bubble(t, tt.name+"/"+g.name, func(t *testing.T) {
				rec := &testsink.Recorder{}
				var errs []error
				h, plug := plugged(t, tt.next(rec), async.Options{Name: "x", Gate: g.gate(), ErrorHandler: func(err error) { errs = append(errs, err) }})
				info(h, "1", "bad", "2", "bad", "3")
				plug.Release()
				assertOutcomes(t, h, outcomes{delivered: 4, failed: 2})
				assert.Equal(t, []string{"plug", "1", "2", "3"}, rec.Messages(), "in order and at once")
				require.Len(t, errs, 2, "one try each")
				for _, err := range errs {
					p, ok := errors.AsType[*async.PanicError](err)
					require.True(t, ok, "%T", err)
					assert.Equal(t, "x", p.Handler)
					assert.Equal(t, `asynchandler: handler "x": panic: `+tt.value, p.Error())
					assert.Contains(t, string(p.Stack), "testsink", "the stack of the panic")
					if tt.is != nil {
						require.ErrorIs(t, err, tt.is)
					}
				}
				s := h.Stats()
				assert.EqualValues(t, 2, s.Panics)
				assert.Zero(t, s.DeliveryErrors)
				assert.Equal(t, errs[1].Error(), s.LastError)
				assert.False(t, s.LastErrorTime.IsZero())
			})
		}
	}
}

// A panic is a failure for the gate, even one with a permanent error.
func TestPanicIsFailureForGate(t *testing.T) {
	for _, value := range []any{"boom", errDown, async.ErrPermanent} {
		synctest.Test(t, func(t *testing.T) {
			gate := &fakeGate{}
			h := begin(t, testsink.NewPanicker(nil, value, nil), async.Options{Gate: gate})
			info(h, "1", "2", "3")
			assertOutcomes(t, h, outcomes{failed: 3})
			assert.Len(t, gate.bad, 3)
			assert.Zero(t, gate.good)
			gate.assertSettled(t)
		})
	}
}

// A next that does nothing but panic opens the breaker.
func TestPanicsOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, b := testsink.NewPanicker(nil, "boom", nil), newBreaker()
		h := begin(t, next, async.Options{Gate: b})
		info(h, numbered(1, 20)...)
		assertOutcomes(t, h, outcomes{failed: 5, depth: 15})
		assert.Equal(t, "open", b.Stats().State)
		next.Heal()
		time.Sleep(maxOpenTime)
		assertOutcomes(t, h, outcomes{delivered: 15, failed: 5})
	})
}

// What next is asked on the caller may panic on the caller, as with slog.
func TestPanicsOnTheCaller(t *testing.T) {
	next := panicky{}
	for _, tt := range []struct {
		name string
		call func(h *async.Handler)
	}{
		{"Enabled", func(h *async.Handler) { h.Enabled(t.Context(), slog.LevelInfo) }},
		{"WithAttrs", func(h *async.Handler) { h.WithAttrs([]slog.Attr{slog.Int("a", 1)}) }},
		{"WithGroup", func(h *async.Handler) { h.WithGroup("g") }},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			h := begin(t, next, async.Options{})
			assert.PanicsWithValue(t, tt.name, func() { tt.call(h) })
			require.NoError(t, h.Handle(t.Context(), slog.Record{Message: "1"}))
			assertOutcomes(t, h, outcomes{delivered: 1})
			assert.Zero(t, h.Stats().Panics)
		})
	}
}

type panicky struct{}

func (panicky) Enabled(context.Context, slog.Level) bool  { panic("Enabled") }
func (panicky) Handle(context.Context, slog.Record) error { return nil }
func (panicky) WithAttrs([]slog.Attr) slog.Handler        { panic("WithAttrs") }
func (panicky) WithGroup(string) slog.Handler             { panic("WithGroup") }

// The error handler may be as bad as next.
func TestBadErrorHandler(t *testing.T) {
	for _, tt := range []struct {
		name   string
		handle func(h *async.Handler)
		panics int
		more   int // records that it logs
	}{
		{"panics", func(*async.Handler) { panic("boom") }, 3, 0},
		{"panics with nil", func(*async.Handler) { panic(nil) }, 3, 0},
		{"exits", func(*async.Handler) { runtime.Goexit() }, 3, 0},
		{"logs through the handler", func(h *async.Handler) { info(h, "logged") }, 0, 3},
	} {
		for _, g := range gates {
			bubble(t, tt.name+"/"+g.name, func(t *testing.T) {
				rec := &testsink.Recorder{}
				var h *async.Handler
				next := testsink.NewFailer(rec, async.ErrPermanent, testsink.HasMessage("bad"))
				h, plug := plugged(t, next, async.Options{Gate: g.gate(), ErrorHandler: func(error) { tt.handle(h) }})
				info(h, "bad", "1", "bad", "2", "bad", "3")
				plug.Release()
				assertOutcomes(t, h, outcomes{delivered: 4 + tt.more, failed: 3})
				assert.EqualValues(t, tt.panics, h.Stats().Panics)
				assert.Equal(t, []string{"plug", "1", "2", "3"}, rec.Messages()[:4])
			})
		}
	}
}

// With a fallback, an error handler that ends the goroutine does not keep the record
// from it, nor give it to next once more.
func TestErrorHandlerExitsBeforeFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		next := testsink.NewFailer(nil, errDown, nil)
		h := begin(t, next, async.Options{Fallback: fallback, ErrorHandler: func(error) { runtime.Goexit() }})
		info(h, "1", "2", "3")
		assertOutcomes(t, h, outcomes{fallback: 3})
		assert.Equal(t, 3, next.Calls())
		assert.Equal(t, []string{"1", "2", "3"}, fallback.Messages())
	})
}

// The report of a stall comes from a new worker, which may be ended by the error
// handler at once.
func TestErrorHandlerExitsOnStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := newHanging(t)
		h := begin(t, next.handler(), async.Options{StallTimeout: time.Second, ErrorHandler: func(error) { runtime.Goexit() }})
		info(h, "hang", "1")
		time.Sleep(time.Minute)
		assertOutcomes(t, h, outcomes{depth: 2})
		next.Release()
		assertOutcomes(t, h, outcomes{delivered: 2})
		assert.EqualValues(t, 1, h.Stats().Panics)
		next.assertOneAtATime(t)
	})
}

// badError is an error whose methods panic.
type badError struct{}

func (badError) Error() string   { panic("Error") }
func (badError) Is(error) bool   { panic("Is") }
func (badError) Unwrap() []error { panic("Unwrap") }

func TestErrorsWhoseMethodsPanic(t *testing.T) {
	for _, g := range gates {
		bubble(t, g.name, func(t *testing.T) {
			rec := &testsink.Recorder{}
			h := begin(t, testsink.NewFailer(rec, badError{}, testsink.First(2)), async.Options{Gate: g.gate()})
			info(h, "1", "2")
			time.Sleep(time.Second)
			assertOutcomes(t, h, outcomes{delivered: 2})
			assert.Contains(t, h.Stats().LastError, "panics")

			h = begin(t, testsink.NewPanicker(rec, badError{}, testsink.First(1)), async.Options{Gate: g.gate()})
			info(h, "3", "4")
			assertOutcomes(t, h, outcomes{delivered: 1, failed: 1})
			assert.NotEmpty(t, h.Stats().LastError)
		})
	}
}

// panicking is a budget, gate and sink that panics when it is asked how it is.
type panicking struct {
	*membudget.Budget
	fakeGate
	batchSink
}

func (*panicking) Used() int64               { panic("used") }
func (*panicking) Stats() async.BreakerStats { panic("stats") }
func (*panicking) WrittenBytes() uint64      { panic("bytes") }

// Who asks how the handler is hears of all that can be known.
func TestStatsOfWhatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &panicking{Budget: limited(t, 1000), batchSink: batchSink{deliver: all}}
		h := begin(t, p.handler(), async.Options{Budget: p, Gate: p, Sink: p})
		info(h, "1")
		assertOutcomes(t, h, outcomes{delivered: 1})
		require.NoError(t, h.Health())
		s := h.Stats()
		assert.EqualValues(t, 4, s.Panics, "three in the Stats before, one in Health")
		assert.Equal(t, "off", s.Breaker.State)
	})
}
