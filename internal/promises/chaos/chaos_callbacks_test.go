package chaos_test

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// flushingWriter is a writer with a Flush that may fail too.
type flushingWriter struct{ *subject }

// Flush hides that of the handler.
func (w flushingWriter) Flush() error {
	if w.next.one(20) {
		return testsink.ErrFault
	}
	w.next.maybeBurst(50)
	return nil
}

// takeInstead is the fallback's Handle.
func (s *subject) takeInstead(_ context.Context, r slog.Record) error {
	if err := s.other.suffer(s.other.next()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fallback = append(s.fallback, r.Message)
	return nil
}

func (s *subject) onDrop(_ context.Context, r slog.Record, reason asynchandler.DropReason) {
	s.mu.Lock()
	_, twice := s.dropped[r.Message]
	s.dropped[r.Message] = reason
	s.mu.Unlock()
	assert.False(s.t, twice, "%s was dropped twice", r.Message)
	if s.talks && s.next.one(10) {
		s.whisper()
	}
	if s.next.one(100) {
		s.held.Store(true)
		s.holding.Add(1)
		time.Sleep(s.next.hangs)
		s.holding.Add(-1)
	}
	s.next.maybeBurst(30)
}

func (s *subject) onError(err error) {
	s.mu.Lock()
	var suppressed *asynchandler.SuppressedError
	switch {
	case errors.As(err, &suppressed):
		s.told.suppressed += int(suppressed.Count)
	case isA[*asynchandler.StallError](err):
		s.told.stalls++
	case isA[*asynchandler.PanicError](err):
		s.told.panics++
	default:
		s.told.failures++
	}
	s.mu.Unlock()
	s.callback(20)
}

// callback is what a callback of the user's does once in n times each: log, panic, hang.
func (s *subject) callback(n int) {
	if s.next.one(n) {
		s.whisper()
	}
	s.next.maybeHang(2 * n)
	s.next.maybeBurst(2 * n)
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func (s *subject) onHighWater(depth, capacity int) {
	assert.LessOrEqual(s.t, depth, capacity+s.batch+128, "held and in the worker's hands")
	s.callback(5)
}

func (s *subject) onShutdown(context.Context) error {
	s.mu.Lock()
	s.functions++
	s.mu.Unlock()
	s.whisper()
	s.next.maybeHang(5)
	s.next.maybeBurst(5)
	if s.next.one(5) {
		return testsink.ErrFault
	}
	return nil
}
