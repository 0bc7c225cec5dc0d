package ring

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Most tests have numbers as elements. Those from 100 on are protected; 0 is what
// a cleared place holds.
const firstProtected = 100

func isProtected(v *int) bool { return *v >= firstProtected }

// startingAt returns an empty ring whose first position is pos.
func startingAt[T any](capacity int, pos uint64) *Ring[T] {
	r := New[T](capacity)
	r.tail.Store(pos << 1)
	r.head.Store(pos)
	r.advance(pos)
	return r
}

func push(t testing.TB, r *Ring[int], items ...int) {
	t.Helper()
	for _, item := range items {
		pos, v, status := r.Reserve()
		require.Equal(t, Reserved, status)
		*v = item
		r.Publish(pos)
	}
}

// waiting returns the elements in their order, 0 for one that is not filled yet.
func waiting(r *Ring[int]) []int {
	items := []int{}
	for _, e := range r.side {
		items = append(items, e.v)
	}
	for pos := r.Head(); pos != r.Tail(); pos++ {
		items = append(items, r.directory.segment(pos).slot(pos).v)
	}
	return items
}

// requireSound checks what is true of every ring that nobody is working on.
func requireSound(t testing.TB, r *Ring[int]) {
	head, tail := r.Head(), r.Tail()
	same(t, true, tail-head <= uint64(r.Cap()))
	same(t, len(waiting(r)), r.Len())
	same(t, r.Len() >= r.Cap(), r.Full())
	requireSoundDirectory(t, r)
	for _, e := range r.side[len(r.side):cap(r.side)] {
		same(t, aside[int]{}, e)
	}
	requireSoundScale(t, r)
	for _, e := range r.side[r.loose:] { // an eviction does not look at them again
		same(t, true, isProtected(&e.v))
	}
}

func TestNewRoundsTheCapacityUp(t *testing.T) {
	for _, tt := range []struct{ capacity, want int }{
		{1, 1}, {2, 2}, {3, 4}, {4, 4}, {5, 8}, {1000, 1024}, {1024, 1024}, {1025, 2048},
	} {
		t.Run(fmt.Sprint(tt.capacity), func(t *testing.T) {
			r := New[int](tt.capacity)
			assert.Equal(t, tt.want, r.Cap())
			requireSound(t, r)
		})
	}
	for _, capacity := range []int{0, -1, math.MinInt} {
		assert.PanicsWithValue(t, "ring: capacity below 1", func() { New[int](capacity) })
	}
}

func TestFillAndEmptyForSeveralLaps(t *testing.T) {
	for _, start := range []uint64{0, blockSpan - 5, math.MaxUint32 - 5, math.MaxInt64 - 1000} {
		for _, capacity := range []int{1, 2, 3, 4} {
			for left := range capacity { // elements that stay, so that laps begin at every slot
				t.Run(fmt.Sprintf("from %d, capacity %d, %d left", start, capacity, left), func(t *testing.T) {
					fillAndEmpty(t, startingAt[int](capacity, start), left)
				})
			}
		}
	}
}

func fillAndEmpty(t *testing.T, r *Ring[int], left int) {
	start, pushed, taken := r.Head(), 0, 0
	for range 5 * r.Cap() {
		for r.Len() < r.Cap() {
			require.False(t, r.Full())
			pushed++
			push(t, r, pushed)
			require.Equal(t, pushed-taken, r.Len())
			require.Equal(t, start+uint64(pushed), r.Tail())
		}
		requireSound(t, r)
		_, v, status := r.Reserve()
		require.Equal(t, Full, status)
		require.Nil(t, v)
		require.Equal(t, start+uint64(pushed), r.Tail())

		for _, item := range r.Take(nil, r.Cap()-left) {
			taken++
			require.Equal(t, taken, item)
		}
		require.Equal(t, left, r.Len())
		require.Equal(t, start+uint64(taken), r.Head())
		requireSound(t, r)
	}
	require.Len(t, r.Take(nil, left+1), left)
	require.Zero(t, r.Len())
	require.Empty(t, r.Take(nil, 1))
	requireSound(t, r)
}

func TestSeal(t *testing.T) {
	r := New[int](2)
	push(t, r, 1)
	pos, v, status := r.Reserve()
	require.Equal(t, Reserved, status)

	assert.False(t, r.Sealed())
	assert.True(t, r.Seal(), "this call sealed")
	assert.False(t, r.Seal(), "it was sealed before")
	assert.True(t, r.Sealed())
	_, _, status = r.Reserve()
	assert.Equal(t, Sealed, status, "full as well")
	assert.Equal(t, uint64(2), r.Tail())
	assert.Equal(t, 2, r.Len())

	*v = 2
	r.Publish(pos)
	assert.Equal(t, []int{1, 2}, r.Take(nil, 2), "what was reserved before comes out")
	_, v, status = r.Reserve()
	assert.Equal(t, Sealed, status)
	assert.Nil(t, v)
	assert.Zero(t, r.Len())
	requireSound(t, r)
}

