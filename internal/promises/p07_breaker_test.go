package promises_test

import (
	"context"
	"io"
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

func TestWithBreaker(t *testing.T) { // P7
	twice := func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 2 }
	all := func(error) bool { return true }
	never := 0
	tests := []struct {
		name     string
		opts     []asynchandler.Option
		failures int // of different records, after which it opens
		timeout  time.Duration
		probes   int // that close it
	}{
		{"default", nil, 5, 5 * time.Second, 1},
		{"zero fields take the defaults", []asynchandler.Option{asynchandler.WithBreaker(gobreaker.Settings{})}, 5, 5 * time.Second, 1},
		{"ReadyToTrip", []asynchandler.Option{asynchandler.WithBreaker(gobreaker.Settings{ReadyToTrip: twice})}, 2, 5 * time.Second, 1},
		{"Timeout", []asynchandler.Option{asynchandler.WithBreaker(gobreaker.Settings{Timeout: time.Minute})}, 5, time.Minute, 1},
		{"MaxRequests", []asynchandler.Option{asynchandler.WithBreaker(gobreaker.Settings{MaxRequests: 3})}, 5, 5 * time.Second, 3},
		{"IsSuccessful", []asynchandler.Option{asynchandler.WithBreaker(gobreaker.Settings{IsSuccessful: all})}, never, 0, 0},
		{"IsExcluded", []asynchandler.Option{asynchandler.WithBreaker(gobreaker.Settings{IsExcluded: all})}, never, 0, 0},
		{"the last one counts", []asynchandler.Option{asynchandler.WithoutBreaker(), asynchandler.WithBreaker(gobreaker.Settings{ReadyToTrip: twice})}, 2, 5 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := newClockedNext(errRefused)
				h := asynchandler.New(next, append(tt.opts, quiet)...)
				defer h.Close()
				logEach(h, "a", "b", "c", "d", "e", "f")
				time.Sleep(time.Second)
				if tt.failures == never {
					time.Sleep(time.Minute)
					assert.Greater(t, next.Calls(), 50)
					assert.Equal(t, asynchandler.BreakerStats{State: "closed"}, h.Stats().Breaker)
					next.Heal()
					require.NoError(t, h.Flush(t.Context()))
					return
				}
				assert.Equal(t, asynchandler.BreakerStats{State: "open", Opened: 1}, h.Stats().Breaker)
				calls := next.times()
				require.Len(t, calls, tt.failures+1, "the first one is tried again before others are")

				next.Heal()
				time.Sleep(2 * tt.timeout)
				probe := next.times()[len(calls)] - calls[len(calls)-1]
				assert.Greater(t, probe, tt.timeout)
				assert.LessOrEqual(t, probe, tt.timeout+tt.timeout/10+1)
				assert.Equal(t, []string{"a", "b", "c", "d", "e", "f"}, next.got.Messages())
				assert.Equal(t, asynchandler.BreakerStats{State: "closed", Opened: 1, HalfOpened: 1, Closed: 1}, h.Stats().Breaker)
			})
		})
	}
}

// atOnce is a ReadyToTrip that opens the breaker at the first failure.
func atOnce(gobreaker.Counts) bool { return true }

// With several probes, the breaker is half-open until all of them went well.
func TestMaxRequests(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, asynchandler.WithBreaker(gobreaker.Settings{MaxRequests: 3, ReadyToTrip: atOnce}))
		defer h.Close()
		logEach(h, "a")
		time.Sleep(time.Second)
		next.Heal()
		time.Sleep(time.Minute)
		for _, msg := range []string{"b", "c"} {
			assert.Equal(t, "half-open", h.Stats().Breaker.State)
			logEach(h, msg)
			require.NoError(t, h.Flush(t.Context()))
		}
		assert.Equal(t, "closed", h.Stats().Breaker.State)
	})
}

