package async_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/goid"
)

func TestHighWater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []string
		var goroutines []uint64
		h, gate, _ := newStuck(t, async.Options{
			Capacity: 8, BatchSize: 1, HighWater: 0.5,
			OnHighWater: func(depth, capacity int) {
				calls = append(calls, fmt.Sprint(depth, " of ", capacity))
				goroutines = append(goroutines, goid.ID())
			},
		})
		deliver := func(n int) {
			for range n {
				gate.Step()
				synctest.Wait()
			}
		}
		sayEach := func(h slog.Handler, msgs ...string) {
			sayEach(h, msgs...)
			synctest.Wait() // it is called on a goroutine of its own
		}
		sayEach(h, "2", "3") // with the one inside next
		require.Empty(t, calls)
		sayEach(h, "4")
		require.Equal(t, []string{"4 of 8"}, calls)
		sayEach(h, "5", "6")
		require.Len(t, calls, 1, "once")
		deliver(4)
		require.Equal(t, 2, h.Stats().Depth)
		sayEach(h, "3", "4", "5")
		require.Len(t, calls, 1, "half of the mark is not below half of it")
		deliver(4)
		require.Equal(t, 1, h.Stats().Depth)
		sayEach(h, "2", "3")
		require.Len(t, calls, 1)
		sayEach(h, "4")
		require.Equal(t, []string{"4 of 8", "4 of 8"}, calls)
		assert.NotContains(t, goroutines, goid.ID(), "not on the caller")
	})
}

// A fraction of the capacity that is no whole number is reached by the next one.
func TestHighWaterBetweenTwoDepths(t *testing.T) {
	for fraction, at := range map[float64]int{0.01: 1, 0.25: 2, 0.26: 3, 0.3: 3, 0.99: 8, 1: 8} {
		bubble(t, fmt.Sprint(fraction), func(t *testing.T) {
			var calls []int
			h, gate, _ := newStuck(t, async.Options{
				Capacity: 8, HighWater: fraction,
				OnHighWater: func(depth, _ int) { calls = append(calls, depth) },
			})
			for range 7 {
				sayEach(h, "m")
				synctest.Wait() // it is called on a goroutine of its own
			}
			drain(t, h, gate)
			assert.Equal(t, []int{at}, calls)
		})
	}
}

// A queue that overflows stays above the mark: one call.
func TestHighWaterWhileOverflowing(t *testing.T) {
	for _, fraction := range []float64{0.01, 0.5, 1} {
		bubble(t, fmt.Sprint(fraction), func(t *testing.T) {
			calls := 0
			h, _, _ := newStuck(t, async.Options{
				Capacity: 4, HighWater: fraction, OnHighWater: func(int, int) { calls++ },
			})
			sayEach(h, counted("m", 100)...)
			synctest.Wait()
			assert.Equal(t, 1, calls)
		})
	}
}

func TestHighWaterPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{
			Capacity: 2, HighWater: 1, OnHighWater: func(int, int) { panic(errors.New("boom")) },
		})
		require.Empty(t, sayEach(h, "m"))
		synctest.Wait()
		assert.Equal(t, uint64(1), h.Stats().Panics)
		drain(t, h, gate)
		assert.Equal(t, []string{"inside", "m"}, rec.Messages())
	})
}
