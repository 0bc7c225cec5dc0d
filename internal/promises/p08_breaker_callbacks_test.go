package promises_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestOnStateChange(t *testing.T) { // P7
	for _, tt := range []struct{ name, given, want string }{
		{"the handler's name", "", "audit"},
		{"a name of its own", "disk", "disk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				changes := make(chan string, 10)
				next := newClockedNext(errRefused)
				h := asynchandler.New(next, quiet, asynchandler.WithName("audit"), asynchandler.WithBreaker(gobreaker.Settings{
					Name: tt.given,
					OnStateChange: func(name string, from, to gobreaker.State) {
						changes <- name + ": " + from.String() + " to " + to.String()
					},
				}))
				logEach(h, numbered(5, 2)...)
				time.Sleep(time.Second)
				next.Heal()
				time.Sleep(time.Minute)
				require.NoError(t, h.Close())
				close(changes)
				var heard []string
				for c := range changes {
					heard = append(heard, c)
				}
				assert.Equal(t, []string{tt.want + ": closed to open", tt.want + ": open to half-open", tt.want + ": half-open to closed"}, heard)
			})
		})
	}
}

func TestBreakerCallbacksThatPanic(t *testing.T) { // P8
	tests := []struct {
		name     string
		settings gobreaker.Settings
		panics   uint64 // until it is closed again
	}{
		{"ReadyToTrip", gobreaker.Settings{ReadyToTrip: func(gobreaker.Counts) bool { panic("boom") }}, 5},
		{"OnStateChange", gobreaker.Settings{OnStateChange: func(string, gobreaker.State, gobreaker.State) { panic("boom") }}, 3},
		{"IsSuccessful", gobreaker.Settings{IsSuccessful: func(error) bool { panic("boom") }}, 5},
		{"IsExcluded", gobreaker.Settings{IsExcluded: func(error) bool { panic("boom") }}, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := newClockedNext(errRefused)
				panics := make(chan *asynchandler.PanicError, 100)
				h := asynchandler.New(next, asynchandler.WithName("audit"), asynchandler.WithBreaker(tt.settings), asynchandler.WithErrorHandler(func(err error) {
					if p, ok := errors.AsType[*asynchandler.PanicError](err); ok {
						panics <- p
					}
				}))
				logEach(h, numbered(6, 2)...)
				time.Sleep(time.Second)
				assert.Equal(t, "open", h.Stats().Breaker.State)
				next.Heal()
				require.NoError(t, h.Flush(t.Context()))
				assert.Len(t, next.got.Messages(), 6)
				assert.Equal(t, "closed", h.Stats().Breaker.State)
				require.NoError(t, h.Close())

				assert.Equal(t, tt.panics, h.Stats().Panics)
				require.Len(t, panics, int(tt.panics))
				p := <-panics
				assert.Equal(t, "boom", p.Value)
				assert.Equal(t, "audit", p.Handler)
				assert.Contains(t, string(p.Stack), "TestBreakerCallbacksThatPanic")
			})
		})
	}
}

// A panic of next is a failure, whatever the settings think of errors.
func TestPanicOfNextIsAlwaysAFailure(t *testing.T) { // P7, P8
	yes := func(error) bool { return true }
	for _, tt := range []struct {
		name     string
		settings gobreaker.Settings
	}{
		{"IsSuccessful", gobreaker.Settings{IsSuccessful: yes}},
		{"IsExcluded", gobreaker.Settings{IsExcluded: yes}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := asynchandler.New(testsink.NewPanicker(nil, "boom", nil), quiet, asynchandler.WithBreaker(tt.settings))
				defer h.Close()
				logEach(h, numbered(6, 5)...)
				time.Sleep(time.Second)
				s := h.Stats()
				assert.Equal(t, asynchandler.BreakerStats{State: "open", Opened: 1}, s.Breaker)
				assert.Equal(t, uint64(5), s.Failed)
			})
		})
	}
}

