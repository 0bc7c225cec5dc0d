package ring

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evict returns what Evict dropped.
func evict(r *Ring[int], n int) []int {
	dropped := []int{}
	if r.Evict(n, isProtected, func(v *int) { dropped = append(dropped, *v) }) != len(dropped) {
		panic("Evict counted wrongly")
	}
	return dropped
}

func TestTake(t *testing.T) {
	for _, tt := range []struct {
		name string
		n    int
		want []int
	}{
		{"less than nothing", -1, []int{9}},
		{"nothing", 0, []int{9}},
		{"part of the side list", 1, []int{9, 100}},
		{"the side list", 2, []int{9, 100, 101}},
		{"the side list and a slot", 3, []int{9, 100, 101, 3}},
		{"all", 4, []int{9, 100, 101, 3, 4}},
		{"more than there is", 5, []int{9, 100, 101, 3, 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New[int](4)
			push(t, r, 100, 101, 1, 3)
			require.Equal(t, []int{1}, evict(r, 1))
			push(t, r, 4)
			require.Equal(t, 2, r.SideLen())

			assert.Equal(t, tt.want, r.Take([]int{9}, tt.n), "appended")
			assert.Equal(t, 4-(len(tt.want)-1), r.Len())
			requireSound(t, r)
		})
	}
}

func TestDrain(t *testing.T) {
	for n, want := range [][]int{{}, {100}, {100, 101}, {100, 101, 3}, {100, 101, 3, 4}, {100, 101, 3, 4}} {
		r := New[int](4)
		push(t, r, 100, 101, 1, 3)
		require.Equal(t, []int{1}, evict(r, 1))
		push(t, r, 4)

		dropped := []int{}
		assert.Equal(t, len(want), r.Drain(n, func(v *int) { dropped = append(dropped, *v) }))
		assert.Equal(t, want, dropped)
		assert.Equal(t, 4-len(want), r.Len())
		requireSound(t, r)
	}
	assert.Zero(t, New[int](1).Drain(-1, nil))
}

func TestReturnPutsInFront(t *testing.T) {
	r := New[int](8)
	push(t, r, 1, 2, 3, 4)
	batch := r.Take(nil, 3)
	r.Return(batch[1:])
	assert.Equal(t, []int{2, 3, 4}, waiting(r))
	requireSound(t, r)

	clear(batch)
	assert.Equal(t, []int{2, 3, 4}, waiting(r), "the slice is not kept")

	r.Return([]int{1})
	r.Return(nil)
	assert.Equal(t, []int{1, 2, 3, 4}, waiting(r))
	assert.Equal(t, 3, r.SideLen())
	requireSound(t, r)
	push(t, r, 5)
	assert.Equal(t, []int{1, 2, 3, 4, 5}, r.Take(nil, 8))
}

func TestReturnAboveTheCapacity(t *testing.T) {
	for _, tt := range []struct {
		name   string
		remove func(r *Ring[int])
	}{
		{"Take", func(r *Ring[int]) { r.Take(nil, 1) }},
		{"Evict", func(r *Ring[int]) { evict(r, 1) }},
		{"Drain", func(r *Ring[int]) { r.Drain(1, func(*int) {}) }},
		{"EvictOldest", func(r *Ring[int]) { r.EvictOldest(func(*int) {}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New[int](4)
			push(t, r, 1, 2, 3, 4)
			batch := r.Take(nil, 4)
			push(t, r, 5, 6, 7, 8)
			r.Return(batch)
			require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, waiting(r))
			for removed := range 5 {
				require.Equal(t, 8-removed, r.Len())
				require.Equal(t, waiting(r), []int{1, 2, 3, 4, 5, 6, 7, 8}[removed:])
				requireSound(t, r)
				_, _, status := r.Reserve()
				require.Equal(t, Full, status)
				tt.remove(r)
			}
			push(t, r, 9)
			require.True(t, r.Full())
			require.Equal(t, []int{6, 7, 8, 9}, r.Take(nil, 8))
		})
	}
}

