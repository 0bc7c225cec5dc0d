package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/goid"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// deadLetter is one call of OnDrop.
type deadLetter struct {
	msg       string
	reason    async.DropReason
	goroutine uint64
}

// deadLetters keeps the calls of its add, which is for OnDrop.
type deadLetters struct {
	mu   sync.Mutex
	list []deadLetter
}

func (d *deadLetters) add(_ context.Context, r slog.Record, reason async.DropReason) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, deadLetter{r.Message, reason, goid.ID()})
}

func TestOnDropGetsEveryDrop(t *testing.T) {
	tests := []struct {
		policy async.Overflow
		want   []string
		reason async.DropReason
	}{
		{async.DropOldest, []string{"m1", "m2"}, async.DropOverflow},
		{async.DropNewest, []string{"m3", "m4"}, async.DropOverflow},
		{async.Block, []string{"m3", "m4"}, async.DropBlockTimeout},
	}
	for _, tt := range tests {
		bubble(t, tt.policy.String(), func(t *testing.T) {
			var letters deadLetters
			h, _, _ := newStuck(t, async.Options{
				Capacity: 2, Overflow: tt.policy, BlockTimeout: time.Second, OnDrop: letters.add,
			})
			callers := make(chan uint64, 1)
			for _, msgs := range [][]string{{"m1", "m2"}, {"m3", "m4"}} {
				go func() {
					sayEach(h, msgs...)
					callers <- goid.ID()
				}()
				caller := <-callers
				var want []deadLetter
				if msgs[0] == "m3" { // only now the queue is full
					for _, msg := range tt.want {
						want = append(want, deadLetter{msg, tt.reason, caller})
					}
				}
				assert.Equal(t, want, letters.list)
			}
		})
	}
}

func TestOnDropAtShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var letters deadLetters
		h, _, _ := newStuck(t, async.Options{OnDrop: letters.add})
		require.Empty(t, sayEach(h, "a", "b"))
		require.Error(t, h.Shutdown(canceled()))
		require.Equal(t, []string{"late"}, sayEach(h, "late"))
		me := goid.ID()
		assert.Equal(t, []deadLetter{
			{"a", async.DropShutdown, me},
			{"b", async.DropShutdown, me},
			{"late", async.DropClosed, me},
		}, letters.list)
	})
}

// OnDrop that shuts the handler down for a record which a shutdown has dropped does not
// wait for that shutdown, which waits for it.
func TestOnDropShutsDownDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *async.Handler
		var err error
		h, _, _ = newStuck(t, async.Options{OnDrop: func(context.Context, slog.Record, async.DropReason) {
			err = h.Shutdown(context.Background())
		}})
		require.Empty(t, sayEach(h, "a"))
		require.Error(t, h.Shutdown(canceled()))
		assert.ErrorIs(t, err, async.ErrReentrant)
	})
}

// OnDrop is called outside all locks: it may use the handler. What it logs is not
// given to it if it is dropped in turn.
func TestOnDropUsesTheHandler(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		bubble(t, policy.String(), func(t *testing.T) {
			var h *async.Handler
			calls := 0
			h, gate, rec := newStuck(t, async.Options{
				Capacity: 1, Overflow: policy, BlockTimeout: time.Second,
				OnDrop: func(ctx context.Context, r slog.Record, _ async.DropReason) {
					calls++
					s := h.Stats()
					requireBalanced(t, s)
					assert.NotZero(t, s.Dropped, "it is counted already")
					if calls < 100 { // should it be called for these two, it would go on for ever
						sayEach(h, "lost "+r.Message, "and more")
					}
					ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
					assert.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded, "next is blocked, nobody else is")
				},
			})
			sayEach(h, "a", "b")
			assert.Equal(t, 1, calls)
			drain(t, h, gate)
			s := h.Stats()
			requireBalanced(t, s)
			assert.Equal(t, 5, int(s.Received))
			assert.Equal(t, 3, int(s.Dropped))
			assert.Equal(t, 2, rec.Len(), "%v", rec.Messages())
		})
	}
}

// The context of a dropped record is the one that next would have got, its record
// has the attributes of the call.
func TestOnDropGetsContextAndRecord(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		var got []string
		h, _, _ := newStuck(t, async.Options{
			Capacity: 1, Overflow: async.DropOldest,
			OnDrop: func(ctx context.Context, r slog.Record, reason async.DropReason) {
				r.Attrs(func(a slog.Attr) bool {
					got = append(got, fmt.Sprintf("%v %v %v %v %v", ctx.Value(key{}), ctx.Err(), r.Level, a, reason))
					return true
				})
			},
		})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		slog.New(h).With("own", "of the handler").WarnContext(ctx, "m", "a", 1)
		cancel()
		sayEach(h, "another")
		assert.Equal(t, []string{"value <nil> WARN own=of the handler overflow", "value <nil> WARN a=1 overflow"}, got)
	})
}

func TestOnDropPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{
			Capacity: 1, Overflow: async.DropNewest,
			OnDrop: func(context.Context, slog.Record, async.DropReason) { panic("boom") },
		})
		assert.Equal(t, []string{"b", "c"}, sayEach(h, "a", "b", "c"))
		drain(t, h, gate)
		assert.Equal(t, []string{"inside", "a"}, rec.Messages())
		assert.Equal(t, uint64(2), h.Stats().Panics)
		assert.Contains(t, h.Stats().LastError, "boom")
	})
}

func TestContextReachesNext(t *testing.T) {
	type key struct{}
	value := context.WithValue(context.Background(), key{}, "value")
	expired, cancel := context.WithTimeout(value, -time.Second)
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		f    func(context.Context) context.Context
		want any
	}{
		{"values", value, nil, "value"},
		{"without cancellation", expired, nil, "value"},
		{"none", nil, nil, nil},
		{"of ContextFunc", expired, func(ctx context.Context) context.Context {
			return context.WithValue(context.Background(), key{}, ctx.Value(key{}).(string)+" kept")
		}, "value kept"},
		{"of a ContextFunc that returns none", value, func(context.Context) context.Context { return nil }, nil},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			rec := &testsink.Recorder{}
			h := async.New(rec, async.Options{ContextFunc: tt.f})
			require.NoError(t, h.Handle(tt.ctx, slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)))
			require.NoError(t, h.Close())
			require.NoError(t, h.Handle(tt.ctx, slog.NewRecord(time.Now(), slog.LevelInfo, "late", 0)))
			require.Equal(t, 2, rec.Len())
			for i, e := range rec.Records() {
				require.NotNil(t, e.Ctx)
				assert.NoError(t, e.Ctx.Err(), i)
				_, ok := e.Ctx.Deadline()
				assert.False(t, ok)
				assert.Nil(t, e.Ctx.Done())
				assert.Equal(t, tt.want, e.Ctx.Value(key{}), e.Record.Message)
			}
		})
	}
}

func TestContextFuncIsCalledOnTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var goroutines []uint64
		h := async.New(&testsink.Recorder{}, async.Options{ContextFunc: func(ctx context.Context) context.Context {
			goroutines = append(goroutines, goid.ID())
			return ctx
		}})
		sayEach(h, "a", "b")
		require.NoError(t, h.Close())
		assert.Equal(t, []uint64{goid.ID(), goid.ID()}, goroutines, "once for each record")
	})
}
