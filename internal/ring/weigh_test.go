package ring

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func weigh(v *int) (weight int64, protected bool) { return int64(max(*v, -*v)), isProtected(v) }

// requireSoundScale checks that the sums are those of the elements that were looked at.
func requireSoundScale(t testing.TB, r *Ring[int]) {
	if r.scale.weigh == nil {
		return
	}
	want := scale[int]{weigh: r.scale.weigh}
	for i := range r.side {
		want.add(&r.side[i].v, i >= r.loose, 1)
	}
	for pos := r.Head(); pos < r.scale.seen; pos++ {
		want.add(r.at(pos), false, 1)
	}
	same(t, want.evictable, r.scale.evictable)
	same(t, want.protected, r.scale.protected)
}

func TestEnough(t *testing.T) {
	type answer struct{ enough, stuck bool }
	ask := func(r *Ring[int], least int64, protected bool) (a answer) {
		a.enough, a.stuck = r.Enough(least, protected)
		requireSound(t, r)
		return a
	}
	yes, no, stuck := answer{enough: true}, answer{}, answer{stuck: true}

	r := New[int](8)
	r.Weigh(weigh)
	assert.Equal(t, yes, ask(r, 0, false))
	assert.Equal(t, no, ask(r, 1, true))
	push(t, r, 1, 100, 2)
	assert.Equal(t, yes, ask(r, 3, false))
	assert.Equal(t, no, ask(r, 4, false))
	assert.Equal(t, yes, ask(r, 103, true))
	assert.Equal(t, no, ask(r, 104, true))

	pos, v, _ := r.Reserve()
	push(t, r, 5)
	assert.Equal(t, yes, ask(r, 3, false))
	assert.Equal(t, stuck, ask(r, 4, false))
	*v = 4
	r.Publish(pos)
	assert.Equal(t, yes, ask(r, 4, false))
	assert.Equal(t, yes, ask(r, 12, false))
	assert.Equal(t, no, ask(r, 13, false))

	require.Equal(t, []int{1, 2}, evict(r, 2))
	assert.Equal(t, yes, ask(r, 9, false))
	assert.Equal(t, no, ask(r, 10, false))
	assert.Equal(t, yes, ask(r, 109, true))
	r.Return(r.Take(nil, 2))
	assert.Equal(t, no, ask(r, 10, false))
	assert.Equal(t, yes, ask(r, 109, true))
	assert.Equal(t, 3, r.Drain(9, func(*int) {}))
	assert.Equal(t, no, ask(r, 1, true))
}

// What was protected by another rule is, as long as Evict has set it aside.
func TestWeighAgain(t *testing.T) {
	r := New[int](8)
	r.Weigh(weigh)
	push(t, r, 100, 1, 101, 2)
	require.Equal(t, []int{1}, evict(r, 1))
	r.Return([]int{102})
	_, _ = r.Enough(1000, true)
	requireSound(t, r)

	r.Weigh(func(v *int) (int64, bool) { return int64(*v), false })
	for sum, protected := range map[int64]bool{102 + 101 + 2: false, 102 + 100 + 101 + 2: true} {
		enough, _ := r.Enough(sum, protected)
		assert.True(t, enough)
		enough, _ = r.Enough(sum+1, protected)
		assert.False(t, enough)
	}
	requireSound(t, r)
}

// However many wait, and however often somebody asks, each is looked at once.
func TestEnoughLooksAtEachOnce(t *testing.T) {
	const n = 10 * segmentLen
	r, looks := New[int](2*n), 0
	r.Weigh(func(v *int) (int64, bool) {
		looks++
		return weigh(v)
	})
	push(t, r, 1)
	for i := range n {
		push(t, r, firstProtected+i)
		enough, _ := r.Enough(2, false)
		require.False(t, enough)
	}
	require.Equal(t, n+1, looks)
	for range n {
		_, _ = r.Enough(2, false)
	}
	require.Equal(t, n+1, looks)

	looks = 0
	require.Equal(t, []int{1}, evict(r, 1))
	require.Empty(t, evict(r, 1), "all that is protected is set aside")
	r.Return(r.Take(nil, 1))
	for range n {
		_, _ = r.Enough(2, false)
	}
	assert.Equal(t, 3, looks, "what left, was taken and came back")
}
