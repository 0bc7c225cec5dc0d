package breaker_test

import (
	"errors"
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

type transition struct{ from, to gobreaker.State }

var aRound = []transition{
	{gobreaker.StateClosed, gobreaker.StateOpen},
	{gobreaker.StateOpen, gobreaker.StateHalfOpen},
	{gobreaker.StateHalfOpen, gobreaker.StateClosed},
}

// round opens and closes a breaker whose next can be healed.
func round(t *testing.T, h slog.Handler, next *testsink.Faulty) {
	t.Helper()
	next.Break(nil)
	for range 5 {
		handle(t, h, "fails")
	}
	next.Heal()
	time.Sleep(longest(5 * time.Second))
	handle(t, h, "probe")
}

// TestCallbacksCallBack has every callback use everything of the handler. A lock held there
// would be a deadlock.
func TestCallbacksCallBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *breaker.Handler
		var seen []transition
		nested := 0
		useAll := func() {
			if nested > 0 {
				return
			}
			nested++
			defer func() { nested-- }()
			h.State()
			h.Counts()
			h.Enabled(t.Context(), slog.LevelInfo)
			_ = h.Handle(t.Context(), record("nested"))
		}
		next := testsink.NewFailer(nil, errNext, func(r slog.Record) bool { return r.Message != "nested" })
		h = breaker.New(next, breaker.Options{
			Settings: gobreaker.Settings{
				Name: "mine",
				ReadyToTrip: func(c gobreaker.Counts) bool {
					useAll()
					return c.TotalFailures >= 5
				},
				OnStateChange: func(name string, from, to gobreaker.State) {
					assert.Equal(t, "mine", name)
					assert.Equal(t, to, h.State())
					useAll()
					seen = append(seen, transition{from, to})
				},
				IsExcluded:   func(error) bool { useAll(); return false },
				IsSuccessful: func(error) bool { useAll(); return false },
			},
			OnError: func(error) { useAll() },
		})
		for range 5 {
			handle(t, h, "fails")
		}
		assert.Equal(t, gobreaker.StateOpen, h.State())
		next.Heal()
		time.Sleep(longest(5 * time.Second))
		require.NoError(t, h.Handle(t.Context(), record("probe")))
		assert.Equal(t, aRound, seen)
	})
}

func TestOnStateChangeResets(t *testing.T) {
	var h *breaker.Handler
	var seen []transition
	h = breaker.New(testsink.NewFailer(nil, errNext, nil), breaker.Options{Settings: gobreaker.Settings{
		OnStateChange: func(_ string, from, to gobreaker.State) {
			seen = append(seen, transition{from, to})
			if to == gobreaker.StateOpen {
				h.Reset()
				assert.Equal(t, gobreaker.StateClosed, h.State())
				assert.Len(t, seen, 1, "the reset was told before this change")
			}
		},
	}})
	for range 5 {
		handle(t, h, "a")
	}
	assert.Equal(t, []transition{
		{gobreaker.StateClosed, gobreaker.StateOpen},
		{gobreaker.StateOpen, gobreaker.StateClosed},
	}, seen)
}

func TestCallbacksPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard errs
		next := testsink.NewFailer(nil, errNext, nil)
		h := breaker.New(next, breaker.Options{
			Settings: gobreaker.Settings{
				ReadyToTrip:   func(gobreaker.Counts) bool { panic("boom") },
				OnStateChange: func(string, gobreaker.State, gobreaker.State) { panic("boom") },
				IsExcluded:    func(error) bool { panic("boom") },
				IsSuccessful:  func(error) bool { panic("boom") },
			},
			OnError: func(err error) {
				heard.add(err)
				panic("boom")
			},
		})
		for range 5 {
			assert.Equal(t, gobreaker.StateClosed, h.State())
			require.ErrorIs(t, h.Handle(t.Context(), record("fails")), errNext)
		}
		assert.Equal(t, gobreaker.StateOpen, h.State(), "the default rule")
		next.Heal()
		time.Sleep(longest(5 * time.Second))
		require.NoError(t, h.Handle(t.Context(), record("probe")))
		assert.Equal(t, gobreaker.StateClosed, h.State())

		where := map[string]int{}
		for _, err := range heard {
			if p, ok := errors.AsType[*breaker.PanicError](err); ok {
				where[p.Handler]++
			} else {
				where[err.Error()]++
			}
		}
		assert.Equal(t, map[string]int{
			"Settings.IsExcluded": 5, "Settings.IsSuccessful": 5, "Settings.ReadyToTrip": 5, "Settings.OnStateChange": 3,
			errNext.Error(): 5,
		}, where)
	})
}