func TestOpenTimeIsJittered(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, asynchandler.WithBreaker(gobreaker.Settings{Timeout: time.Minute, ReadyToTrip: atOnce}))
		logEach(h, "a")
		time.Sleep(2 * time.Hour)
		calls := next.times() // the failure that opened it, and the probes
		require.Greater(t, len(calls), 100)
		gaps := map[time.Duration]bool{}
		for i := range len(calls) - 1 {
			gap := calls[i+1] - calls[i]
			require.Greater(t, gap, time.Minute)
			require.LessOrEqual(t, gap, 66*time.Second+1)
			gaps[gap] = true
		}
		assert.Greater(t, len(gaps), 50)
		s := h.Stats().Breaker
		assert.Equal(t, uint64(len(calls)), s.Opened)
		assert.Equal(t, uint64(len(calls)-1), s.HalfOpened)
		next.Heal()
		require.NoError(t, h.Close())
	})
}

func TestResetBreaker(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, asynchandler.WithBreaker(gobreaker.Settings{Timeout: time.Hour}))
		logEach(h, "a", "b", "c", "d", "e")
		time.Sleep(time.Minute)
		require.Equal(t, "open", h.Stats().Breaker.State)
		next.Heal()
		derived := h.WithGroup("g").(*asynchandler.Handler)
		derived.ResetBreaker()
		assert.Equal(t, asynchandler.BreakerStats{State: "closed", Opened: 1, Closed: 1}, h.Stats().Breaker)
		synctest.Wait()
		assert.Equal(t, []string{"a", "b", "c", "d", "e"}, next.got.Messages(), "tried at once")
		h.ResetBreaker()
		assert.Equal(t, uint64(1), h.Stats().Breaker.Closed, "it was closed already")
		require.NoError(t, h.Close())
		h.ResetBreaker()
	})
}

func TestWithoutBreaker(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		next := newClockedNext(errRefused)
		h := asynchandler.New(next, quiet, asynchandler.WithBreaker(gobreaker.Settings{}), asynchandler.WithoutBreaker())
		logEach(h, "a", "b")
		time.Sleep(time.Minute)
		assert.Equal(t, 6, next.Calls(), "three times each")
		s := h.Stats()
		assert.Equal(t, uint64(2), s.Failed)
		assert.Equal(t, asynchandler.BreakerStats{State: "off"}, s.Breaker)
		h.ResetBreaker()
		assert.Equal(t, asynchandler.BreakerStats{State: "off"}, h.Stats().Breaker)
		require.NoError(t, h.Close())
	})
}

// The whole cost of delivering records with and without a breaker, in one run.
func BenchmarkBreaker(b *testing.B) {
	for _, tt := range []struct {
		name string
		opt  asynchandler.Option
	}{
		{"with", asynchandler.WithBreaker(gobreaker.Settings{})},
		{"without", asynchandler.WithoutBreaker()},
	} {
		b.Run(tt.name, func(b *testing.B) {
			h := asynchandler.NewJSONHandler(io.Discard, nil, tt.opt)
			defer h.Close()
			l, ctx := slog.New(h), context.Background()
			b.ReportAllocs()
			for b.Loop() {
				for range 1000 {
					l.LogAttrs(ctx, slog.LevelInfo, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Millisecond))
				}
				if err := h.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The second outage opens the breaker as the first one did, although nothing has come since
// then: those that failed in the first one count again.
func TestBreakerOpensAgainForTheSameRecords(t *testing.T) { // P7
	for _, how := range []string{"next takes one record", "ResetBreaker"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var takes atomic.Int64
				h := asynchandler.New(testsink.Func(func(context.Context, slog.Record) error {
					if takes.Add(-1) >= 0 {
						return nil
					}
					return testsink.ErrFault
				}), quiet)
				for range 20 {
					slog.New(h).Info("m")
				}
				time.Sleep(12 * time.Second)
				if how == "ResetBreaker" {
					h.ResetBreaker()
				} else {
					takes.Store(1)
				}
				time.Sleep(time.Minute)
				assert.Equal(t, "open", h.Stats().Breaker.State)
				takes.Store(1000)
				require.NoError(t, h.Close())
			})
		})
	}
}
