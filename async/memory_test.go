package async_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// The sizes of records, as the budget counts them.
const (
	unit     = 100 // of one that sized makes of a name
	plugSize = 12  // of the one that plugged logs
)

// sized makes a message of a name that makes the record hold n bytes.
func sized(name string, n int) string { return name + strings.Repeat(".", n-8-len(name)) }

// names returns the names of the messages, in order.
func names(msgs []string) (names []string) {
	for _, msg := range msgs {
		names = append(names, strings.TrimRight(msg, "."))
	}
	return names
}

// limited returns a budget that must be unused when the test has ended, after the
// handlers which are made later have been closed.
func limited(t *testing.T, limit int64) *membudget.Budget {
	b := membudget.New(limit, membudget.Options{})
	t.Cleanup(func() { assert.Zero(t, b.Used(), "bytes in use after the drain") })
	return b
}

// logSized logs records of one unit, in order: those whose name begins with an E are
// errors, and those that begin with a D debug. It returns the names of the refused.
func logSized(h slog.Handler, names ...string) (refused []string) {
	for _, name := range names {
		level := slog.LevelInfo
		switch name[0] {
		case 'E':
			level = slog.LevelError
		case 'D':
			level = slog.LevelDebug
		}
		if h.Handle(context.Background(), slog.NewRecord(time.Now(), level, sized(name, unit), 0)) != nil {
			refused = append(refused, name)
		}
	}
	return refused
}

// drops returns how many records were dropped for each reason.
func drops(h *async.Handler) map[async.DropReason]int {
	m := map[async.DropReason]int{}
	for _, d := range h.Stats().Drops {
		if d.Count > 0 {
			m[d.Reason] += int(d.Count)
		}
	}
	return m
}

// There is room for four records behind the one that next is at.
func TestRecordsThatDoNotFit(t *testing.T) {
	const memory, timeout = async.DropMemory, async.DropBlockTimeout
	type count = map[async.DropReason]int
	tests := []struct {
		name    string
		policy  async.Overflow
		log     string
		want    string
		refused string
		drops   count
	}{
		{"all fit", async.DropOldest, "1 2 3 4", "1 2 3 4", "", count{}},
		{"the oldest make room", async.DropOldest, "1 2 3 4 5 6", "3 4 5 6", "", count{memory: 2}},
		{"the oldest unprotected ones do", async.DropOldest, "E1 D2 E3 D4 5 E6", "E1 E3 5 E6", "", count{memory: 2}},
		{"only protected ones wait", async.DropOldest, "E1 E2 E3 E4 5 D6", "E1 E2 E3 E4", "5 D6", count{memory: 2}},
		{"only protected ones wait and another comes", async.DropOldest, "E1 E2 E3 E4 E5", "E2 E3 E4 E5", "", count{memory: 1}},

		{"newest: the newcomer is refused", async.DropNewest, "1 2 3 4 5 6", "1 2 3 4", "5 6", count{memory: 2}},
		{"newest: a protected newcomer", async.DropNewest, "E1 2 3 4 E5 6 E7", "E1 4 E5 E7", "6", count{memory: 3}},
		{"newest: only protected ones", async.DropNewest, "E1 E2 E3 E4 E5 6", "E1 E2 E3 E4", "E5 6", count{memory: 2}},

		{"block: the wait ends", async.Block, "1 2 3 4 5 6", "1 2 3 4", "5 6", count{timeout: 2}},
		{"block: a protected newcomer", async.Block, "E1 2 3 4 E5 6 E7", "E1 4 E5 E7", "6", count{memory: 2, timeout: 1}},
		{"block: only protected ones", async.Block, "E1 E2 E3 E4 E5 6", "E1 E2 E3 E4", "E5 6", count{timeout: 2}},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			b := limited(t, plugSize+4*unit)
			rec := &testsink.Recorder{}
			h, plug := plugged(t, rec, async.Options{Budget: b, Overflow: tt.policy, BlockTimeout: time.Second, DropReports: -1, StallTimeout: -1})
			assert.Equal(t, strings.Fields(tt.refused), append([]string{}, logSized(h, strings.Fields(tt.log)...)...))
			assert.Equal(t, tt.drops, drops(h))
			assert.EqualValues(t, plugSize+4*unit, b.Used())
			s := assertIdentity(t, h)
			assert.Equal(t, b.Used(), s.MemoryUsed)
			assert.Equal(t, b.Limit(), s.MemoryLimit)
			plug.Release()
			synctest.Wait()
			assert.Equal(t, append([]string{"plug"}, strings.Fields(tt.want)...), names(rec.Messages()))
			assert.Zero(t, h.Stats().MemoryUsed, "released at the outcome, not at the end")
		})
	}
}

// A large record takes the place of as many small ones as it needs.
func TestLargeRecordTakesTheRoomOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec, dropped := &testsink.Recorder{}, &testsink.Recorder{}
		h, plug := plugged(t, rec, async.Options{
			Budget: limited(t, plugSize+4*unit), DropReports: -1, StallTimeout: -1,
			OnDrop: func(ctx context.Context, r slog.Record, reason async.DropReason) {
				assert.Equal(t, async.DropMemory, reason)
				_ = dropped.Handle(ctx, r)
			},
		})
		assert.Empty(t, logSized(h, "1", "E2", "3", "4"))
		info(h, sized("large", 2*unit))
		plug.Release()
		synctest.Wait()
		assert.Equal(t, []string{"1", "3"}, names(dropped.Messages()))
		assert.Equal(t, []string{"plug", "E2", "4", "large"}, names(rec.Messages()))
	})
}

