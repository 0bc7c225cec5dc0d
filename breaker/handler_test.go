package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func record(msg string) slog.Record {
	return slog.NewRecord(time.Time{}, slog.LevelInfo, msg, 0)
}

// handle calls h on a goroutine of its own and reports whether that call returned rather
// than ended the goroutine.
func handle(t *testing.T, h slog.Handler, msg string) (err error, returned bool) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = h.Handle(t.Context(), record(msg))
		returned = true
	}()
	<-done
	return err, returned
}

func exit(context.Context, slog.Record) error {
	runtime.Goexit()
	return nil
}

// errs collects what OnError hears. Not for concurrent use.
type errs []error

func (e *errs) add(err error) { *e = append(*e, err) }

func TestNewPanics(t *testing.T) {
	rec := &testsink.Recorder{}
	tests := []struct {
		name string
		next slog.Handler
		opts breaker.Options
		want string
	}{
		{"nil next", nil, breaker.Options{}, "breaker: New: next is nil"},
		{
			"fallback is next", rec,
			breaker.Options{Fallback: rec},
			"breaker: Options.Fallback (*testsink.Recorder) is next itself",
		},
		{
			"setting", rec,
			breaker.Options{Settings: gobreaker.Settings{Timeout: -1}},
			"breaker: Settings.Timeout(-1ns): want >= 0",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.PanicsWithValue(t, tt.want, func() { breaker.New(tt.next, tt.opts) })
		})
	}
	t.Run("not comparable", func(t *testing.T) {
		f := testsink.Func(exit)
		require.NotPanics(t, func() { breaker.New(f, breaker.Options{Fallback: f}) })
	})
}

func TestHandleOpensAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errNext, nil)
		var heard errs
		h := breaker.New(next, breaker.Options{OnError: heard.add})
		for i := range 5 {
			assert.Equal(t, gobreaker.StateClosed, h.State())
			assert.Equal(t, uint32(i), h.Counts().ConsecutiveFailures)
			require.ErrorIs(t, h.Handle(t.Context(), record("a")), errNext)
		}
		assert.Equal(t, gobreaker.StateOpen, h.State())
		require.ErrorIs(t, h.Handle(t.Context(), record("b")), gobreaker.ErrOpenState)
		assert.Equal(t, 5, next.Calls(), "next was not left alone")

		time.Sleep(longest(5 * time.Second))
		assert.Equal(t, gobreaker.StateOpen, h.State(), "looking on must not change the state")
		require.ErrorIs(t, h.Handle(t.Context(), record("c")), errNext)
		assert.Equal(t, gobreaker.StateOpen, h.State(), "after a failed probe")
		assert.Equal(t, 6, next.Calls())
		assert.Equal(t, errs{errNext, errNext, errNext, errNext, errNext, errNext}, heard)

		next.Heal()
		time.Sleep(longest(5 * time.Second))
		require.NoError(t, h.Handle(t.Context(), record("d")))
		assert.Equal(t, gobreaker.StateClosed, h.State())
		assert.Equal(t, []string{"d"}, rec.Messages())
	})
}

func TestHandleFailures(t *testing.T) {
	wantPanic := func(value any) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			p, ok := errors.AsType[*breaker.PanicError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "next", p.Handler)
			assert.Equal(t, value, p.Value)
			assert.Equal(t, fmt.Sprintf(`asynchandler: handler "next": panic: %v`, value), p.Error())
			assert.Contains(t, string(p.Stack), "testsink", "the stack is not that of the panic")
		}
	}
	tests := []struct {
		name     string
		next     slog.Handler
		returned bool
		check    func(*testing.T, error) // of what OnError heard, and what Handle returned
	}{
		{"error", testsink.NewFailer(nil, errNext, nil), true, func(t *testing.T, err error) {
			assert.Equal(t, errNext, err)
		}},
		{"panic", testsink.NewPanicker(nil, "boom", nil), true, wantPanic("boom")},
		{"panic with an error", testsink.NewPanicker(nil, errNext, nil), true, func(t *testing.T, err error) {
			wantPanic(errNext)(t, err)
			require.ErrorIs(t, err, errNext)
		}},
		{"Goexit", testsink.NewExiter(nil, nil), false, func(t *testing.T, err error) {
			assert.Equal(t, breaker.ErrGoexit, err)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var heard errs
			// What a panic carried must not excuse it.
			h := breaker.New(tt.next, breaker.Options{OnError: heard.add, Settings: gobreaker.Settings{
				IsExcluded: func(err error) bool { return tt.name != "error" },
			}})
			for range 5 {
				err, returned := handle(t, h, "a")
				require.Equal(t, tt.returned, returned)
				if returned {
					tt.check(t, err)
				}
			}
			require.Len(t, heard, 5)
			tt.check(t, heard[4])
			assert.Equal(t, gobreaker.StateOpen, h.State())
		})
		t.Run(tt.name+", fallback", func(t *testing.T) {
			var heard errs
			fallback := &testsink.Recorder{}
			h := breaker.New(tt.next, breaker.Options{Fallback: fallback, OnError: heard.add})
			err, returned := handle(t, h, "a")
			require.NoError(t, err)
			require.Equal(t, tt.returned, returned)
			assert.Equal(t, []string{"a"}, fallback.Messages())
			require.Len(t, heard, 1)
			tt.check(t, heard[0])
			assert.Equal(t, uint32(1), h.Counts().ConsecutiveFailures)
		})
		t.Run(tt.name+" of the probe", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := breaker.New(tt.next, breaker.Options{})
				for range 5 {
					handle(t, h, "a")
				}
				for range 3 {
					time.Sleep(longest(5 * time.Second))
					_, returned := handle(t, h, "probe")
					assert.Equal(t, tt.returned, returned)
					assert.Equal(t, gobreaker.StateOpen, h.State())
				}
			})
		})
	}
}

func TestHungProbeKeepsOthersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, errNext, nil)
		gate := testsink.NewBlocker(next)
		gate.Release()
		h := breaker.New(gate, breaker.Options{})
		for range 5 {
			handle(t, h, "a")
		}
		time.Sleep(longest(5 * time.Second))
		gate.Block()
		next.Heal()
		probed := make(chan error, 1)
		go func() { probed <- h.Handle(t.Context(), record("probe")) }()
		<-gate.Entered()
		assert.Equal(t, gobreaker.StateHalfOpen, h.State())
		time.Sleep(time.Hour)
		require.ErrorIs(t, h.Handle(t.Context(), record("b")), gobreaker.ErrTooManyRequests)

		h.Reset()
		assert.Equal(t, gobreaker.StateClosed, h.State())
		gate.Release()
		require.NoError(t, <-probed)
		assert.Zero(t, h.Counts(), "the probe from before the reset counts")
		require.NoError(t, h.Handle(t.Context(), record("c")))
	})
}

func TestEnabledIsNexts(t *testing.T) {
	h := breaker.New(&testsink.Recorder{Level: slog.LevelWarn}, breaker.Options{Fallback: &testsink.Recorder{}})
	assert.False(t, h.Enabled(t.Context(), slog.LevelInfo))
	assert.True(t, h.Enabled(t.Context(), slog.LevelWarn))
}