func TestNothingPassesAnUnpublishedElement(t *testing.T) {
	for _, tt := range []struct {
		name    string
		remove  func(r *Ring[int]) any
		nothing any // what it returns then
		all     any // and once the element is published
	}{
		{"Take", func(r *Ring[int]) any { return len(r.Take(nil, 4)) }, 0, 2},
		{"Evict", func(r *Ring[int]) any { return r.Evict(4, isProtected, func(*int) {}) }, 0, 2},
		{"Drain", func(r *Ring[int]) any { return r.Drain(4, func(*int) {}) }, 0, 2},
		{"EvictOldest", func(r *Ring[int]) any { return r.EvictOldest(func(*int) {}) }, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New[int](4)
			require.Equal(t, tt.nothing, tt.remove(r), "the ring is empty")
			require.False(t, r.Stuck())

			pos, v, _ := r.Reserve()
			push(t, r, 2)
			require.Equal(t, tt.nothing, tt.remove(r))
			require.False(t, r.Ready())
			require.True(t, r.Stuck())
			require.Equal(t, 2, r.Len())

			*v = 1
			r.Publish(pos)
			require.True(t, r.Ready())
			require.True(t, r.Stuck(), "the removal before found nothing, so this may not change the answer")
			require.Equal(t, tt.all, tt.remove(r))
			requireSound(t, r)
		})
	}
}

func TestRemovalStopsAtAnUnpublishedElement(t *testing.T) {
	r := New[int](8)
	push(t, r, 1, 100)
	pos, v, _ := r.Reserve()
	push(t, r, 4)

	assert.Equal(t, []int{1}, evict(r, 3))
	assert.Equal(t, 1, r.SideLen())
	assert.Equal(t, []int{100, 0, 4}, waiting(r))
	assert.Equal(t, []int{100}, r.Take(nil, 8))
	assert.Empty(t, r.Take(nil, 8))
	*v = 3
	r.Publish(pos)
	assert.Equal(t, []int{3, 4}, r.Take(nil, 8))
}

// Who is about to sleep asks Ready. It would sleep for ever if it were told of the
// slots only: an eviction can move all there is to the side list.
func TestReadyKnowsOfTheSideList(t *testing.T) {
	r := New[int](2)
	assert.False(t, r.Ready())
	push(t, r, 100, 101)
	assert.True(t, r.Ready())
	assert.Empty(t, evict(r, 1))
	require.Equal(t, 2, r.SideLen())
	assert.True(t, r.Ready())
	assert.False(t, r.Stuck(), "the eviction looked at all there is")
	assert.True(t, r.Full())

	r.Take(nil, 2)
	assert.False(t, r.Ready())
	r.Return([]int{1, 2, 3})
	assert.True(t, r.Ready())
	r.Take(nil, 3)
	assert.False(t, r.Ready())
}

// What left the ring, on whatever way, must not be kept alive by it.
// More may be lent than there are slots, and Ready tells the truth all the same.
func TestReadyWhateverIsLent(t *testing.T) {
	for lent := range 4 {
		r := New[int](2)
		r.Lend(lent)
		assert.False(t, r.Ready(), "lent %d", lent)
		r.Return([]int{1})
		assert.True(t, r.Ready(), "lent %d, one in the side list", lent)
		r.Take(nil, 1)
		assert.False(t, r.Ready(), "lent %d, none left", lent)
	}
}

func TestRemovedElementsAreLetGo(t *testing.T) {
	type ring = Ring[*[64]byte]
	all := func(**[64]byte) bool { return true }
	none := func(**[64]byte) bool { return false }
	drop := func(**[64]byte) {}
	for _, tt := range []struct {
		name   string
		remove func(r *ring)
	}{
		{"Take", func(r *ring) { r.Take(nil, 2) }},
		{"Evict", func(r *ring) { r.Evict(2, none, drop) }},
		{"Drain", func(r *ring) { r.Drain(2, drop) }},
		{"EvictOldest", func(r *ring) { r.EvictOldest(drop); r.EvictOldest(drop) }},
		{"Evict to the side list, Take", func(r *ring) { r.Evict(1, all, drop); r.Take(nil, 2) }},
		{"Evict to the side list, EvictOldest", func(r *ring) { r.Evict(1, all, drop); r.EvictOldest(drop); r.EvictOldest(drop) }},
		{"Return, Take", func(r *ring) { r.Return(r.Take(nil, 3)); r.Take(nil, 2) }},
		{"Return, Evict", func(r *ring) { r.Return(r.Take(nil, 3)); r.Evict(2, none, drop) }},
		{"Return, Drain", func(r *ring) { r.Return(r.Take(nil, 3)); r.Drain(2, drop) }},
		{"Return, EvictOldest", func(r *ring) { r.Return(r.Take(nil, 3)); r.EvictOldest(drop); r.EvictOldest(drop) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New[*[64]byte](4)
			var refs []weak.Pointer[[64]byte]
			for range 3 {
				pos, v, _ := r.Reserve()
				*v = new([64]byte)
				refs = append(refs, weak.Make(*v))
				r.Publish(pos)
			}
			tt.remove(r)
			runtime.GC()
			assert.Nil(t, refs[0].Value())
			assert.Nil(t, refs[1].Value())
			assert.NotNil(t, refs[2].Value(), "still waits")
			assert.Equal(t, 1, r.Len())
			runtime.KeepAlive(r)
		})
	}
}
