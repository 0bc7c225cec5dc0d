package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// During an outage all that waits makes room for what comes, but for the record that
// was refused: also what the worker had taken together with it.
func TestEvictableWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, nil)
		h, plug := plugged(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxAttempts: 1000, DropReports: -1})
		info(h, numbered(1, 8)...)
		plug.Release()
		time.Sleep(time.Second)
		assertOutcomes(t, h, outcomes{depth: 9})
		info(h, numbered(9, 30)...)
		assertOutcomes(t, h, outcomes{depth: 8, dropped: 23}) // what is held counts, and can be evicted, too
		next.Heal()
		time.Sleep(maxOpenTime)
		assertOutcomes(t, h, outcomes{delivered: 8, dropped: 23})
		assert.Equal(t, numbered(23, 30), rec.Messages())
	})
}

// What the worker has taken but next was not given yet can be evicted even while
// next hangs in a call.
func TestEvictableWhileInsideNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewBlocker(rec)
		next.Release()
		h, plug := plugged(t, next, async.Options{Capacity: 8, DropReports: -1, StallTimeout: -1})
		info(h, numbered(1, 8)...)
		next.Block()
		plug.Release()
		synctest.Wait() // "plug" is in next
		next.Step()
		synctest.Wait() // the worker has the 8 in its hands, "1" is in next
		info(h, numbered(9, 30)...)
		next.Release()
		assertOutcomes(t, h, outcomes{delivered: 10, dropped: 21})
		assert.Equal(t, append([]string{"plug", "1"}, numbered(23, 30)...), rec.Messages())
	})
}

// A caller may take the worker's batch away while the worker asks the gate.
func TestEvictedWhileTheGateIsAsked(t *testing.T) {
	for _, keep := range []int{0, 1, 3} { // records that are protected
		bubble(t, fmt.Sprintf("%d protected", keep), func(t *testing.T) {
			const capacity = 4
			rec, asked := &testsink.Recorder{}, testsink.NewGate()
			gate := &fakeGate{inAllow: asked.Pass}
			h := begin(t, rec, async.Options{Gate: gate, Capacity: capacity, DropReports: -1})
			t.Cleanup(asked.Release)
			fill := func(from int) {
				msgs := numbered(from, from+capacity-1)
				errorLevel(h, msgs[:keep]...)
				info(h, msgs[keep:]...)
			}
			fill(1)
			<-asked.Entered()
			time.Sleep(time.Millisecond) // the worker may have left some in the ring
			fill(11)
			fill(21)
			asked.Release()
			synctest.Wait()
			s := assertIdentity(t, h)
			assert.Equal(t, s.Delivered+s.Dropped, uint64(3*capacity))
			assert.Len(t, rec.Messages(), int(s.Delivered))
			assert.IsIncreasing(t, rec.Messages())
			assert.Zero(t, s.Panics)
			gate.assertSettled(t)
		})
	}
}