func TestEvict(t *testing.T) {
	for _, tt := range []struct {
		name     string
		items    []int
		returned int // how many of them were taken and returned before
		n        int
		dropped  []int
		left     []int
		side     int
		loose    int
	}{
		{"nothing there", []int{}, 0, 1, []int{}, []int{}, 0, 0},
		{"none wanted", []int{1}, 0, 0, []int{}, []int{1}, 0, 0},
		{"the oldest", []int{1, 2, 3}, 0, 2, []int{1, 2}, []int{3}, 0, 0},
		{"more than there are", []int{1, 2, 3}, 0, 9, []int{1, 2, 3}, []int{}, 0, 0},
		{"past protected ones", []int{100, 1, 101, 2, 102, 3}, 0, 2, []int{1, 2}, []int{100, 101, 102, 3}, 2, 0},
		{"only protected ones", []int{100, 101, 102}, 0, 1, []int{}, []int{100, 101, 102}, 3, 0},

		{"of returned ones none", []int{1, 2, 3}, 3, 0, []int{}, []int{1, 2, 3}, 3, 3},
		{"returned ones", []int{1, 2, 3}, 3, 2, []int{1, 2}, []int{3}, 1, 1},
		{"all returned ones", []int{1, 2, 3}, 2, 2, []int{1, 2}, []int{3}, 0, 0},
		{"returned ones and a slot", []int{1, 2, 3, 4}, 2, 3, []int{1, 2, 3}, []int{4}, 0, 0},
		{"returned ones past protected ones", []int{100, 1, 101, 2, 3}, 4, 1, []int{1}, []int{100, 101, 2, 3}, 3, 3},
		{"returned ones, the last one too", []int{100, 1, 101, 2}, 4, 2, []int{1, 2}, []int{100, 101}, 2, 2},
		{"returned ones that are protected", []int{100, 101, 1, 2}, 2, 1, []int{1}, []int{100, 101, 2}, 2, 0},
		{"protected ones on both sides", []int{100, 1, 101, 2, 3}, 2, 2, []int{1, 2}, []int{100, 101, 3}, 2, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New[int](8)
			push(t, r, tt.items...)
			r.Return(r.Take(nil, tt.returned))

			assert.Equal(t, tt.dropped, evict(r, tt.n))
			assert.Equal(t, tt.left, waiting(r))
			assert.Equal(t, tt.side, r.SideLen())
			assert.Equal(t, tt.loose, r.loose)
			requireSound(t, r)
		})
	}
}

// Returned elements are looked at until it is known which are protected, also if
// they are evicted one by one, and more are returned in between.
func TestEvictReturnedOnesInParts(t *testing.T) {
	r := New[int](8)
	push(t, r, 100, 1, 101, 2, 102, 3, 103, 4)
	batch := r.Take(nil, 6)
	r.Return(batch[4:])
	require.Equal(t, []int{3}, evict(r, 1))
	r.Return(batch[:4])
	require.Equal(t, []int{100, 1, 101, 2, 102, 103, 4}, waiting(r))

	require.Equal(t, []int{1}, evict(r, 1))
	requireSound(t, r)
	require.Equal(t, []int{100}, r.Take(nil, 1), "one of those looked at")
	requireSound(t, r)
	require.Equal(t, []int{2}, evict(r, 1))
	require.Equal(t, []int{101, 102, 103, 4}, waiting(r))
	requireSound(t, r)
	require.Equal(t, []int{4}, evict(r, 1))
	require.Equal(t, []int{101, 102, 103}, waiting(r))
	require.Zero(t, r.loose)
	require.Empty(t, evict(r, 1))
	require.Equal(t, []int{101, 102, 103}, r.Take(nil, 8))
	require.Nil(t, r.side, "its memory is let go")
	requireSound(t, r)
}

func TestEvictDoesNotLookTwiceAtProtectedOnes(t *testing.T) {
	r := New[int](8)
	push(t, r, 100, 101, 102, 103)
	r.Return(r.Take(nil, 2))
	looks := 0
	for range 3 {
		r.Evict(1, func(*int) bool { looks++; return true }, func(*int) {})
	}
	assert.Equal(t, 4, looks)
	assert.Equal(t, []int{100, 101, 102, 103}, waiting(r))
}

func TestEvictOldest(t *testing.T) {
	r := New[int](8)
	push(t, r, 100, 101, 1, 2, 102)
	require.Equal(t, []int{1}, evict(r, 1))
	r.Return([]int{9})
	var dropped []int
	for r.EvictOldest(func(v *int) { dropped = append(dropped, *v) }) {
		requireSound(t, r)
	}
	assert.Equal(t, []int{9, 100, 101, 2, 102}, dropped, "protected or not")
	assert.Zero(t, r.Len())
	assert.Zero(t, r.loose)
	requireSound(t, r)
}
