package async_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// Errors among a flood of debug lines into a next that is blocked come out when it is
// back, all of them, those of a goroutine in the order of its calls (P6).
func TestErrorsSurviveTheFlood(t *testing.T) {
	const goroutines, each = 4, 100
	for _, tt := range []struct {
		opts  async.Options
		flood int // debug records of one goroutine
	}{
		{async.Options{Overflow: async.DropOldest}, 25_000},
		{async.Options{Overflow: async.DropNewest}, 25_000},
		{async.Options{Overflow: async.Block, BlockTimeout: time.Microsecond}, 2_500}, // each of them waits
	} {
		bubble(t, tt.opts.Overflow.String(), func(t *testing.T) {
			tt.opts.Capacity = 512
			h, gate, rec := newStuck(t, tt.opts)
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					for i := range tt.flood {
						_ = say(h, slog.LevelDebug, "flood") // most are refused
						if i%(tt.flood/each) == 0 {
							assert.NoError(t, say(h, slog.LevelError, testsink.Message(g, i/(tt.flood/each))))
						}
					}
				})
			}
			wg.Wait()
			s := h.Stats()
			requireBalanced(t, s)
			require.Equal(t, 1+goroutines*(tt.flood+each), int(s.Received))
			require.LessOrEqual(t, s.Depth, 512+1, "the capacity bounds lower and protected records together")
			drain(t, h, gate)
			var errs []string
			for _, msg := range rec.Messages() {
				if strings.HasPrefix(msg, "g") {
					errs = append(errs, msg)
				}
			}
			require.NoError(t, testsink.Check(errs, goroutines, each).Err())
			requireBalanced(t, h.Stats())
		})
	}
}

// The newcomers n1 and n2 meet a full queue of old records, with next blocked.
func TestProtectedLevel(t *testing.T) {
	const e, i = slog.LevelError, slog.LevelInfo
	refused := async.ErrDropped
	tests := []struct {
		name   string
		policy async.Overflow
		old    []slog.Level // of o1, o2, ...; as many as there is room for
		new    []slog.Level
		errs   []error
		want   string // what comes out after the one inside next
	}{
		{"oldest unprotected goes", async.DropOldest, []slog.Level{e, i, e, i}, []slog.Level{i}, []error{nil}, "o1 o3 o4 n1"},
		{"for a protected one too", async.DropOldest, []slog.Level{e, i, e, i}, []slog.Level{e, e}, []error{nil, nil}, "o1 o3 n1 n2"},
		{"lower newcomer among protected", async.DropOldest, []slog.Level{e, e, e, e}, []slog.Level{i}, []error{refused}, "o1 o2 o3 o4"},
		{"protected newcomer among protected", async.DropOldest, []slog.Level{e, e, e, e}, []slog.Level{e, e}, []error{nil, nil}, "o3 o4 n1 n2"},

		{"lower newcomer", async.DropNewest, []slog.Level{e, i, e, i}, []slog.Level{i}, []error{refused}, "o1 o2 o3 o4"},
		{"protected newcomer", async.DropNewest, []slog.Level{e, i, e, i}, []slog.Level{e, e}, []error{nil, nil}, "o1 o3 n1 n2"},
		{"protected newcomer among protected", async.DropNewest, []slog.Level{e, e, e, e}, []slog.Level{e}, []error{refused}, "o1 o2 o3 o4"},

		{"lower newcomer", async.Block, []slog.Level{e, i, e, i}, []slog.Level{i}, []error{refused}, "o1 o2 o3 o4"},
		{"protected newcomer", async.Block, []slog.Level{e, i, e, i}, []slog.Level{e, e}, []error{nil, nil}, "o1 o3 n1 n2"},
		{"protected newcomer among protected", async.Block, []slog.Level{e, e, e, e}, []slog.Level{e}, []error{refused}, "o1 o2 o3 o4"},
	}
	for _, tt := range tests {
		bubble(t, tt.policy.String()+"/"+tt.name, func(t *testing.T) {
			h, gate, rec := newStuck(t, async.Options{Capacity: len(tt.old), Overflow: tt.policy, BlockTimeout: time.Second})
			for n, msg := range counted("o", len(tt.old)) {
				require.NoError(t, say(h, tt.old[n], msg))
			}
			var dropped uint64
			for n, msg := range counted("n", len(tt.new)) {
				require.Equal(t, tt.errs[n], say(h, tt.new[n], msg), msg)
				dropped++
			}
			assert.Equal(t, dropped, h.Stats().Dropped)
			drain(t, h, gate)
			assert.Equal(t, "inside "+tt.want, strings.Join(rec.Messages(), " "))
			requireBalanced(t, h.Stats())
		})
	}
}

// A protected newcomer that takes another's place under Block had its wait first.
func TestProtectedNewcomerBlocksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, _ := newStuck(t, async.Options{Capacity: 1, Overflow: async.Block, BlockTimeout: time.Second})
		require.NoError(t, say(h, slog.LevelInfo, "old"))
		began := time.Now()
		require.NoError(t, say(h, slog.LevelError, "new"))
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, map[string]uint64{"overflow INFO": 1}, dropCounts(h.Stats()), "the one that made room")
	})
}

// Protected records that waited longest still come first after others around them
// were evicted and the worker's batch was taken back.
func TestEvictionKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, gate, rec := newStuck(t, async.Options{Capacity: 8})
		for g := range 2 { // the second round meets a batch in the worker's hands
			for i := range 40 {
				level := slog.LevelDebug
				if i%10 == 0 {
					level = slog.LevelError
				}
				require.NoError(t, say(h, level, testsink.Message(g, i)))
			}
			gate.Step()
			synctest.Wait()
		}
		drain(t, h, gate)
		msgs := rec.Messages()[1:]
		ledger := testsink.Check(msgs, 2, 40)
		assert.Empty(t, ledger.Unordered)
		assert.Empty(t, ledger.Duplicates)
		assert.Empty(t, ledger.Unknown)
		for g := range 2 {
			for i := 0; i < 40; i += 10 {
				assert.Contains(t, msgs, testsink.Message(g, i))
			}
		}
	})
}

func TestProtectedLevelIsDynamic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.LevelVar
		level.Set(slog.LevelWarn)
		h, gate, rec := newStuck(t, async.Options{Capacity: 2, ProtectedLevel: &level})
		require.NoError(t, say(h, slog.LevelWarn, "w1"))
		require.NoError(t, say(h, slog.LevelInfo, "i1"))
		require.NoError(t, say(h, slog.LevelInfo, "i2")) // in the place of i1
		level.Set(slog.LevelError)
		require.NoError(t, say(h, slog.LevelInfo, "i3"))
		require.NoError(t, say(h, slog.LevelInfo, "i4"))
		drain(t, h, gate)
		assert.NotContains(t, rec.Messages(), "i1")
		assert.Equal(t, "i4", rec.Messages()[rec.Len()-1])
		requireBalanced(t, h.Stats())
	})
}
