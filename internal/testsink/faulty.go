package testsink

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
)

// ErrFault is the error of a [Faulty] or [FaultWriter] that was given none.
var ErrFault = errors.New("testsink: fault")

// When says which records meet the fault. A [Faulty] makes one call of it at a time, so it
// may keep state.
type When func(slog.Record) bool

// Always is a [When] that is true for every record.
func Always(slog.Record) bool { return true }

// First returns a [When] that is true for the first n records it is asked about.
func First(n int) When {
	return func(slog.Record) bool {
		n--
		return n >= 0
	}
}

// Every returns a [When] that is true for each k-th record it is asked about: k, 2k, 3k...
func Every(k int) When {
	n := 0
	return func(slog.Record) bool {
		n++
		return n%k == 0
	}
}

// HasMessage returns a [When] that is true for the records with one of these messages.
func HasMessage(msgs ...string) When {
	return func(r slog.Record) bool { return slices.Contains(msgs, r.Message) }
}

// Faulty is a handler that fails, panics or exits where its [When] is true, and calls next
// where it is not.
type Faulty struct {
	layer

	mu     sync.Mutex
	when   When
	calls  int
	faults int
}

var _ slog.Handler = (*Faulty)(nil)

// NewFailer returns a handler that returns err (nil: [ErrFault]) where when (nil: [Always])
// is true.
func NewFailer(next slog.Handler, err error, when When) *Faulty {
	if err == nil {
		err = ErrFault
	}
	return newFaulty(next, when, func() error { return err })
}

// NewPanicker returns a handler that panics with value where when (nil: [Always]) is true.
func NewPanicker(next slog.Handler, value any, when When) *Faulty {
	return newFaulty(next, when, func() error { panic(value) })
}

// NewExiter returns a handler that calls runtime.Goexit where when (nil: [Always]) is true.
func NewExiter(next slog.Handler, when When) *Faulty {
	return newFaulty(next, when, func() error {
		runtime.Goexit()
		return nil
	})
}

func newFaulty(next slog.Handler, when When, fault func() error) *Faulty {
	f := &Faulty{}
	f.Break(when)
	f.layer = newLayer(next, func(ctx context.Context, r slog.Record, next slog.Handler) error {
		if f.met(r) {
			return fault()
		}
		return next.Handle(ctx, r)
	})
	return f
}

func (f *Faulty) met(r slog.Record) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	met := f.when != nil && f.when(r)
	if met {
		f.faults++
	}
	return met
}

// Break makes the fault appear from now on where when (nil: [Always]) is true.
func (f *Faulty) Break(when When) {
	if when == nil {
		when = Always
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.when = when
}

// Heal ends the fault, until Break.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.when = nil
}

// Calls returns how often Handle was called.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Faults returns how many of the calls met the fault.
func (f *Faulty) Faults() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults
}
