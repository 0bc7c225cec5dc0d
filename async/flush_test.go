package async_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// flushableSink delivers to next and counts its flushes.
type flushableSink struct {
	flushes   atomic.Int32
	delivered atomic.Int32
	unflushed atomic.Int32 // delivered since the last flush
	err       error        // of Flush
}

func (s *flushableSink) Deliver(b *async.Batch) (done int, err error) {
	for b.Next() {
		if err := b.Handle(); err != nil {
			return done, err
		}
		done++
		s.delivered.Add(1)
		s.unflushed.Add(1)
	}
	return done, nil
}

func (s *flushableSink) Flush() error {
	s.flushes.Add(1)
	s.unflushed.Store(0)
	return s.err
}

func TestFlushWaitsForWhatTheWorkerHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{})
		sayEach(h, "a", "b")
		gate.Step() // the queue is empty now
		synctest.Wait()
		flushed := make(chan int, 1)
		go func() {
			assert.NoError(t, h.Flush(context.Background()))
			flushed <- rec.Len()
		}()
		for range 2 {
			synctest.Wait()
			require.Empty(t, flushed)
			gate.Step()
		}
		assert.Equal(t, 3, <-flushed)
	})
}

// A call that counts as a stall has still no outcome.
func TestFlushWaitsForAHungCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, _ := newStuck(t, async.Options{StallTimeout: time.Second, ErrorHandler: func(error) {}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded)
		require.Equal(t, uint64(1), h.Stats().Stalls)
		drain(t, h, gate)
		assert.Equal(t, uint64(1), h.Stats().Delivered)
	})
}

// Flush does not wait for records logged after it was called.
func TestFlushIsNoMoreThanABarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{BatchSize: 1})
		sayEach(h, "before")
		flushed := make(chan int, 1)
		go func() {
			assert.NoError(t, h.Flush(context.Background()))
			flushed <- rec.Len()
		}()
		synctest.Wait()
		sayEach(h, "after", "after")
		gate.Step()
		synctest.Wait()
		require.Empty(t, flushed)
		gate.Step() // with "before"
		assert.Equal(t, 2, <-flushed)
	})
}

// Nor for younger records that eviction has put in front of the queue.
func TestFlushInAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{BatchSize: 1, Capacity: 4, ProtectedLevel: slog.LevelError})
		require.NoError(t, say(h, slog.LevelError, "before"))
		flushed := make(chan int, 1)
		go func() {
			assert.NoError(t, h.Flush(context.Background()))
			flushed <- rec.Len()
		}()
		synctest.Wait()
		for range 3 {
			require.NoError(t, say(h, slog.LevelError, "after"))
		}
		require.Error(t, say(h, slog.LevelInfo, "refused, and all that waits is set aside"))
		gate.Step()
		synctest.Wait()
		require.Empty(t, flushed)
		gate.Step() // with "before"
		assert.Equal(t, 2, <-flushed)
	})
}

// The end of a shutdown lets go of a Flush whose sink hangs.
func TestFlushThatHangsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewGate()
		t.Cleanup(gate.Release)
		h := async.New(&testsink.Recorder{}, async.Options{Sink: hungFlush{&flushableSink{}, gate}, ErrorHandler: func(error) {}})
		sayEach(h, "m")
		flushed := make(chan error, 1)
		go func() { flushed <- h.Flush(context.Background()) }()
		<-gate.Entered()
		require.Error(t, h.Close())
		require.ErrorIs(t, <-flushed, async.ErrClosed)
	})
}

type hungFlush struct {
	*flushableSink
	gate *testsink.Gate
}

func (s hungFlush) Flush() error {
	s.gate.Pass()
	return nil
}

func TestFlushOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := async.New(&testsink.Recorder{}, async.Options{})
		began := time.Now()
		require.NoError(t, h.Flush(t.Context()), "never used")
		sayEach(h, "m")
		require.NoError(t, h.Flush(t.Context()))
		require.NoError(t, h.Flush(t.Context()), "nothing new")
		assert.Less(t, time.Since(began), time.Millisecond)
		time.Sleep(time.Hour)
		require.NoError(t, h.Flush(t.Context()), "the worker sleeps")
		require.NoError(t, h.Close())
		require.NoError(t, h.Flush(t.Context()), "closed")
	})
}

func TestFlushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		require.ErrorIs(t, h.Flush(ended), context.Canceled)
		assert.Zero(t, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(began))
		drain(t, h, gate)
		assert.Equal(t, []string{"inside"}, rec.Messages())
	})
}

func TestFlushConcurrentSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := async.New(rec, async.Options{Capacity: 64, Overflow: async.Block})
		const goroutines, each = 20, 50
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				for i := range each {
					msg := testsink.Message(g, i)
					assert.NoError(t, say(h, slog.LevelInfo, msg))
					if i%10 == 9 {
						assert.NoError(t, h.Flush(context.Background()))
						assert.Contains(t, rec.Messages(), msg)
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, h.Close())
		require.NoError(t, testsink.Check(rec.Messages(), goroutines, each).Err())
	})
}

func TestFlushFlushesTheSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &flushableSink{}
		h := async.New(&testsink.Recorder{}, async.Options{Sink: sink})
		sayEach(h, "a", "b")
		time.Sleep(time.Hour)
		require.Zero(t, sink.flushes.Load(), "nobody asked for it")
		for i := range 3 {
			require.NoError(t, h.Flush(t.Context()))
			assert.Equal(t, i+1, int(sink.flushes.Load()))
		}
		sink.err = errors.New("disk full")
		assert.ErrorIs(t, h.Flush(t.Context()), sink.err)
		sink.err = nil
		require.NoError(t, h.Close())
		assert.Equal(t, 5, int(sink.flushes.Load()), "the shutdown flushes too")

		require.NoError(t, h.Flush(t.Context()), "after the end")
		assert.Equal(t, 6, int(sink.flushes.Load()))
		sink.err = errors.New("file already closed")
		assert.ErrorIs(t, h.Flush(t.Context()), sink.err)
	})
}

// What next refused and the handler gave up has its outcome: it holds up no Flush.
func TestFlushWaitsForOutcomesNotForSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, nil, nil)
		h := async.New(next, async.Options{MaxAttempts: 2, ErrorHandler: func(error) {}})
		defer h.Close()
		sayEach(h, "m")
		require.NoError(t, h.Flush(t.Context()))
		assert.Equal(t, uint64(1), h.Stats().Failed)
		assert.Equal(t, 2, next.Calls())
	})
}

func TestFlushOfDerivedHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := async.New(rec, async.Options{})
		derived := h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").(*async.Handler)
		sayEach(h, "m")
		require.NoError(t, derived.Flush(t.Context()))
		assert.Equal(t, 1, rec.Len())
		require.NoError(t, derived.Close())
		assert.Equal(t, uint64(1), derived.Stats().Delivered)
		assert.Equal(t, h.Stats(), derived.Stats())
	})
}