// What can never fit is refused at once and costs no other record its place.
func TestOversize(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		bubble(t, policy.String(), func(t *testing.T) {
			const limit = plugSize + 4*unit
			rec := &testsink.Recorder{}
			h, plug := plugged(t, rec, async.Options{Budget: limited(t, limit), Overflow: policy, DropReports: -1, StallTimeout: -1})
			require.Empty(t, logSized(h, "1", "2"))
			start := time.Now()
			for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
				r := slog.NewRecord(time.Now(), level, sized("x", limit+1), 0)
				require.ErrorIs(t, h.Handle(t.Context(), r), async.ErrDropped)
			}
			assert.Zero(t, time.Since(start))
			assert.Equal(t, map[async.DropReason]int{async.DropOversize: 2}, drops(h))
			plug.Release()
			synctest.Wait()
			info(h, sized("all", limit)) // exactly the limit does fit
			untilNapsAreOver()
			assert.Equal(t, []string{"plug", "1", "2", "all"}, names(rec.Messages()))
		})
	}
}

// A caller that waits for bytes goes on as soon as a delivery has released them.
func TestBlockUntilBytesAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewBlocker(rec)
		h := begin(t, next, async.Options{Budget: limited(t, unit), Overflow: async.Block, StallTimeout: -1})
		t.Cleanup(next.Release)
		require.Empty(t, logSized(h, "1"))
		done := make(chan []string)
		go func() { done <- logSized(h, "2") }()
		time.Sleep(time.Minute)
		assert.Empty(t, done)
		start := time.Now()
		next.Step()
		assert.Empty(t, <-done)
		assert.Zero(t, time.Since(start), "woken, not found by polling")
		next.Release()
		untilNapsAreOver()
		assert.Equal(t, []string{"1", "2"}, names(rec.Messages()))
		assert.Equal(t, time.Minute, h.Stats().Blocked)
	})
}

// The end of the call's context, and the shutdown, end the wait for bytes.
func TestWaitForBytesEnds(t *testing.T) {
	begun := func(t *testing.T) *async.Handler {
		h, _ := plugged(t, &testsink.Recorder{}, async.Options{Budget: limited(t, plugSize), Overflow: async.Block, StallTimeout: -1})
		return h
	}
	bubble(t, "context", func(t *testing.T) {
		h := begun(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, h.Handle(ctx, slog.NewRecord(start, slog.LevelError, "late", 0)), async.ErrDropped)
		assert.Equal(t, time.Minute, time.Since(start))
		assert.Equal(t, map[async.DropReason]int{async.DropBlockTimeout: 1}, drops(h))
	})
	bubble(t, "shutdown", func(t *testing.T) {
		h := begun(t)
		refused := make(chan error)
		go func() { refused <- h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "late", 0)) }()
		synctest.Wait()
		start := time.Now()
		go func() { _ = h.Close() }()
		require.ErrorIs(t, <-refused, async.ErrClosed)
		assert.Zero(t, time.Since(start))
		assert.Equal(t, map[async.DropReason]int{async.DropClosed: 1}, drops(h))
	})
}

// Under the policies that drop, a stalled worker is waited for once, not once per call.
func TestStalledWorkerIsWaitedForOnceForBytes(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
		bubble(t, policy.String(), func(t *testing.T) {
			h, _ := plugged(t, &testsink.Recorder{}, async.Options{Budget: limited(t, plugSize+unit), Overflow: policy, StallTimeout: -1})
			start := time.Now()
			for range 100 {
				logSized(h, "1")
			}
			assert.Equal(t, 100*time.Millisecond, time.Since(start))
		})
	}
}

// Next that logs a record for which there are no bytes cannot wait for itself.
func TestReentrantRecordThatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *async.Handler
		next := testsink.Func(func(_ context.Context, r slog.Record) error {
			if strings.HasPrefix(r.Message, "1") {
				assert.Equal(t, []string{"E2"}, logSized(h, "E2"))
			}
			return nil
		})
		h = begin(t, next, async.Options{Budget: limited(t, unit), Overflow: async.Block})
		require.Empty(t, logSized(h, "1"))
		assertOutcomes(t, h, outcomes{delivered: 1, dropped: 1})
		assert.Equal(t, map[async.DropReason]int{async.DropReentrant: 1}, drops(h))
	})
}

// A batch of large records in the hands of a worker inside a hung next: what next
// was not given yet makes room for errors.
func TestErrorsGetInWhileAHungWorkerHoldsAllBytes(t *testing.T) {
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		for _, stall := range []time.Duration{-1, 20 * time.Millisecond} {
			bubble(t, policy.String()+" with a stall timeout of "+stall.String(), func(t *testing.T) {
				rec := &testsink.Recorder{}
				next := testsink.NewBlocker(rec)
				next.Release()
				b := limited(t, plugSize+4*unit)
				h, plug := plugged(t, next, async.Options{Budget: b, Overflow: policy, BlockTimeout: time.Second, DropReports: -1, StallTimeout: stall})
				t.Cleanup(next.Release)
				require.Empty(t, logSized(h, "1", "2", "E3", "4"))
				next.Block()
				plug.Release()
				synctest.Wait() // "plug" is in next
				next.Step()
				synctest.Wait() // "1" is in next, the worker has the others in its hands
				info(h, "rest") // takes the bytes that "plug" has released
				require.EqualValues(t, b.Limit(), b.Used())
				assert.Empty(t, logSized(h, "E5", "E6"))
				require.LessOrEqual(t, b.Used(), b.Limit())
				next.Release()
				synctest.Wait()
				assert.Equal(t, []string{"plug", "1", "E3", "rest", "E5", "E6"}, names(rec.Messages()))
			})
		}
	}
}
