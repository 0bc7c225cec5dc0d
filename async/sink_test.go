package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// batchSink begins up to max records of each batch and then asks deliver what became
// of them. It learns what they are by handling them.
type batchSink struct {
	max     int // 0: all
	deliver func(b *async.Batch, msgs []string) (done int, err error)
	flush   func() error

	current []string // of the call that runs
	mu      sync.Mutex
	batches [][]string
	taken   []string
}

// handler is the next of the handler with the sink.
func (s *batchSink) handler() slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error {
		s.current = append(s.current, r.Message)
		return nil
	})
}

func (s *batchSink) Deliver(b *async.Batch) (done int, err error) {
	s.current = nil
	for (s.max == 0 || len(s.current) < s.max) && b.Next() {
		if err := b.Handle(); err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	s.batches = append(s.batches, s.current)
	s.mu.Unlock()
	done, err = s.deliver(b, s.current)
	s.taken = append(s.taken, s.current[:max(0, min(done, len(s.current)))]...)
	return done, err
}

func (s *batchSink) Flush() error {
	if s.flush == nil {
		return nil
	}
	return s.flush()
}

func (s *batchSink) calls() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]string(nil), s.batches...)
}

// sinkPlugged is plugged for a sink. The first call of it is with "plug" alone.
func sinkPlugged(t *testing.T, s *batchSink, opts async.Options, msgs ...string) *async.Handler {
	t.Helper()
	plug, deliver := testsink.NewGate(), s.deliver
	s.deliver = func(b *async.Batch, msgs []string) (int, error) {
		plug.Pass()
		s.deliver = deliver
		return len(msgs), nil
	}
	opts.Sink = s
	h := begin(t, s.handler(), opts)
	info(h, "plug")
	<-plug.Entered()
	info(h, msgs...)
	plug.Release()
	return h
}

func all(_ *async.Batch, msgs []string) (int, error) { return len(msgs), nil }

// A batch that fails as a whole is nobody's fault: its records are tried again one
// by one.
func TestSinkRefusesBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, errs := &fakeGate{}, newJournal()
		s := &batchSink{}
		s.deliver = func(_ *async.Batch, msgs []string) (int, error) {
			if len(msgs) > 1 || msgs[0] == "2" {
				return 0, errDown
			}
			return len(msgs), nil
		}
		h := sinkPlugged(t, s, async.Options{Gate: gate, ErrorHandler: errs.hear, MaxAttempts: 1}, "1", "2", "3")
		time.Sleep(time.Minute)
		assertOutcomes(t, h, outcomes{delivered: 3, failed: 1})
		assert.Equal(t, []string{"plug", "1", "3"}, s.taken)
		calls := s.calls()
		assert.Equal(t, [][]string{{"1", "2", "3"}, {"1"}, {"2", "3"}, {"2"}, {"3"}, {"2"}}, calls[1:])
		assert.Equal(t, []string{"attempt 1: next is down", "attempt 1: next is down", "attempt 1: next is down", "attempt 2: next is down"}, errs.what())
		gate.assertSettled(t)
	})
}

// With a fallback too, only a record that failed alone goes there.
func TestSinkRefusesBatchWithFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		s := &batchSink{}
		s.deliver = func(_ *async.Batch, msgs []string) (int, error) {
			if len(msgs) > 1 || msgs[0] == "2" {
				return 0, errDown
			}
			return len(msgs), nil
		}
		h := sinkPlugged(t, s, async.Options{Fallback: fallback}, "1", "2", "3")
		assertOutcomes(t, h, outcomes{delivered: 3, fallback: 1})
		assert.Equal(t, []string{"2"}, fallback.Messages())
	})
}

