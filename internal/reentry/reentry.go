// Package reentry finds out whether a call comes from within another one: by the goroutine,
// since the code in between may pass no context on.
package reentry

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynchandler/asynchandler/internal/goid"
)

// Set is a set of goroutines. The zero Set is empty. Its methods may be called concurrently.
type Set struct {
	n  atomic.Int32 // those in it that are not hidden
	mu sync.Mutex
	in map[uint64]int
}

// Enter adds the calling goroutine and returns what removes it again, to be called once, on
// any goroutine. One that enters twice is in the set until it has left twice.
func (s *Set) Enter() (leave func()) {
	id := goid.ID()
	s.add(id, 1)
	return func() { s.add(id, -1) }
}

func (s *Set) add(id uint64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == nil {
		s.in = make(map[uint64]int)
	}
	if s.in[id] += n; s.in[id] == 0 {
		delete(s.in, id)
	}
	s.n.Add(int32(n))
}

// Hide tells that the calling goroutine, which is in the set, asks nothing until it calls
// Show. While all are hidden the others learn at once that they are not in the set.
func (s *Set) Hide() { s.n.Add(-1) }

// Show ends what Hide began.
func (s *Set) Show() { s.n.Add(1) }

// Visible reports whether there is any goroutine in the set that is not hidden.
func (s *Set) Visible() bool { return s.n.Load() > 0 }

// Here reports whether the calling goroutine is in the set. While none is, or all are
// hidden, that costs next to nothing, else what [goid.ID] costs.
func (s *Set) Here() bool {
	if !s.Visible() {
		return false
	}
	id := goid.ID()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in[id] > 0
}

// Entry is the function that goroutines of one kind are started with. The zero Entry is
// not known yet.
type Entry struct{ pc atomic.Uintptr }

// Mark tells that the calling goroutine is of that kind.
func (e *Entry) Mark() { e.pc.Store(outermost()) }

// IsOutermost reports whether the calling goroutine may be of that kind. That is less work
// than to ask for its number; in a stack of more than 128 frames it cannot tell and says yes.
func (e *Entry) IsOutermost() bool {
	pc := outermost()
	return pc == 0 || pc == e.pc.Load()
}

// outermost returns the entry of the function that the calling goroutine was
// started with, 0 if the stack is too deep to tell.
func outermost() uintptr {
	var pcs [128]uintptr
	n := runtime.Callers(1, pcs[:])
	if n == len(pcs) || n < 2 {
		return 0
	}
	f := runtime.FuncForPC(pcs[n-2] - 1) // the last is runtime.goexit
	if f == nil {
		return 0
	}
	return f.Entry()
}
