package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestOverflowPolicies(t *testing.T) {
	policies := []struct {
		name    string
		opts    async.Options
		newest  bool // the newest survive
		refused bool
		drops   map[string]uint64
	}{
		{"DropOldest", async.Options{Overflow: async.DropOldest}, true, false, map[string]uint64{"overflow INFO": 3}},
		{"DropNewest", async.Options{Overflow: async.DropNewest}, false, true, map[string]uint64{"overflow INFO": 3}},
		{"Block", async.Options{Overflow: async.Block, BlockTimeout: time.Second}, false, true, map[string]uint64{"block_timeout INFO": 3}},
	}
	capacities := []struct{ given, rounded int }{{1, 1}, {2, 2}, {3, 4}, {4, 4}}
	for _, p := range policies {
		for _, c := range capacities {
			for _, batch := range []int{1, 256} {
				bubble(t, fmt.Sprintf("%s/capacity=%d/batch=%d", p.name, c.given, batch), func(t *testing.T) {
					p.opts.Capacity, p.opts.BatchSize = c.given, batch
					h, gate, rec := newStuck(t, p.opts)
					msgs := counted("m", c.rounded+3)
					survivors, refused := msgs[:c.rounded], msgs[c.rounded:]
					if p.newest {
						survivors = msgs[3:]
					}
					if !p.refused {
						refused = nil
					}

					assert.Equal(t, refused, sayEach(h, msgs...))

					s := h.Stats()
					requireBalanced(t, s)
					assert.Equal(t, c.rounded, s.Capacity)
					assert.Equal(t, c.rounded+1, s.Depth, "the one inside next too")
					assert.Equal(t, p.drops, dropCounts(s))
					drain(t, h, gate)
					assert.Equal(t, slices.Concat([]string{"inside"}, survivors), rec.Messages())
					s = h.Stats()
					requireBalanced(t, s)
					assert.Equal(t, c.rounded+1, int(s.Delivered))
					assert.Zero(t, s.Depth)
				})
			}
		}
	}
}

func TestRefusedCallGetsErrDropped(t *testing.T) {
	for _, opts := range []async.Options{
		{Overflow: async.DropNewest},
		{Overflow: async.Block, BlockTimeout: time.Second},
	} {
		bubble(t, opts.Overflow.String(), func(t *testing.T) {
			opts.Capacity = 1
			h, _, _ := newStuck(t, opts)
			require.NoError(t, say(h, slog.LevelInfo, "waits"))
			assert.ErrorIs(t, say(h, slog.LevelInfo, "refused"), async.ErrDropped)
		})
	}
}

// What the worker has taken but not begun counts as waiting: it can be evicted, and
// what is left of it stays older than what came later.
func TestOverflowReachesIntoTheBatch(t *testing.T) {
	tests := []struct {
		policy        async.Overflow
		refused, want []string
	}{
		{async.DropOldest, nil, []string{"inside", "a1", "m2", "m3"}},
		{async.DropNewest, []string{"m3"}, []string{"inside", "a1", "a2", "m1", "m2"}},
	}
	for _, tt := range tests {
		bubble(t, tt.policy.String(), func(t *testing.T) {
			h, gate, rec := newStuck(t, async.Options{Capacity: 2, Overflow: tt.policy})
			sayEach(h, "a1", "a2")
			gate.Step() // the worker takes both and is inside next with a1
			synctest.Wait()
			require.Equal(t, 2, h.Stats().Depth)
			assert.Equal(t, tt.refused, sayEach(h, "m1", "m2", "m3"))
			drain(t, h, gate)
			assert.Equal(t, tt.want, rec.Messages())
			requireBalanced(t, h.Stats())
		})
	}
}

func TestBlockWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.Block})
		require.NoError(t, say(h, slog.LevelInfo, "waits"))
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { assert.NoError(t, say(h, slog.LevelInfo, testsink.Message(i, 0))) })
		}
		time.Sleep(7 * time.Minute)
		require.Zero(t, h.Stats().Dropped)
		gate.Release()
		wg.Wait()
		require.NoError(t, h.Flush(t.Context()))
		assert.Equal(t, []string{"inside", "waits"}, rec.Messages()[:2])
		require.NoError(t, testsink.Check(rec.Messages()[2:], 3, 1).Err())
		assert.Equal(t, 3*7*time.Minute, h.Stats().Blocked)
	})
}

func TestBlockEndsWait(t *testing.T) {
	const never = 0
	tests := []struct {
		name              string
		timeout, deadline time.Duration
		want              time.Duration
	}{
		{"timeout", 50 * time.Millisecond, never, 50 * time.Millisecond},
		{"deadline", never, 300 * time.Millisecond, 300 * time.Millisecond},
		{"deadline that comes early", never, 30 * time.Millisecond, 100 * time.Millisecond},
		{"timeout before deadline", 10 * time.Millisecond, time.Hour, 10 * time.Millisecond},
		{"deadline before timeout", time.Hour, 200 * time.Millisecond, 200 * time.Millisecond},
		{"ended context", never, -time.Second, 100 * time.Millisecond},
		{"ended context and timeout", time.Hour, -time.Second, 100 * time.Millisecond},
		{"ended context and short timeout", 20 * time.Millisecond, -time.Second, 20 * time.Millisecond},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			h, _, _ := newStuck(t, async.Options{Capacity: 1, Overflow: async.Block, BlockTimeout: tt.timeout})
			ctx := t.Context()
			if tt.deadline != never {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.deadline)
				defer cancel()
			}
			rec := slog.NewRecord(time.Now(), slog.LevelWarn, "m", 0)
			require.NoError(t, h.Handle(ctx, rec), "the context does not matter while there is room")
			for range 2 { // a worker found stalled is waited for again: that is what Block asks for
				began := time.Now()
				want := tt.want
				if deadline, ok := ctx.Deadline(); ok { // it may have ended in the first round
					want = min(want, max(100*time.Millisecond, time.Until(deadline)))
				}
				require.ErrorIs(t, h.Handle(ctx, rec), async.ErrDropped)
				assert.Equal(t, want, time.Since(began))
			}
			assert.Equal(t, map[string]uint64{"block_timeout WARN": 2}, dropCounts(h.Stats()))
			requireBalanced(t, h.Stats())
		})
	}
}

// A canceled context ends the wait of its own call only.
func TestBlockCancelWakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 1, Overflow: async.Block})
		require.NoError(t, say(h, slog.LevelInfo, "waits"))
		ctx, cancel := context.WithCancel(t.Context())
		one, other := make(chan error, 1), make(chan error, 1)
		go func() { one <- h.Handle(ctx, slog.NewRecord(time.Now(), slog.LevelInfo, "canceled", 0)) }()
		go func() { other <- say(h, slog.LevelInfo, "patient") }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-one, async.ErrDropped)
		synctest.Wait()
		require.Empty(t, other)
		drain(t, h, gate)
		require.NoError(t, <-other)
		require.NoError(t, h.Flush(t.Context()))
		assert.Equal(t, []string{"inside", "waits", "patient"}, rec.Messages())
	})
}

func TestLevelsOfDropsAreTheNearestBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := newStuck(t, async.Options{Capacity: 1, Overflow: async.DropNewest})
		require.NoError(t, say(h, slog.LevelError, "waits"))
		for _, level := range []slog.Level{-100, slog.LevelDebug, -1, slog.LevelInfo, 3, slog.LevelWarn, 7, slog.LevelError, 100} {
			require.ErrorIs(t, say(h, level, "refused"), async.ErrDropped)
		}
		assert.Equal(t, map[string]uint64{"overflow DEBUG": 3, "overflow INFO": 2, "overflow WARN": 2, "overflow ERROR": 2}, dropCounts(h.Stats()))
		assert.Len(t, h.Stats().Drops, 8*4, "every pair, zeros too")
	})
}
