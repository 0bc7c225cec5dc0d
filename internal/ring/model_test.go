package ring

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
)

// This file has the simple sequential queue that a ring is to its users. The test
// in history_test.go records what really happened when goroutines worked on one
// ring, and has porcupine look for an order of the calls, consistent with when
// each began and ended, in which the queue gives the same answers.
//
// A push is two calls, since what is reserved and not yet published can be seen. A
// removal is two steps that happen at some time during the call, in this order: the
// elements leave, and their places become free. A producer may still find the ring
// full in between.

const modelCapacity = 4

// action is what was done.
type action string

const (
	reserve     action = "reserve"
	publish     action = "publish"
	take        action = "take"  // up to n
	evictSome   action = "evict" // up to n
	evictOldest action = "evict the oldest"
	drain       action = "drain" // up to n
	free        action = "free"  // the second step of the four above: n places
	giveBack    action = "return"
	length      action = "length"
	isFull      action = "full?"
	sealing     action = "seal"
)

// input and output are those of one step. Elements are called by letters, the
// protected ones by capital letters.
type input struct {
	action action
	id     string // to reserve or publish
	n      int
	ids    string // to give back
}

type output struct {
	status Status
	ids    string // removed
	n      int    // Len
	yes    bool   // of Full and Seal
}

type step struct {
	in  input
	out output
}

// queue is the state of the sequential model.
type queue struct {
	items   string // oldest first
	pending string // those of items that are not published
	freeing int    // places of removed elements that are not yet free
	sealed  bool
	stale   bool // there was room before elements were given back, and nothing was reserved since
}

func (q queue) full() bool { return len(q.items)+q.freeing >= modelCapacity }

// remove removes up to n elements, with spare only such as are not protected, as
// far as the first that is not published.
func (q queue) remove(n int, spare bool) (after queue, removed string) {
	kept, i := "", 0
	for ; i < len(q.items) && len(removed) < n; i++ {
		id := q.items[i : i+1]
		if strings.Contains(q.pending, id) {
			break
		}
		if spare && id == strings.ToUpper(id) {
			kept += id
		} else {
			removed += id
		}
	}
	q.items = kept + q.items[i:]
	q.freeing += len(removed)
	return q, removed
}

// step reports whether the queue may answer out to in, and how it is afterwards.
func (q queue) step(in input, out output) (ok bool, after queue) {
	switch in.action {
	case reserve:
		return q.reserve(in.id, out.status)
	case publish:
		q.pending = strings.Replace(q.pending, in.id, "", 1)
		return true, q
	case take, evictOldest, drain, evictSome:
		after, removed := q.remove(in.n, in.action == evictSome)
		return removed == out.ids, after
	case free:
		ok := q.freeing == in.n
		q.freeing = 0
		return ok, q
	case giveBack:
		q.stale = q.stale || !q.full()
		q.items = in.ids + q.items
		return true, q
	case length:
		return out.n == len(q.items), q
	case isFull:
		return out.yes == q.full(), q
	default:
		ok := out.yes == !q.sealed
		q.sealed = true
		return ok, q
	}
}

func (q queue) reserve(id string, status Status) (ok bool, after queue) {
	switch {
	case q.sealed || status == Sealed:
		return q.sealed && status == Sealed, q
	case status == Full:
		return q.full(), q
	}
	ok = !q.full() || q.stale
	q.items += id
	q.pending += id
	q.stale = false
	return ok, q
}

var queueModel = porcupine.Model{
	Init: func() any { return queue{} },
	Step: func(state, in, out any) (bool, any) { return state.(queue).step(in.(input), out.(output)) },
	DescribeOperation: func(in, out any) string {
		return fmt.Sprintf("%v -> %v", in, out)
	},
}
