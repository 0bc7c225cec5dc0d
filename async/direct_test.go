package async_test

import (
	"context"
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

// ended returns a handler that was shut down after it delivered a record.
func ended(t *testing.T, next slog.Handler, opts async.Options) *async.Handler {
	t.Helper()
	h := begin(t, next, opts)
	info(h, "before")
	require.NoError(t, h.Shutdown(context.Background()))
	return h
}

func late(h slog.Handler, msg string) error {
	return h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0))
}

// A record that comes after a clean shutdown has its outcome when Handle returns.
func TestDirect(t *testing.T) {
	is := testsink.HasMessage("bad")
	for _, tt := range []struct {
		name     string
		next     func(slog.Handler) slog.Handler
		fallback func(slog.Handler) slog.Handler
		check    func(t *testing.T, err error) // of "bad"
		want     outcomes
		panics   int
	}{
		{
			name: "error", next: func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, errDown, is) },
			check: func(t *testing.T, err error) { assert.ErrorIs(t, err, errDown) },
			want:  outcomes{delivered: 3, failed: 1},
		},
		{
			name: "panic", next: func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, "boom", is) },
			check: func(t *testing.T, err error) {
				var p *async.PanicError
				require.ErrorAs(t, err, &p)
				assert.Equal(t, "boom", p.Value)
				assert.NotEmpty(t, p.Stack)
			},
			want: outcomes{delivered: 3, failed: 1}, panics: 1,
		},
		{
			name: "error, fallback", next: func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, errDown, is) },
			fallback: func(next slog.Handler) slog.Handler { return next },
			check:    func(t *testing.T, err error) { assert.NoError(t, err) },
			want:     outcomes{delivered: 3, fallback: 1},
		},
		{
			name: "panic, fallback", next: func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, "boom", is) },
			fallback: func(next slog.Handler) slog.Handler { return next },
			check:    func(t *testing.T, err error) { assert.NoError(t, err) },
			want:     outcomes{delivered: 3, fallback: 1}, panics: 1,
		},
		{
			name: "error, bad fallback", next: func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, errDown, is) },
			fallback: func(next slog.Handler) slog.Handler { return testsink.NewFailer(next, context.Canceled, is) },
			check:    func(t *testing.T, err error) { assert.ErrorIs(t, err, errDown) },
			want:     outcomes{delivered: 3, failed: 1},
		},
		{
			name: "panics everywhere", next: func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, errDown, is) },
			fallback: func(next slog.Handler) slog.Handler { return testsink.NewPanicker(next, "boom", is) },
			check:    func(t *testing.T, err error) { assert.ErrorIs(t, err, errDown) },
			want:     outcomes{delivered: 3, failed: 1}, panics: 2,
		},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			rec, fallback := &testsink.Recorder{}, &testsink.Recorder{}
			opts := async.Options{}
			if tt.fallback != nil {
				opts.Fallback = tt.fallback(fallback)
			}
			h := ended(t, tt.next(rec), opts)
			require.NoError(t, late(h, "1"))
			assert.Equal(t, []string{"before", "1"}, rec.Messages(), "delivered when Handle returns")
			tt.check(t, late(h, "bad"))
			assert.Equal(t, tt.want.fallback, fallback.Len())
			require.NoError(t, late(h, "2"))
			assertOutcomes(t, h, tt.want)
			assert.EqualValues(t, tt.panics, h.Stats().Panics)
			assert.EqualValues(t, 4, h.Stats().Received)
		})
	}
}

// The records of derived handlers have their attributes after the end too.
func TestDirectDerived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, fallback := &testsink.Recorder{}, &testsink.Recorder{}
		h := ended(t, testsink.NewFailer(rec, errDown, testsink.HasMessage("bad")), async.Options{Fallback: fallback})
		log := slog.New(h).With("a", 1).WithGroup("g")
		log.Info("1", "k", "v")
		log.Info("bad", "k", "v")
		assert.Equal(t, []string{"INFO before", "INFO 1 a=1 g.k=v"}, rec.Lines())
		assert.Equal(t, []string{"INFO bad a=1 g.k=v"}, fallback.Lines())
	})
}

func TestDirectOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		rec := &testsink.Recorder{}
		h := ended(t, testsink.Func(func(ctx context.Context, r slog.Record) error {
			assert.EqualValues(t, 1, calls.Add(1))
			defer calls.Add(-1)
			time.Sleep(time.Millisecond)
			return rec.Handle(ctx, r)
		}), async.Options{})
		var wg sync.WaitGroup
		start := time.Now()
		for g := range 8 {
			wg.Go(func() {
				for seq := range 10 {
					assert.NoError(t, late(h, testsink.Message(g, seq)))
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 80*time.Millisecond, time.Since(start))
		require.NoError(t, testsink.Check(rec.Messages()[1:], 8, 10).Err())
		assertOutcomes(t, h, outcomes{delivered: 81})
	})
}

// A record that next logs in turn would wait for itself.
func TestDirectReentrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		var h *async.Handler
		var err error
		h = ended(t, inside(rec, func() { err = late(h, "from next") }), async.Options{})
		require.NoError(t, late(h, "in"))
		require.ErrorIs(t, err, async.ErrDropped)
		assertOutcomes(t, h, outcomes{delivered: 2, dropped: 1})
		assert.Equal(t, 1, drops(h)[async.DropReentrant])
		assert.Equal(t, []string{"before", "in"}, rec.Messages())
	})
}

// With a sink, each record is flushed too: nobody else will.
func TestDirectSink(t *testing.T) {
	for _, tt := range []struct {
		name    string
		deliver func(b *async.Batch, msgs []string) (int, error)
		want    outcomes
	}{
		{"taken", all, outcomes{delivered: 2}},
		{"trouble that is over", func(*async.Batch, []string) (int, error) { return 1, errDown }, outcomes{delivered: 2}},
		{"refused", func(*async.Batch, []string) (int, error) { return 0, errDown }, outcomes{delivered: 1, fallback: 1}},
		{"panics after it was taken", func(b *async.Batch, _ []string) (int, error) {
			b.Done(1)
			panic("boom")
		}, outcomes{delivered: 2}},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			flushed := 0
			fallback := &testsink.Recorder{}
			s := &batchSink{deliver: all, flush: func() error { flushed++; return nil }}
			h := ended(t, s.handler(), async.Options{Sink: s, Fallback: fallback})
			assert.Equal(t, 1, flushed)
			s.deliver = tt.deliver
			_ = late(h, "1")
			assertOutcomes(t, h, tt.want)
			assert.Equal(t, tt.want.fallback, fallback.Len())
			if tt.name == "taken" {
				assert.Equal(t, 2, flushed)
			}
		})
	}
}

// A record that was torn after the end is continued before the next one.
func TestDirectTorn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		d := &disk{err: errDown}
		h := ended(t, d.handler(), async.Options{Sink: d, Fallback: fallback})
		d.fill(true)
		require.ErrorIs(t, late(h, "1"), errDown)
		assertOutcomes(t, h, outcomes{delivered: 1, depth: 1})
		assert.EqualValues(t, 2, h.Stats().Received)
		assert.Empty(t, fallback.Messages(), "a torn record goes nowhere else")
		d.fill(false)
		require.NoError(t, late(h, "2"))
		assertOutcomes(t, h, outcomes{delivered: 3})
		d.assertContinued(t)
		assert.Equal(t, []string{"before", "1", "2"}, d.records())
	})
}

// After a shutdown that timed out a record is refused and counted.
func TestNoDirectAfterTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, errDown, nil)
		h := begin(t, next, async.Options{Gate: newBreaker()})
		info(h, "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, h.Shutdown(ctx))
		calls := next.Calls()
		require.ErrorIs(t, late(h, "2"), async.ErrClosed)
		assert.Equal(t, calls, next.Calls())
		assertOutcomes(t, h, outcomes{dropped: 2})
		assert.Equal(t, 1, drops(h)[async.DropClosed])
		assert.Equal(t, 1, drops(h)[async.DropShutdown])
		require.ErrorIs(t, h.Flush(t.Context()), async.ErrClosed)
	})
}

// A fallback that hangs gets no second call meanwhile.
func TestDirectBesideAHungFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := newHanging(t)
		h := begin(t, testsink.NewFailer(nil, errDown, nil), async.Options{Fallback: fallback.handler(), StallTimeout: time.Second})
		info(h, "hang")
		time.Sleep(2 * time.Second)
		_ = h.Close() // "hang" has failed
		require.ErrorIs(t, late(h, "1"), errDown)
		fallback.assertOneAtATime(t)
		assertOutcomes(t, h, outcomes{failed: 2})
		fallback.Release()
		synctest.Wait()
		require.NoError(t, late(h, "2"))
		assertOutcomes(t, h, outcomes{fallback: 1, failed: 2})
	})
}
