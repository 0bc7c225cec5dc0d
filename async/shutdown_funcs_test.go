package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// shutdownFuncs is a list of shutdown functions that note their calls.
type shutdownFuncs struct {
	mu    sync.Mutex
	calls []string
	ended []bool // whether the contexts of the calls had ended
	list  []func(context.Context) error
}

// add registers one that does f, which may be nil.
func (s *shutdownFuncs) add(name string, f func(context.Context) error) *shutdownFuncs {
	s.list = append(s.list, func(ctx context.Context) error {
		s.mu.Lock()
		s.calls = append(s.calls, name)
		s.ended = append(s.ended, ctx.Err() != nil)
		s.mu.Unlock()
		if f == nil {
			return nil
		}
		return f(ctx)
	})
	return s
}

func (s *shutdownFuncs) called() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func TestShutdownFunctionsRunLastFirst(t *testing.T) {
	var funcs shutdownFuncs
	funcs.add("1", nil).add("2", nil).add("3", nil)
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		funcs.add("last", func(context.Context) error {
			assert.Equal(t, []string{"m"}, rec.Messages(), "after the drain")
			return nil
		})
		h := async.New(rec, async.Options{OnShutdown: funcs.list})
		require.Empty(t, sayEach(h, "m"))
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"last", "3", "2", "1"}, funcs.called())
		assert.NotContains(t, funcs.ended, true)
	})
}

// None of them keeps the others from running, and the error has what went wrong with
// each.
func TestShutdownFunctionsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom, bang, full := errors.New("boom"), errors.New("bang"), errors.New("disk full")
		var funcs shutdownFuncs
		funcs.add("fine", nil).
			add("fails", func(context.Context) error { return boom }).
			add("panics", func(context.Context) error { panic(bang) }).
			add("exits", func(context.Context) error { runtime.Goexit(); return nil })
		h := async.New(&testsink.Recorder{}, async.Options{Sink: &flushableSink{err: full}, OnShutdown: funcs.list})
		err := h.Close()
		assert.Equal(t, []string{"exits", "panics", "fails", "fine"}, funcs.called())
		assert.ErrorIs(t, err, full, "of the drain")
		assert.ErrorIs(t, err, boom)
		assert.ErrorIs(t, err, bang)
		assert.ErrorContains(t, err, "Goexit")
		_, ok := errors.AsType[*async.PanicError](err)
		assert.True(t, ok)
		assert.Equal(t, uint64(2), h.Stats().Panics)
		assert.Equal(t, err, h.Close(), "each caller gets it")
	})
}

func TestShutdownFunctionThatHangs(t *testing.T) {
	bubble(t, "until the context ends", func(t *testing.T) {
		var funcs shutdownFuncs
		funcs.add("first", nil).
			add("waits", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		h := async.New(&testsink.Recorder{}, async.Options{OnShutdown: funcs.list})
		began := time.Now()
		require.ErrorIs(t, shutdownIn(h, time.Second), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, []string{"waits", "first"}, funcs.called())
		assert.Equal(t, []bool{false, true}, funcs.ended)
	})
	bubble(t, "longer", func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var funcs shutdownFuncs
		funcs.add("first", nil).
			add("hangs", func(context.Context) error { <-release; return nil })
		h := async.New(&testsink.Recorder{}, async.Options{OnShutdown: funcs.list})
		began := time.Now()
		require.ErrorIs(t, shutdownIn(h, time.Second), context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(began), time.Second+10*time.Millisecond)
		synctest.Wait()
		assert.Equal(t, []string{"hangs", "first"}, funcs.called(), "it is left behind")
	})
}

func TestShutdownFunctionsAfterATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		var funcs shutdownFuncs
		funcs.add("1", nil).add("2", func(context.Context) error { return boom })
		h, _, _ := newStuck(t, async.Options{OnShutdown: funcs.list})
		began := time.Now()
		err := shutdownIn(h, time.Second)
		assert.LessOrEqual(t, time.Since(began), time.Second+10*time.Millisecond)
		assert.ErrorIs(t, err, boom)
		_, ok := errors.AsType[*async.ShutdownError](err)
		assert.True(t, ok)
		assert.Equal(t, []string{"2", "1"}, funcs.called())
		assert.Equal(t, []bool{true, true}, funcs.ended)
	})
}

// When a second caller's context ends the drain, the functions of the first one's
// Shutdown run with the context that ended.
func TestShutdownFunctionsGetTheContextThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var funcs shutdownFuncs
		funcs.add("1", nil)
		h, _, _ := newStuck(t, async.Options{OnShutdown: funcs.list})
		first := make(chan error, 1)
		go func() { first <- h.Shutdown(context.Background()) }()
		synctest.Wait()
		require.ErrorIs(t, h.Shutdown(canceled()), context.Canceled)
		require.ErrorIs(t, <-first, context.Canceled)
		assert.Equal(t, []bool{true}, funcs.ended)
	})
}

// What a shutdown function logs after a clean drain still gets its line.
func TestShutdownFunctionLogs(t *testing.T) {
	bubble(t, "after a clean drain", func(t *testing.T) {
		rec := &testsink.Recorder{}
		var h *async.Handler
		h = async.New(rec, async.Options{OnShutdown: []func(context.Context) error{
			func(context.Context) error { return say(h, slog.LevelInfo, "closing the file") },
		}})
		require.Empty(t, sayEach(h, "m"))
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"m", "closing the file"}, rec.Messages())
		requireBalanced(t, h.Stats())
	})
	bubble(t, "after a timeout", func(t *testing.T) {
		var h *async.Handler
		var err error
		h, _, _ = newStuck(t, async.Options{OnShutdown: []func(context.Context) error{
			func(context.Context) error { err = say(h, slog.LevelInfo, "m"); return nil },
		}})
		require.Error(t, h.Shutdown(canceled()))
		require.ErrorIs(t, err, async.ErrClosed)
		requireBalanced(t, h.Stats())
	})
}

func TestShutdownFunctionMustNotWaitForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *async.Handler
		h = async.New(&testsink.Recorder{}, async.Options{OnShutdown: []func(context.Context) error{
			func(ctx context.Context) error {
				assert.ErrorIs(t, h.Shutdown(ctx), async.ErrReentrant)
				assert.ErrorIs(t, h.Close(), async.ErrReentrant)
				return nil
			},
		}})
		require.NoError(t, h.Close())
	})
}

// slowLeaver takes its time when it hears of the end.
type slowLeaver struct{ *membudget.Budget }

func (slowLeaver) Leave() { time.Sleep(time.Second) }

// Where there is no shutdown function, none is said to hang.
func TestShutdownWithoutFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := testsink.NewGate()
		h := begin(t, testsink.Func(func(context.Context, slog.Record) error { hang.Pass(); return nil }), async.Options{Budget: slowLeaver{limited(t, unit)}})
		t.Cleanup(hang.Release)
		info(h, "1")
		<-hang.Entered()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := h.Shutdown(ctx)
		require.EqualError(t, err, `asynchandler: handler "default": shutdown left 1 records undelivered: context deadline exceeded`)
	})
}
