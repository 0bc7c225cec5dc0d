package async_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// What waits beside a next that hangs goes to a fallback that is well, whatever the time that
// there is and whatever counts as a stall.
func TestShutdownBesideAHungNext(t *testing.T) {
	for _, tt := range []struct {
		name    string
		opts    async.Options
		timeout time.Duration
		most    time.Duration // until the fallback has all
	}{
		{"the hang is no stall yet", async.Options{}, 3 * time.Second, time.Second},
		{"with a gate", async.Options{Gate: &fakeGate{}}, 3 * time.Second, time.Second},
		{"a stall is longer", async.Options{StallTimeout: time.Minute}, 10 * time.Second, time.Second},
		{"no stall", async.Options{StallTimeout: -1}, 10 * time.Second, time.Second},
		{"little time", async.Options{}, 500 * time.Millisecond, 400 * time.Millisecond},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			fallback := &testsink.Recorder{}
			tt.opts.Fallback = fallback
			h, _ := plugged(t, &testsink.Recorder{}, tt.opts)
			info(h, numbered(1, 10)...)
			began := time.Now()
			time.AfterFunc(tt.most, func() {
				synctest.Wait()
				assert.Equal(t, numbered(1, 10), fallback.Messages())
			})
			var e *async.ShutdownError
			require.ErrorAs(t, shutdownIn(h, tt.timeout), &e)
			assert.Equal(t, tt.timeout, time.Since(began))
			assert.Equal(t, 1, e.Undelivered, "the one inside next")
			assertOutcomes(t, h, outcomes{fallback: 10, depth: 1})
		})
	}
}

// Who asks for an earlier end of a shutdown under way has its records out by then, too.
func TestSecondShutdownIsInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := plugged(t, &testsink.Recorder{}, async.Options{Fallback: &testsink.Recorder{}})
		info(h, numbered(1, 10)...)
		go func() { _ = h.Shutdown(context.Background()) }()
		synctest.Wait()
		require.Error(t, shutdownIn(h, 100*time.Millisecond))
		assertOutcomes(t, h, outcomes{fallback: 10, depth: 1})
	})
}

// A next that is slow and gets on has four fifths of the time; the fallback gets the rest, in
// order, also between two calls.
func TestShutdownBesideASlowNext(t *testing.T) {
	for _, batch := range []int{1, 256} {
		bubble(t, fmt.Sprint(batch), func(t *testing.T) {
			rec, fallback := &testsink.Recorder{}, &testsink.Recorder{}
			h := begin(t, testsink.NewSlow(rec, 300*time.Millisecond), async.Options{Fallback: fallback, BatchSize: batch})
			info(h, numbered(1, 100)...)
			began := time.Now()
			require.NoError(t, shutdownIn(h, 10*time.Second))
			assert.Equal(t, 8100*time.Millisecond, time.Since(began))
			assert.Equal(t, numbered(1, 27), rec.Messages())
			assert.Equal(t, numbered(28, 100), fallback.Messages())
		})
	}
}

// The same holds if another worker has the role already.
func TestShutdownBesideAHungNextAndAStandIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, fallback := newHanging(t), &testsink.Recorder{}
		next := testsink.NewFailer(hung.handler(), errDown, testsink.HasMessage("bad"))
		h := begin(t, next, async.Options{Fallback: fallback, Capacity: 4})
		info(h, "bad")
		untilNapsAreOver()
		info(h, "hang")
		untilNapsAreOver()
		info(h, "1", "2")
		time.Sleep(500 * time.Millisecond)
		assert.Equal(t, []string{"bad", "1", "2"}, fallback.Messages(), "half of the queue")
		info(h, "3")
		time.AfterFunc(time.Second, func() { assert.Equal(t, []string{"bad", "1", "2", "3"}, fallback.Messages()) })
		require.Error(t, shutdownIn(h, 3*time.Second))
	})
}