// During a shutdown the open time is not waited for: next is tried at once and then
// at the pace of retries.
func TestShutdownDuringOutage(t *testing.T) {
	begun := func(t *testing.T, answer func(string) error, opts async.Options) (*async.Handler, *journal) {
		calls := newJournal()
		opts.Gate = breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{Timeout: time.Hour}})
		opts.MaxAttempts = 1000
		h := begin(t, calls.handler(answer), opts)
		info(h, numbered(1, 10)...)
		time.Sleep(time.Minute)
		require.Equal(t, []string{"1", "1", "2", "3", "4", "5"}, calls.what())
		calls.reset()
		return h, calls
	}

	bubble(t, "next comes back", func(t *testing.T) {
		heals := time.Now().Add(time.Minute + 200*time.Millisecond)
		h, calls := begun(t, func(string) error {
			if time.Now().Before(heals) {
				return errDown
			}
			return nil
		}, async.Options{})
		require.NoError(t, h.Shutdown(context.Background()))
		assert.Less(t, time.Since(calls.start), time.Second, "the open time is not waited for")
		assertOutcomes(t, h, outcomes{delivered: 10})
	})

	bubble(t, "next stays away", func(t *testing.T) {
		h, calls := begun(t, down, async.Options{Name: "x"})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := h.Shutdown(ctx)
		assert.Equal(t, 2*time.Second, time.Since(calls.start))
		assert.Greater(t, len(calls.when()), 5, "at the pace of retries")
		assert.Zero(t, calls.when()[0], "at once")
		var undelivered *async.ShutdownError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, async.ShutdownError{
			Handler: "x", Undelivered: 10, Err: context.DeadlineExceeded,
			Drops: []async.DropCount{{Reason: async.DropShutdown, Level: slog.LevelInfo, Count: 10}},
		}, *undelivered)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assertOutcomes(t, h, outcomes{dropped: 10})
		assert.Equal(t, err, h.Close())
	})

	bubble(t, "a bad record", func(t *testing.T) {
		heals := time.Now().Add(time.Minute)
		h, _ := begun(t, func(msg string) error {
			if time.Now().Before(heals) || msg == "1" {
				return errDown
			}
			return nil
		}, async.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := h.Shutdown(ctx) // fewer than MaxAttempts: "1" is held to the end
		var undelivered *async.ShutdownError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, 1, undelivered.Undelivered)
	})
}

// Nor is the rest of a pause waited for.
func TestShutdownEndsPause(t *testing.T) {
	for _, g := range gates[:2] {
		bubble(t, g.name, func(t *testing.T) {
			calls := newJournal()
			h := begin(t, calls.handler(down), async.Options{Gate: g.gate(), MaxAttempts: 1000})
			info(h, "1")
			time.Sleep(3 * time.Second) // the next try is at 3.27 s
			calls.reset()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			require.Error(t, h.Shutdown(ctx))
			assert.Equal(t, ms(0, 10, 30, 70), calls.when())
		})
	}
}

// Two records can be held: the bad one, and the one behind it that went ahead.
func TestHeldCountInShutdownError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := newJournal()
		h := begin(t, calls.handler(down), async.Options{Gate: newBreaker(), MaxAttempts: 1})
		info(h, numbered(1, 5)...)
		time.Sleep(time.Minute)
		require.Contains(t, calls.what(), "2")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var undelivered *async.ShutdownError
		require.ErrorAs(t, h.Shutdown(ctx), &undelivered)
		assert.Equal(t, 5, undelivered.Undelivered)
		assertOutcomes(t, h, outcomes{dropped: 5})
	})
}

// What next refuses during a shutdown goes to the fallback.
func TestShutdownFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		h, plug := plugged(t, testsink.NewFailer(nil, errDown, nil), async.Options{Gate: newBreaker(), Fallback: fallback})
		info(h, numbered(1, 20)...)
		done := make(chan error)
		go func() { done <- h.Shutdown(context.Background()) }()
		synctest.Wait()
		start := time.Now()
		plug.Release()
		require.NoError(t, <-done)
		assert.Zero(t, time.Since(start), "what next refuses needs no second try")
		assertOutcomes(t, h, outcomes{fallback: 21})
		assert.Equal(t, append([]string{"plug"}, numbered(1, 20)...), fallback.Messages())
	})
}

// Code that ends the worker's goroutine during a shutdown does not lose the drain.
func TestShutdownGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewExiter(rec, testsink.Every(2))
		h, plug := plugged(t, next, async.Options{Gate: newBreaker()})
		info(h, numbered(1, 9)...)
		done := make(chan error)
		go func() { done <- h.Shutdown(context.Background()) }()
		synctest.Wait()
		plug.Release()
		err := <-done
		require.ErrorContains(t, err, "5 records failed")
		require.ErrorContains(t, err, "runtime.Goexit")
		assertOutcomes(t, h, outcomes{delivered: 5, failed: 5})
		assert.Equal(t, []string{"plug", "2", "4", "6", "8"}, rec.Messages())
	})
}
