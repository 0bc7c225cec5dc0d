package ring

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRing does what the bytes say to a ring and to a slice, and compares them
// after each step. The first byte is the capacity and where in a segment the ring begins.
func FuzzRing(f *testing.F) {
	const r, p, take, evict, oldest, giveBack, seal, drain, enough = 0, 1, 2, 3, 4, 5, 6, 7, 8
	op := func(op, arg byte) byte { return arg*opCount + op }
	f.Add([]byte{0, r, p, take, r, p, op(evict, 1), r, p, oldest})
	f.Add([]byte{3, r, p, r, p, r, p, r, p, r, op(take, 3), op(giveBack, 1), op(evict, 1), op(take, 8)})
	f.Add([]byte{3, op(r, 1), r, op(r, 1), op(p, 1), op(p, 1), op(evict, 2), p, op(evict, 2), op(take, 2), seal, r})
	f.Add([]byte{3, r, p, r, p, r, p, op(take, 2), op(giveBack, 0), op(drain, 1), op(drain, 9), r, op(drain, 1)})
	f.Add([]byte{2, r, r, r, r, op(p, 3), op(p, 2), take, p, take, op(take, 4), p, op(take, 4), op(giveBack, 4), oldest})
	f.Add([]byte{3, r, op(r, 1), p, r, p, p, op(enough, 4), take, op(enough, 7), op(giveBack, 0), op(evict, 1), op(enough, 9)})
	random := rand.NewChaCha8([32]byte{})
	for range 200 { // so that go test alone does much of it
		ops := make([]byte, 200)
		random.Read(ops)
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) == 0 {
			return
		}
		start := blockSpan - uint64(ops[0])/9
		l := &lockstep{t: t, ring: startingAt[int](int(ops[0]%9)+1, start), pushed: start, removed: start}
		l.ring.Weigh(weigh)
		for _, b := range ops[1:min(len(ops), 200)] {
			l.step(b%opCount, int(b/opCount))
			l.compare()
		}
		for len(l.open) > 0 {
			l.publish(0)
		}
		l.take(l.ring.Len())
		l.compare()
		same(t, 0, l.ring.Len())
	})
}

const opCount = 9 // how many operations lockstep.step knows

// lockstep is a ring and what should be in it.
type lockstep struct {
	t     *testing.T
	ring  *Ring[int]
	model []modelItem
	open  []reservation // not published yet

	pushed, removed uint64 // removed: from the slots
	side            int
	sealed          bool
	hands           []int // taken last, and not returned yet
}

type modelItem struct {
	item      int // 0 until published
	published bool
}

type reservation struct {
	pos  uint64
	v    *int
	item int
}

func (l *lockstep) step(op byte, arg int) {
	switch op {
	case 0:
		l.reserve(arg%2 == 1)
	case 1:
		if len(l.open) > 0 {
			l.publish(arg % len(l.open))
		}
	case 2:
		l.take(arg % 10)
	case 3:
		l.evict(arg % 10)
	case 4:
		l.evictOldest()
	case 5:
		l.giveBack(arg)
	case 7:
		l.drain(arg % 10)
	case 8:
		l.enough(int64(arg/2), arg%2 == 1)
	case 6:
		if arg > 25 { // rarely: not much happens afterwards
			same(l.t, !l.sealed, l.ring.Seal())
			l.sealed = true
		}
	}
}

func (l *lockstep) reserve(protect bool) {
	want := Reserved
	switch {
	case l.sealed:
		want = Sealed
	case len(l.model) >= l.ring.Cap():
		want = Full
	}
	pos, v, status := l.ring.Reserve()
	same(l.t, want, status)
	if status != Reserved {
		same(l.t, nil, v)
		return
	}
	same(l.t, l.pushed, pos)
	same(l.t, 0, *v)
	l.pushed++
	item := int(l.pushed) * 2 * firstProtected // unique, and protected
	if !protect {
		item = -item
	}
	l.open = append(l.open, reservation{pos, v, item})
	l.model = append(l.model, modelItem{})
}

