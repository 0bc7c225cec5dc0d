package course_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

// load is a record of a weight.
type load struct {
	weight    int64
	protected bool
}

func (l *load) scaled() (int64, bool) { return l.weight, l.protected }

// evictable lists what Evict may remove, as one that looks at all would.
func evictable(c *course.Course[load], protected bool) (seqs []uint64, weight int64) {
	for i := range c.Len() {
		h := c.At(i)
		if !h.Torn() && !h.Stored && (protected || !h.Value.protected) {
			seqs = append(seqs, h.Seq)
			weight += h.Value.weight
		}
	}
	return seqs, weight
}

func seqs(c *course.Course[load]) (seqs []uint64) {
	for i := range c.Len() {
		seqs = append(seqs, c.At(i).Seq)
	}
	return seqs
}

// Whatever happens to those held, Weight and Evict know the same as one that looks at all.
func TestEvictRemovesTheOldestThatItMay(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		c, now := &course.Course[load]{MaxAttempts: 3}, time.Unix(0, 0)
		next := uint64(1)
		for step := range 100 {
			if step == 10 { // late: it finds some
				c.Weigh((*load).scaled)
			}
			at := 0
			if c.Len() > 0 {
				at = r.IntN(c.Len())
			}
			switch r.IntN(7) {
			case 0, 1:
				for range r.IntN(5) {
					c.Hold(course.Held[load]{Value: load{r.Int64N(100), r.IntN(2) == 0}, Seq: next, Stored: r.IntN(5) == 0})
					next++
				}
			case 2:
				if c.Len() > 0 {
					h := c.Take(nil, at, 1)[0]
					c.Failed(h, course.Failure{Torn: r.IntN(4) == 0}, now)
				}
			case 3:
				if c.Len() > 0 {
					c.Take(nil, at, 1+r.IntN(c.Len()-at))
				}
			case 4:
				c.Gone(r.Uint64N(next), func(*course.Held[load]) {})
			case 5:
				c.Remove(func(h *course.Held[load]) bool { return h.Seq%5 == 0 })
			case 6:
				if step > 10 {
					requireEvicts(t, c, r.IntN(2) == 0, r.IntN(4))
				}
			}
			if step >= 10 {
				for _, protected := range []bool{false, true} {
					_, want := evictable(c, protected)
					require.Equal(t, want, c.Weight(protected), "seed %d, step %d", seed, step)
				}
			}
		}
	}
}

// requireEvicts evicts up to n.
func requireEvicts(t *testing.T, c *course.Course[load], protected bool, n int) {
	t.Helper()
	out, _ := evictable(c, protected)
	out = out[:min(n, len(out))]
	left := slices.DeleteFunc(seqs(c), func(seq uint64) bool { return slices.Contains(out, seq) })
	dropped := 0
	require.Equal(t, len(out), c.Evict(protected, func() bool { return dropped < n }, func(*load) { dropped++ }))
	require.Equal(t, len(out), dropped)
	require.True(t, slices.Equal(left, seqs(c)), "%d are left, not %d", seqs(c), left)
}

// A flood that is refused asks again and again.
func TestNoRecordIsLookedAtToFindOutThatNoneCanBeEvicted(t *testing.T) {
	looks := 0
	c := &course.Course[load]{}
	for seq := range uint64(1000) {
		c.Hold(course.Held[load]{Value: load{1, true}, Seq: seq})
	}
	c.Weigh(func(l *load) (int64, bool) { looks++; return l.scaled() })
	require.Equal(t, 1000, looks)
	none := func() bool { assert.Fail(t, "there is none"); return false }
	for range 1000 {
		assert.Zero(t, c.Weight(false))
		assert.EqualValues(t, 1000, c.Weight(true))
		assert.Zero(t, c.Evict(false, none, nil))
	}
	assert.Equal(t, 1000, looks)
}

// To evict the oldest one costs the same, however many are held.
func BenchmarkEvict(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := &course.Course[load]{}
			c.Weigh((*load).scaled)
			seq := uint64(0)
			hold := func() {
				c.Hold(course.Held[load]{Seq: seq})
				seq++
			}
			for range n {
				hold()
			}
			for b.Loop() {
				left := 1
				c.Evict(false, func() bool { return left > 0 }, func(*load) { left-- })
				hold()
			}
		})
	}
}