// Whoever logs, looks or ends the handler does not wait for a callback that hangs.
func TestOnStateChangeThatBlocks(t *testing.T) { // P2, P8, P9
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, asynchandler.WithCapacity(16), asynchandler.WithBreaker(gobreaker.Settings{
			OnStateChange: func(string, gobreaker.State, gobreaker.State) { gate.Pass() },
		}))
		logEach(h, numbered(5, 2)...)
		<-gate.Entered()
		began := time.Now()
		logEach(h, numbered(1000, 5)...)
		assert.LessOrEqual(t, time.Since(began), 100*time.Millisecond, "one wait for room in a stall")
		s := h.Stats()
		assert.Equal(t, "open", s.Breaker.State)
		assert.Equal(t, s.Received, s.Dropped+uint64(s.Depth))

		next.Heal()
		h.ResetBreaker() // its changes are told later, on the goroutine that hangs
		assert.Equal(t, "closed", h.Stats().Breaker.State)
		gate.Release()
		require.NoError(t, h.Close())
		s = h.Stats()
		assert.Equal(t, s.Received, s.Delivered+s.Dropped)
	})
}

func TestCloseDoesNotWaitForOnStateChange(t *testing.T) { // P9
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		h := asynchandler.New(newClockedNext(errRefused), quiet, asynchandler.WithCloseTimeout(time.Second), asynchandler.WithBreaker(gobreaker.Settings{
			OnStateChange: func(string, gobreaker.State, gobreaker.State) { gate.Pass() },
		}))
		logEach(h, numbered(5, 2)...)
		<-gate.Entered()
		began := time.Now()
		err := h.Close()
		assert.LessOrEqual(t, time.Since(began), time.Second+10*time.Millisecond)
		var undelivered *asynchandler.ShutdownError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, 5, undelivered.Undelivered)
		gate.Release()
		synctest.Wait()
		s := h.Stats()
		assert.Equal(t, uint64(5), s.Dropped)
		assert.Zero(t, s.Depth)
	})
}

// callingBack returns settings whose callbacks use the handler that they belong to.
func callingBack(h *atomic.Pointer[asynchandler.Handler], reentrant *atomic.Int32) gobreaker.Settings {
	use := func(what string) {
		h := h.Load()
		_ = h.Stats()
		slog.New(h).Warn(what)
		if errors.Is(h.Flush(context.Background()), asynchandler.ErrReentrant) && errors.Is(h.Close(), asynchandler.ErrReentrant) {
			reentrant.Add(1)
		}
	}
	return gobreaker.Settings{
		ReadyToTrip: func(c gobreaker.Counts) bool {
			use("ReadyToTrip")
			return c.ConsecutiveFailures >= 2
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			use(from.String() + " to " + to.String())
			if to == gobreaker.StateOpen {
				h.Load().ResetBreaker()
			}
		},
		IsSuccessful: func(error) bool { use("IsSuccessful"); return false },
		IsExcluded:   func(error) bool { use("IsExcluded"); return false },
	}
}

// One that resets an open breaker at once makes next be tried at the pace of retries.
func TestBreakerCallbacksThatCallBack(t *testing.T) { // P7, P8
	synctest.Test(t, func(t *testing.T) {
		var p atomic.Pointer[asynchandler.Handler]
		var reentrant atomic.Int32
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, endless, asynchandler.WithBreaker(callingBack(&p, &reentrant)))
		p.Store(h)
		logEach(h, "a", "b")
		time.Sleep(time.Second)
		s := h.Stats()
		assert.Equal(t, "closed", s.Breaker.State)
		assert.Equal(t, s.Breaker.Opened, s.Breaker.Closed)
		assert.Greater(t, s.Breaker.Opened, uint64(2))
		assert.Less(t, next.Calls(), 50)
		assert.Zero(t, s.Panics)
		next.Heal()
		require.NoError(t, h.Flush(t.Context()))
		require.NoError(t, h.Close())
		got := next.got.Messages()
		for _, msg := range []string{"a", "b", "IsExcluded", "IsSuccessful", "ReadyToTrip", "closed to open", "open to closed"} {
			assert.Contains(t, got, msg)
		}
		assert.Equal(t, int(h.Stats().Received)-2, int(reentrant.Load()), "of all calls back")
	})
}