func (l *lockstep) publish(i int) {
	o := l.open[i]
	l.open = slices.Delete(l.open, i, i+1)
	*o.v = o.item
	l.ring.Publish(o.pos)
	l.model[len(l.model)-int(l.pushed-o.pos)] = modelItem{o.item, true}
}

// remove takes the element at index i out of the model.
func (l *lockstep) remove(i int) int {
	item := l.model[i].item
	l.model = slices.Delete(l.model, i, i+1)
	if i < l.side {
		l.side--
	} else {
		l.removed++
	}
	return item
}

// available is how many elements there are before the first unpublished one.
func (l *lockstep) available() int {
	n := slices.IndexFunc(l.model, func(m modelItem) bool { return !m.published })
	if n < 0 {
		return len(l.model)
	}
	return n
}

func (l *lockstep) take(n int) {
	want := []int{}
	for range min(n, l.available()) {
		want = append(want, l.remove(0))
	}
	l.hands = l.ring.Take([]int{}, n)
	sameItems(l.t, want, l.hands)
}

// giveBack returns all that was taken last but the first few.
func (l *lockstep) giveBack(delivered int) {
	items := l.hands[min(delivered%4, len(l.hands)):]
	l.hands = nil
	l.ring.Return(items)
	for _, item := range slices.Backward(items) {
		l.model = slices.Insert(l.model, 0, modelItem{item, true})
	}
	l.side += len(items)
}

func (l *lockstep) evict(n int) {
	want := []int{}
	for i := 0; i < l.available() && len(want) < n; {
		switch {
		case !isProtected(&l.model[i].item):
			want = append(want, l.remove(i))
		case i < l.side:
			i++
		default: // moves to the side list
			l.side++
			l.removed++
			i++
		}
	}
	sameItems(l.t, want, evict(l.ring, n))
}

func (l *lockstep) drain(n int) {
	want, got := []int{}, []int{}
	for range min(n, l.available()) {
		want = append(want, l.remove(0))
	}
	same(l.t, len(want), l.ring.Drain(n, func(v *int) { got = append(got, *v) }))
	sameItems(l.t, want, got)
}

// enough asks about weights between those of none and of all.
func (l *lockstep) enough(part int64, protected bool) {
	var most, sum int64
	for i, m := range l.model {
		weight, spared := weigh(&m.item)
		most += weight
		if i < l.available() && (protected || !spared) {
			sum += weight
		}
	}
	least := most * part / 10
	enough, stuck := l.ring.Enough(least, protected)
	same(l.t, sum >= least, enough)
	same(l.t, !enough && l.available() < len(l.model), stuck)
}

func (l *lockstep) evictOldest() {
	want := l.available() > 0
	dropped := 0
	same(l.t, want, l.ring.EvictOldest(func(v *int) { dropped = *v }))
	if want {
		same(l.t, l.remove(0), dropped)
	}
}

// compare asks the ring everything.
func (l *lockstep) compare() {
	r, items := l.ring, []int{}
	for _, m := range l.model {
		items = append(items, m.item)
	}
	sameItems(l.t, items, waiting(r))
	same(l.t, len(items), r.Len())
	same(l.t, l.side, r.SideLen())
	same(l.t, len(items) >= r.Cap(), r.Full())
	same(l.t, l.pushed, r.Tail())
	same(l.t, l.removed, r.Head())
	same(l.t, l.sealed, r.Sealed())
	same(l.t, l.available() > 0, r.Ready())
	same(l.t, l.side < len(items), r.Stuck())
	requireSound(l.t, r)
}

// same and sameItems are require.Equal without its cost, which would be most of
// what a fuzzer does.
func same[T comparable](t testing.TB, want, got T) {
	if want != got {
		require.Equal(t, want, got)
	}
}

func sameItems(t testing.TB, want, got []int) {
	if !slices.Equal(want, got) {
		require.Equal(t, want, got)
	}
}