func TestCallbacksExit(t *testing.T) {
	tests := []struct {
		name     string
		settings gobreaker.Settings
		opens    bool
	}{
		{"ReadyToTrip", gobreaker.Settings{ReadyToTrip: func(gobreaker.Counts) bool { runtime.Goexit(); return true }}, false},
		{"OnStateChange", gobreaker.Settings{OnStateChange: func(string, gobreaker.State, gobreaker.State) { runtime.Goexit() }}, true},
		{"IsExcluded", gobreaker.Settings{IsExcluded: func(error) bool { runtime.Goexit(); return true }}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard errs
				fallback := &testsink.Recorder{}
				next := testsink.NewFailer(nil, errNext, nil)
				h := breaker.New(next, breaker.Options{Settings: tt.settings, Fallback: fallback, OnError: heard.add})
				for range 5 {
					handle(t, h, "fails")
				}
				assert.Equal(t, 5, fallback.Len(), "the fallback missed a record")
				assert.Len(t, heard, 5)
				assert.Equal(t, tt.opens, h.State() == gobreaker.StateOpen)

				// Whoever is next must find the breaker in working order, though the first
				// probe may never have come to next.
				next.Heal()
				time.Sleep(longest(5 * time.Second))
				handle(t, h, "probe")
				err, returned := handle(t, h, "another")
				require.NoError(t, err)
				if !returned { // it closed the breaker, which was told to the callback
					_, returned = handle(t, h, "the third")
				}
				assert.True(t, returned)
				assert.Equal(t, gobreaker.StateClosed, h.State())
			})
		})
	}
}

func TestOnStateChangeBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		var seen []transition
		next := testsink.NewFailer(nil, errNext, nil)
		h := breaker.New(next, breaker.Options{Settings: gobreaker.Settings{
			OnStateChange: func(_ string, from, to gobreaker.State) {
				gate.Pass()
				seen = append(seen, transition{from, to}) // no lock: one call at a time
			},
		}})
		for range 4 {
			handle(t, h, "fails")
		}
		opened := make(chan struct{})
		go func() {
			defer close(opened)
			_ = h.Handle(t.Context(), record("fails"))
		}()
		<-gate.Entered()
		assert.Equal(t, gobreaker.StateOpen, h.State())
		require.ErrorIs(t, h.Handle(t.Context(), record("refused")), gobreaker.ErrOpenState)
		next.Heal()
		time.Sleep(longest(5 * time.Second))
		require.NoError(t, h.Handle(t.Context(), record("probe")))
		assert.Equal(t, gobreaker.StateClosed, h.State())
		round(t, h, next)
		assert.Zero(t, h.Counts())
		assert.Empty(t, seen)

		gate.Release()
		<-opened
		assert.Equal(t, append(aRound, aRound...), seen)
	})
}

func TestReadyToTripBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		h := breaker.New(testsink.NewFailer(nil, errNext, func(r slog.Record) bool { return r.Message == "bad" }), breaker.Options{
			Settings: gobreaker.Settings{ReadyToTrip: func(gobreaker.Counts) bool {
				gate.Pass()
				return true
			}},
		})
		judge := func() <-chan struct{} {
			judged := make(chan struct{})
			go func() {
				defer close(judged)
				_ = h.Handle(t.Context(), record("bad"))
			}()
			<-gate.Entered()
			return judged
		}
		judged := judge()
		assert.Equal(t, gobreaker.StateClosed, h.State())
		require.NoError(t, h.Handle(t.Context(), record("good")))
		assert.Equal(t, uint32(1), h.Counts().TotalFailures)
		gate.Release()
		<-judged
		assert.Equal(t, gobreaker.StateOpen, h.State())

		// A verdict on what was before a reset comes too late.
		h.Reset()
		gate.Block()
		judged = judge()
		h.Reset()
		gate.Release()
		<-judged
		assert.Equal(t, gobreaker.StateClosed, h.State())
	})
}

func TestTripAndResetAreTold(t *testing.T) {
	var seen []transition
	b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{OnStateChange: func(_ string, from, to gobreaker.State) {
		seen = append(seen, transition{from, to})
	}}})
	allow(t, b)
	b.Trip()
	b.Trip()
	b.Reset()
	b.Reset()
	assert.Equal(t, []transition{
		{gobreaker.StateClosed, gobreaker.StateOpen},
		{gobreaker.StateOpen, gobreaker.StateClosed},
	}, seen)
}
