package ring

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// segments calls yield with each segment in the directory and its first position.
func segments[T any](r *Ring[T]) func(yield func(uint64, *segment[T]) bool) {
	return func(yield func(uint64, *segment[T]) bool) {
		for i := range r.directory.blocks {
			b := r.directory.blocks[i].Load()
			if b == nil {
				continue
			}
			for j := range b {
				if s := b[j].Load(); s != nil && !yield((s.number.Load()-1)*segmentLen, s) {
					return
				}
			}
		}
	}
}

func countSegments[T any](r *Ring[T]) (n int) {
	for range segments(r) {
		n++
	}
	return n
}

// requireSoundDirectory checks that there are segments just where elements wait, which may
// be none in the last one, and that slots that are not in use are clean.
func requireSoundDirectory(t testing.TB, r *Ring[int]) {
	head, tail := r.Head(), r.Tail()
	for first, s := range segments(r) {
		same(t, s, r.directory.segment(first))
		same(t, true, first < tail && first+segmentLen > head)
		for i := range s.slots {
			if pos := first + uint64(i); pos < head || pos >= tail {
				same(t, 0, s.slots[i].v)
			}
		}
	}
	for i := range r.directory.spareSegments.hot {
		if s := r.directory.spareSegments.hot[i].Load(); s != nil {
			for i := range s.slots {
				same(t, 0, s.slots[i].v)
			}
		}
	}
	for i := range r.directory.spareBlocks.hot {
		if b := r.directory.spareBlocks.hot[i].Load(); b != nil {
			for i := range b {
				same(t, nil, b[i].Load())
			}
		}
	}
}

func TestLapsOfManySegments(t *testing.T) {
	for _, capacity := range []int{segmentLen, 4 * segmentLen, blockSpan, 4 * blockSpan} {
		for _, left := range []int{0, 1, segmentLen - 1} {
			r := startingAt[int](capacity, blockSpan-3)
			pushed, taken := 0, 0
			for range 5 {
				for !r.Full() {
					pushed++
					push(t, r, pushed)
				}
				requireSoundDirectory(t, r)
				for _, item := range r.Take(nil, capacity-left) {
					taken++
					same(t, taken, item)
				}
				same(t, left, r.Len())
				requireSoundDirectory(t, r)
			}
		}
	}
}

// A producer may be stopped at the worst moment. Its segment waits for it, and others that
// come after it do not mind.
func TestFrozenProducers(t *testing.T) {
	const behind = 3 * segmentLen
	for _, tt := range []struct {
		name   string
		freeze func(r *Ring[int]) (thaw func(item int))
	}{
		{"before it looks for its segment", func(r *Ring[int]) func(int) {
			pos := r.tail.Add(2)>>1 - 1
			return func(item int) {
				r.directory.install(pos).slot(pos).v = item
				r.Publish(pos)
			}
		}},
		{"before it says that its segment is the current one", func(r *Ring[int]) func(int) {
			pos := r.tail.Add(2)>>1 - 1
			seg := r.directory.install(pos)
			return func(item int) {
				r.current.Store(seg)
				seg.slot(pos).v = item
				r.Publish(pos)
			}
		}},
		{"before it publishes", func(r *Ring[int]) func(int) {
			pos, v, _ := r.Reserve()
			return func(item int) { *v = item; r.Publish(pos) }
		}},
	} {
		for _, before := range []int{0, 1, segmentLen - 1, segmentLen, blockSpan - 1, blockSpan} {
			r := New[int](2 * blockSpan)
			for i := range before {
				push(t, r, i+1)
			}
			thaw := tt.freeze(r)
			for i := range behind {
				push(t, r, before+i+2)
			}
			require.Len(t, r.Take(nil, r.Len()), before, tt.name)
			require.Equal(t, behind+1, r.Len())
			require.True(t, r.Stuck())

			thaw(before + 1)
			push(t, r, before+behind+2)
			for i, item := range r.Take(nil, r.Len()) {
				require.Equal(t, before+1+i, item, tt.name)
			}
			require.Zero(t, r.Len())
			requireSound(t, r)
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestACapacityCostsNothing(t *testing.T) {
	for _, capacity := range []int{1, 1 << 10, 1 << 16, 1 << 20} {
		var r *Ring[payload]
		n := allocated(func() { r = New[payload](capacity) })
		assert.Less(t, n, uint64(32<<10), "bytes for a capacity of %d", capacity)
		runtime.KeepAlive(r)
	}
}

func TestKeepingUpTakesAFewSegments(t *testing.T) {
	r, p := New[payload](65_536), &payload{1}
	taken := make([]payload, 0, 256)
	n := allocated(func() {
		for i := range 50_000 {
			pushPayload(r, p)
			if i%256 == 255 {
				r.Take(taken, 256)
			}
		}
	})
	assert.Less(t, n, uint64(10*segmentLen*(len(p)+8)))
	assert.LessOrEqual(t, countSegments(r), 5)
}

func TestKeepingUpDoesNotAllocate(t *testing.T) {
	r, p := New[payload](1<<20), &payload{1}
	taken := make([]payload, 0, 256)
	lap := func() {
		for range 256 {
			pushPayload(r, p)
		}
		r.Take(taken, 256)
	}
	for range 2 * blockSpan / 256 {
		lap()
	}
	runtime.GC() // does not take the hot ones
	runtime.GC()
	assert.Zero(t, testing.AllocsPerRun(2*blockSpan/256, lap))
}

// Memory is there for the elements that wait, and goes when they have gone.
func TestMemoryFollowsTheElementsThatWait(t *testing.T) {
	const burst = 50_000
	heap := func() int64 {
		runtime.GC() // takes the spare ones at the second time
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for _, tt := range []struct {
		name   string
		remove func(r *Ring[payload])
	}{
		{"Take", func(r *Ring[payload]) {
			taken := make([]payload, 0, 256)
			for r.Len() > 0 {
				r.Take(taken, 256)
			}
		}},
		{"Drain", func(r *Ring[payload]) { r.Drain(burst, func(*payload) {}) }},
		{"Evict", func(r *Ring[payload]) {
			r.Evict(burst, func(*payload) bool { return false }, func(*payload) {})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, p := New[payload](1<<20), &payload{1}
			idle := heap()
			for range burst {
				pushPayload(r, p)
			}
			assert.Equal(t, (burst+segmentLen-1)/segmentLen, countSegments(r))
			assert.Greater(t, heap()-idle, int64(burst*len(p)))

			tt.remove(r)
			require.Zero(t, r.Len())
			assert.LessOrEqual(t, countSegments(r), 1)
			assert.Less(t, heap()-idle, int64(256<<10))
			runtime.KeepAlive(r)
		})
	}
}
