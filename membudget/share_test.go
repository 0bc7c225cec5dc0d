package membudget_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/membudget"
)

// acquirer is what a Budget and a Share have in common.
type acquirer interface {
	TryAcquire(n int64) bool
	Release(n int64)
}

type user = [2]acquirer

// hammer takes and gives back random amounts, and ends with nothing held.
func hammer(t *testing.T, u acquirer, seed uint64, rounds int, held *atomic.Int64, limit int64) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var mine []int64
	release := func() {
		n := mine[len(mine)-1]
		mine = mine[:len(mine)-1]
		held.Add(-n)
		u.Release(n)
	}
	for range rounds {
		if n := rnd.Int64N(limit / 4); rnd.IntN(2) == 0 && u.TryAcquire(n) {
			if sum := held.Add(n); sum > limit {
				assert.LessOrEqual(t, sum, limit)
			}
			mine = append(mine, n)
		} else if len(mine) > 0 {
			release()
		}
	}
	for len(mine) > 0 {
		release()
	}
}

// drain takes single bytes until it is refused.
func drain(u acquirer) (n int64) {
	for u.TryAcquire(1) {
		n++
	}
	return n
}

func TestShareHasItsGuaranteeHoweverGreedyTheOthersAre(t *testing.T) {
	b := membudget.New(120, membudget.Options{})
	greedy, modest, third := b.Join(), b.Join(), b.Join()
	assert.Equal(t, int64(80), drain(greedy), "its own 20 and the half that is for all")
	assert.Zero(t, drain(b), "nothing is left for those without a share")
	assert.Equal(t, int64(20), drain(modest))
	assert.Equal(t, int64(20), drain(third))
	assert.Equal(t, int64(120), b.Used())
	assert.Equal(t, int64(80), greedy.Used())
}

func TestOneShareCanUseTheWholeBudget(t *testing.T) {
	b := membudget.New(101, membudget.Options{})
	s := b.Join()
	assert.Equal(t, int64(101), drain(s))
	s.Release(101)
	assert.Equal(t, int64(51), drain(b), "all but what is kept for the share")
	assert.Equal(t, int64(50), drain(s))
}

func TestReleaseFillsTheReserveLast(t *testing.T) {
	b := membudget.New(100, membudget.Options{})
	first, second := b.Join(), b.Join()
	require.True(t, first.TryAcquire(75))
	first.Release(50) // all that came from the common half
	assert.Equal(t, int64(75), drain(second))
	assert.Zero(t, drain(first))
	first.Release(25)
	assert.Zero(t, drain(second), "the other's reserve")
	assert.Equal(t, int64(25), drain(first))
}

func TestNewcomerToAFullBudgetGetsItsGuaranteeAsOthersRelease(t *testing.T) {
	b := membudget.New(100, membudget.Options{})
	greedy := b.Join()
	require.True(t, greedy.TryAcquire(100))
	newcomer := b.Join()
	assert.False(t, newcomer.TryAcquire(1), "the limit is strict")

	greedy.Release(10)
	assert.False(t, greedy.TryAcquire(1), "what it released is owed to the newcomer")
	assert.Equal(t, int64(10), drain(newcomer))
	greedy.Release(25)
	assert.Equal(t, int64(10), drain(greedy), "the newcomer's guarantee is whole, so the rest is for who comes first")
	assert.Equal(t, int64(15), drain(newcomer))
	assert.Equal(t, int64(100), b.Used())
}

func TestNewcomerDoesNotTouchTheGuaranteeOfOlderShares(t *testing.T) {
	b := membudget.New(96, membudget.Options{})
	greedy, modest := b.Join(), b.Join()
	require.True(t, greedy.TryAcquire(72))
	newcomer := b.Join()
	assert.Equal(t, int64(8), drain(newcomer), "what modest's smaller reserve leaves over")
	assert.Equal(t, int64(16), drain(modest))
	greedy.Release(8)
	assert.Equal(t, int64(8), drain(newcomer))
}

func TestLeaveGivesTheGuaranteeBack(t *testing.T) {
	b := membudget.New(120, membudget.Options{})
	stays, leaves := b.Join(), b.Join()
	require.True(t, leaves.TryAcquire(90))
	leaves.Leave()
	leaves.Leave()
	assert.False(t, leaves.TryAcquire(1))
	assert.True(t, leaves.TryAcquire(0))
	assert.Equal(t, int64(90), leaves.Used())
	assert.Equal(t, int64(30), drain(stays), "the guarantee it had")

	leaves.Release(90)
	assert.Zero(t, leaves.Used())
	assert.Panics(t, func() { leaves.Release(1) })
	assert.Equal(t, int64(90), drain(stays))

	stays.Leave()
	stays.Release(120)
	assert.Equal(t, int64(120), drain(b), "without shares all is for all")
}

func TestMoreSharesThanBytes(t *testing.T) {
	b := membudget.New(3, membudget.Options{})
	for range 10 {
		defer b.Join().Leave()
	}
	assert.Equal(t, int64(3), drain(b.Join()))
}

// A share that never holds more than its guarantee must never be refused, while greedy ones
// take all they can get.
func TestGuaranteeConcurrentSafe(t *testing.T) {
	const limit, shares = 1 << 12, 4
	b := membudget.New(limit, membudget.Options{})
	modest := b.Join()
	stop := make(chan struct{})
	var greedy sync.WaitGroup
	for seed := range uint64(shares - 1) {
		s := b.Join()
		greedy.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, 2))
			for mine := int64(0); ; {
				select {
				case <-stop:
					s.Release(mine)
					return
				default:
				}
				if n := 1 + rnd.Int64N(limit/8); s.TryAcquire(n) {
					mine += n
				} else {
					n = rnd.Int64N(mine + 1)
					mine -= n
					s.Release(n)
				}
			}
		})
	}
	const guarantee, goroutines = limit / 2 / shares, 2
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for n := range int64(2000) {
				n %= guarantee/goroutines + 1
				if !modest.TryAcquire(n) {
					t.Errorf("refused %d bytes within the guarantee", n)
					return
				}
				modest.Release(n)
			}
		})
	}
	wg.Wait()
	close(stop)
	greedy.Wait()
	assert.Zero(t, b.Used())
}

// A newcomer gets its guarantee although the greedy ones never hold less than all they can get.
func TestNewcomerConcurrentSafe(t *testing.T) {
	const limit = 1000
	b := membudget.New(limit, membudget.Options{})
	stop := make(chan struct{})
	var greedy sync.WaitGroup
	for range 2 {
		s := b.Join()
		greedy.Go(func() {
			mine := drain(s)
			for {
				select {
				case <-stop:
					s.Release(mine)
					return
				default:
				}
				if mine > 0 {
					s.Release(1)
					mine--
				}
				mine += drain(s)
			}
		})
	}
	newcomer := b.Join()
	var got int64
	for got < limit/2/3 {
		if newcomer.TryAcquire(1) {
			got++
		}
	}
	close(stop)
	greedy.Wait()
	newcomer.Release(got)
	assert.Zero(t, b.Used())
}