func TestSinkReturns(t *testing.T) {
	msgs := []string{"1", "2", "3", "4"}
	for _, tt := range []struct {
		name    string
		max     int
		deliver func(b *async.Batch, msgs []string) (int, error) // the first call; the others take all
		calls   [][]string
		bad     int // failures for the gate
		errs    []string
		want    outcomes
	}{
		{
			name: "begins fewer", max: 3, deliver: all,
			calls: [][]string{{"1", "2", "3"}, {"4"}},
			want:  outcomes{delivered: 5},
		},
		{
			name: "done with fewer than begun, no error",
			deliver: func(*async.Batch, []string) (int, error) {
				return 2, nil
			},
			calls: [][]string{msgs, {"3", "4"}},
			want:  outcomes{delivered: 5},
		},
		{
			name: "a part, and then an error",
			deliver: func(*async.Batch, []string) (int, error) {
				return 2, errDown
			},
			calls: [][]string{msgs, {"3"}, {"4"}}, bad: 1,
			errs: []string{"attempt 1: next is down"},
			want: outcomes{delivered: 5},
		},
		{
			name: "trouble that is over",
			deliver: func(_ *async.Batch, msgs []string) (int, error) {
				return len(msgs), errDown
			},
			calls: [][]string{msgs},
			errs:  []string{"attempt 1: next is down"},
			want:  outcomes{delivered: 5},
		},
		{
			name: "permanent error of the only one that failed", max: 3,
			deliver: func(*async.Batch, []string) (int, error) {
				return 2, async.ErrPermanent
			},
			calls: [][]string{{"1", "2", "3"}, {"4"}},
			errs:  []string{"attempt 1: asynchandler: permanent failure"},
			want:  outcomes{delivered: 4, failed: 1},
		},
		{
			name: "panic",
			deliver: func(*async.Batch, []string) (int, error) {
				panic("boom")
			},
			calls: [][]string{msgs, {"1"}, {"2", "3", "4"}}, bad: 1,
			errs: []string{"panic: boom"},
			want: outcomes{delivered: 5},
		},
		{
			name: "panic after some were done",
			deliver: func(b *async.Batch, _ []string) (int, error) {
				b.Done(2)
				panic("boom")
			},
			calls: [][]string{msgs, {"3"}, {"4"}}, bad: 1,
			errs: []string{"panic: boom"},
			want: outcomes{delivered: 5},
		},
		{
			name: "panic with one begun", max: 1,
			deliver: func(*async.Batch, []string) (int, error) {
				panic("boom")
			},
			calls: [][]string{{"1"}, {"2"}, {"3"}, {"4"}}, bad: 1,
			errs: []string{"panic: boom"},
			want: outcomes{delivered: 4, failed: 1},
		},
		{
			name: "exit after some were done",
			deliver: func(b *async.Batch, _ []string) (int, error) {
				b.Done(3)
				runtime.Goexit()
				return 0, nil
			},
			calls: [][]string{msgs}, bad: 1,
			errs: []string{"panic: runtime.Goexit was called"},
			want: outcomes{delivered: 4, failed: 1},
		},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			gate, errs := &fakeGate{}, newJournal()
			s := &batchSink{max: tt.max}
			s.deliver = func(b *async.Batch, msgs []string) (int, error) {
				s.deliver = all
				return tt.deliver(b, msgs)
			}
			h := sinkPlugged(t, s, async.Options{Gate: gate, ErrorHandler: errs.hear}, msgs...)
			time.Sleep(time.Second)
			assertOutcomes(t, h, tt.want)
			assert.Equal(t, tt.calls, s.calls()[1:])
			assert.Equal(t, tt.errs, errs.what())
			gate.assertSettled(t)
			assert.Len(t, gate.bad, tt.bad)
		})
	}
}

// After an outage the batches grow in steps: next has just come back.
func TestBatchGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &batchSink{deliver: all}
		failed := false
		s.deliver = func(_ *async.Batch, msgs []string) (int, error) {
			if !failed {
				failed = true
				return 0, errDown
			}
			return len(msgs), nil
		}
		h := sinkPlugged(t, s, async.Options{}, numbered(1, 500)...)
		assertOutcomes(t, h, outcomes{delivered: 501})
		var sizes []int
		for _, batch := range s.calls()[1:] {
			sizes = append(sizes, len(batch))
		}
		assert.Equal(t, []int{256, 1, 4, 16, 64, 171, 244}, sizes)
		assert.Equal(t, append([]string{"plug"}, numbered(1, 500)...), s.taken)
	})
}

// What Flush of the sink says is what Flush returns.
func TestSinkFlush(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flush func() error
		want  func(t *testing.T, err error)
	}{
		{"nil", func() error { return nil }, func(t *testing.T, err error) { assert.NoError(t, err) }},
		{"error", func() error { return errDown }, func(t *testing.T, err error) { assert.ErrorIs(t, err, errDown) }},
		{"panic", func() error { panic("boom") }, func(t *testing.T, err error) {
			p, ok := errors.AsType[*async.PanicError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "boom", p.Value)
		}},
		{"exit", func() error { runtime.Goexit(); return nil }, func(t *testing.T, err error) {
			p, ok := errors.AsType[*async.PanicError](err)
			require.True(t, ok, "%v", err)
			assert.ErrorContains(t, p, "Goexit")
		}},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			s := &batchSink{deliver: all, flush: tt.flush}
			h := begin(t, s.handler(), async.Options{Sink: s})
			info(h, "1", "2")
			tt.want(t, h.Flush(t.Context()))
			info(h, "3")
			tt.want(t, h.Shutdown(context.Background()))
			assertOutcomes(t, h, outcomes{delivered: 3})
		})
	}
}
