package ring

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// history is what one goroutine did.
type history struct {
	clock  *atomic.Int64 // ticks at the begin and the end of each call
	client int
	left   int // calls still to make
	rand   *rand.Rand
	ops    []porcupine.Operation
}

// record makes a call and writes it down. The result of f has the steps.
func (h *history) record(f func() []step) {
	h.left--
	call := h.clock.Add(1)
	steps := f()
	end := h.clock.Add(1)
	for _, s := range steps {
		h.ops = append(h.ops, porcupine.Operation{ClientId: h.client, Input: s.in, Call: call, Output: s.out, Return: end})
	}
	h.pause()
}

// pause makes different goroutines come next in different histories.
func (h *history) pause() {
	for range h.rand.IntN(3) {
		runtime.Gosched()
	}
}

// produce pushes elements with the given letters, until it made its calls.
func (h *history) produce(r *Ring[byte], letters []byte) {
	for _, id := range letters {
		if h.left <= 0 {
			return
		}
		var pos uint64
		var v *byte
		var status Status
		h.record(func() []step {
			pos, v, status = r.Reserve()
			return []step{{input{action: reserve, id: string(id)}, output{status: status}}}
		})
		if status != Reserved {
			continue
		}
		*v = id
		h.record(func() []step {
			r.Publish(pos)
			return []step{{input{action: publish, id: string(id)}, output{}}}
		})
	}
}

// remove does what is done under the lock.
func (h *history) remove(r *Ring[byte], mu *sync.Mutex, returns bool) {
	for h.left > 0 {
		mu.Lock()
		switch n := 1 + h.rand.IntN(4); h.rand.IntN(7) {
		case 0, 1:
			batch := h.take(r, n)
			if keep := h.rand.IntN(len(batch) + 1); returns && keep < len(batch) && h.left > 0 {
				h.record(func() []step {
					r.Return(batch[keep:])
					return []step{{input{action: giveBack, ids: string(batch[keep:])}, output{}}}
				})
			}
		case 2, 3:
			h.record(func() []step {
				var dropped []byte
				r.Evict(n, func(v *byte) bool { return *v < 'a' }, func(v *byte) { dropped = append(dropped, *v) })
				return removal(input{action: evictSome, n: n}, dropped)
			})
		case 4:
			h.record(func() []step {
				var dropped []byte
				r.EvictOldest(func(v *byte) { dropped = append(dropped, *v) })
				return removal(input{action: evictOldest, n: 1}, dropped)
			})
		case 5:
			h.record(func() []step {
				var dropped []byte
				r.Drain(n, func(v *byte) { dropped = append(dropped, *v) })
				return removal(input{action: drain, n: n}, dropped)
			})
		case 6:
			h.record(func() []step {
				return []step{{input{action: length}, output{n: r.Len()}}}
			})
		}
		mu.Unlock()
	}
}

func (h *history) take(r *Ring[byte], n int) (batch []byte) {
	h.record(func() []step {
		batch = r.Take(nil, n)
		return removal(input{action: take, n: n}, batch)
	})
	return batch
}

// removal returns the steps of one.
func removal(in input, removed []byte) []step {
	steps := []step{{in, output{ids: string(removed)}}}
	if len(removed) > 0 {
		steps = append(steps, step{input{action: free, n: len(removed)}, output{}})
	}
	return steps
}

// look asks whether the ring is full, and seals it some time later, twice.
func (h *history) look(r *Ring[byte]) {
	for h.left > 2 {
		h.record(func() []step {
			return []step{{input{action: isFull}, output{yes: r.Full()}}}
		})
	}
	for range h.rand.IntN(4) {
		runtime.Gosched()
	}
	for h.left > 0 {
		h.record(func() []step {
			return []step{{input{action: sealing}, output{yes: r.Seal()}}}
		})
	}
}

// run records the history of three goroutines that push, two that remove and one
// that looks on, about 40 calls in all.
func run(seed uint64, returns bool) (ops []porcupine.Operation) {
	r := startingAt[byte](modelCapacity, blockSpan-seed%32) // most of them go on in another segment
	var clock atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	letters := []byte("abCdEfghijKlMnopqrStUvwx")
	start := make(chan struct{})
	histories := make([]*history, 6)
	for i, calls := range []int{8, 8, 8, 6, 6, 4} {
		h := &history{clock: &clock, client: i, left: calls, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		histories[i] = h
		wg.Go(func() {
			<-start
			switch {
			case i < 3:
				h.produce(r, letters[i*8:i*8+8])
			case i < 5:
				h.remove(r, &mu, returns)
			default:
				h.look(r)
			}
		})
	}
	close(start)
	wg.Wait()
	for _, h := range histories {
		ops = append(ops, h.ops...)
	}
	return ops
}

// TestHistoriesAreLinearizable checks as many histories as RING_SEEDS says.
func TestHistoriesAreLinearizable(t *testing.T) {
	seeds := 2000
	if s := os.Getenv("RING_SEEDS"); s != "" {
		var err error
		seeds, err = strconv.Atoi(s)
		require.NoError(t, err, "RING_SEEDS")
	}
	for _, returns := range []bool{false, true} {
		t.Run(fmt.Sprintf("elements are returned: %t", returns), func(t *testing.T) {
			withProcs(t, func(t *testing.T) {
				for seed := range seeds {
					ops := run(uint64(seed), returns)
					if !porcupine.CheckOperations(queueModel, ops) {
						t.Fatalf("seed %d (which does not fix the schedule): not linearizable:\n%s", seed, listing(ops))
					}
				}
			})
		})
	}
}

// listing shows a history in the order in which its calls began.
func listing(ops []porcupine.Operation) string {
	slices.SortStableFunc(ops, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	var b strings.Builder
	for _, op := range ops {
		fmt.Fprintf(&b, "%3d to %3d: goroutine %d: %s\n", op.Call, op.Return, op.ClientId, queueModel.DescribeOperation(op.Input, op.Output))
	}
	return b.String()
}
