package membudget_test

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/membudget"
)

func TestBudgetNeverExceedsItsLimit(t *testing.T) {
	b := membudget.New(100, membudget.Options{})
	assert.Equal(t, int64(100), b.Limit())

	require.True(t, b.TryAcquire(60))
	assert.False(t, b.TryAcquire(41))
	assert.Equal(t, int64(60), b.Used(), "a refused acquire takes nothing")
	require.True(t, b.TryAcquire(40))
	assert.True(t, b.TryAcquire(0), "nothing always fits")
	assert.False(t, b.TryAcquire(1))
	assert.False(t, b.TryAcquire(math.MaxInt64))

	b.Release(0)
	b.Release(70)
	assert.Equal(t, int64(30), b.Used())
	assert.Equal(t, int64(100), b.Peak())
	b.Release(30)
	assert.Zero(t, b.Used())
	assert.Equal(t, int64(100), b.Peak(), "the peak stays")
}

func TestBudgetOfTheLargestLimit(t *testing.T) {
	b := membudget.New(math.MaxInt64, membudget.Options{})
	s := b.Join()
	require.True(t, s.TryAcquire(math.MaxInt64))
	assert.False(t, s.TryAcquire(1))
	assert.False(t, b.TryAcquire(1))
	s.Release(math.MaxInt64)
	assert.Zero(t, b.Used())
}

func TestMisusePanics(t *testing.T) {
	b := membudget.New(100, membudget.Options{})
	s := b.Join()
	require.True(t, s.TryAcquire(10))
	tests := []struct {
		name string
		call func()
		want string
	}{
		{"limit of zero", func() { membudget.New(0, membudget.Options{}) }, "membudget: New(0): want a limit >= 1"},
		{"negative limit", func() { membudget.New(-5, membudget.Options{}) }, "membudget: New(-5): want a limit >= 1"},
		{"negative acquire", func() { b.TryAcquire(-1) }, "membudget: TryAcquire(-1): want n >= 0"},
		{"negative release", func() { s.Release(-2) }, "membudget: Release(-2): want n >= 0"},
		{"share releases more than it holds", func() { s.Release(11) }, "membudget: Release(11): only 10 bytes are held"},
		{"budget releases what a share holds", func() { b.Release(1) }, "membudget: Release(1): only 0 bytes are held"},
		{"fraction of zero", func() { membudget.SystemLimit(0) }, "membudget: SystemLimit(0): want a fraction in (0, 1]"},
		{"fraction above one", func() { membudget.SystemLimit(1.5) }, "membudget: SystemLimit(1.5): want a fraction in (0, 1]"},
		{"no number", func() { membudget.SystemLimit(math.NaN()) }, "membudget: SystemLimit(NaN): want a fraction in (0, 1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.PanicsWithValue(t, tt.want, tt.call)
			assert.Equal(t, int64(10), b.Used(), "misuse changes nothing")
		})
	}
}

func TestSystemLimitIsAUsableLimit(t *testing.T) {
	whole, half := membudget.SystemLimit(1), membudget.SystemLimit(0.5)
	assert.InDelta(t, whole/2, half, 1)
	assert.Equal(t, half, membudget.New(half, membudget.Options{}).Limit())
}

func TestOnExceededIsEdgeTriggered(t *testing.T) {
	type call struct{ used, limit int64 }
	var calls []call
	b := membudget.New(100, membudget.Options{OnExceeded: func(used, limit int64) {
		calls = append(calls, call{used, limit})
	}})

	assert.False(t, b.TryAcquire(101))
	assert.Empty(t, calls, "more than the limit is no sign of a full budget")
	require.True(t, b.TryAcquire(90))
	require.True(t, b.TryAcquire(10))
	assert.Empty(t, calls, "full is not exceeded")
	for range 3 {
		assert.False(t, b.TryAcquire(1))
	}
	assert.Equal(t, []call{{100, 100}}, calls)

	b.Release(49) // 51 in use
	assert.False(t, b.TryAcquire(50))
	assert.Len(t, calls, 1, "still above half")

	b.Release(1) // 50 in use
	assert.False(t, b.TryAcquire(60))
	assert.Equal(t, []call{{100, 100}, {50, 100}}, calls)
}

func TestTryAgainIsSilent(t *testing.T) {
	b := membudget.New(100, membudget.Options{OnExceeded: func(_, _ int64) { t.Error("called") }})
	s := b.Join()
	require.True(t, s.TryAgain(90))
	assert.False(t, s.TryAgain(11))
	assert.True(t, s.TryAgain(10))
	assert.Equal(t, int64(100), b.Used())
	s.Release(100)
	s.Leave()
	assert.False(t, s.TryAgain(1))
	assert.Panics(t, func() { s.TryAgain(-1) })
}

func TestOnExceededHearsOfSharesToo(t *testing.T) {
	calls := 0
	b := membudget.New(100, membudget.Options{OnExceeded: func(int64, int64) { calls++ }})
	s := b.Join()
	require.True(t, s.TryAcquire(100))
	assert.False(t, s.TryAcquire(1))
	assert.Equal(t, 1, calls)
	s.Leave()
	s.Release(100)
	assert.False(t, s.TryAcquire(1))
	assert.Equal(t, 1, calls, "a share that left is refused for another reason")
}

func TestOnExceededMayUseTheBudgetAndPanic(t *testing.T) {
	var b *membudget.Budget
	b = membudget.New(100, membudget.Options{OnExceeded: func(int64, int64) {
		b.Join().Leave()
		b.Release(60)
		b.TryAcquire(100) // refused again: must not recurse for ever
		panic("observer")
	}})
	require.True(t, b.TryAcquire(100))
	assert.False(t, b.TryAcquire(50))
	assert.True(t, b.TryAcquire(60))
}

// Goroutines of several shares and of none take and give back at random while shares come
// and go. No byte may be lost or made, and the sum of what they hold may never exceed the
// limit.
func TestBudgetConcurrentSafe(t *testing.T) {
	const limit, workers, rounds = 1000, 8, 3000
	b := membudget.New(limit, membudget.Options{OnExceeded: func(used, _ int64) {
		assert.LessOrEqual(t, used, int64(limit))
	}})
	shared := b.Join()
	var held atomic.Int64 // by all workers: lowered before each release, raised after each acquire
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			user := user{b, shared}[w%2]
			if w >= workers/2 {
				own := b.Join()
				defer own.Leave()
				user = own
			}
			hammer(t, user, uint64(w), rounds, &held, limit)
		})
	}
	stop := make(chan struct{})
	var churn sync.WaitGroup
	churn.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s := b.Join()
				taken := s.TryAcquire(7)
				s.Leave()
				if taken {
					s.Release(7)
				}
				runtime.Gosched()
			}
		}
	})
	wg.Wait()
	close(stop)
	churn.Wait()

	assert.Zero(t, held.Load())
	assert.Zero(t, shared.Used())
	assert.Zero(t, b.Used())
	assert.LessOrEqual(t, b.Peak(), int64(limit))
	shared.Leave()
	assert.True(t, b.TryAcquire(limit), "all bytes are back")
}
