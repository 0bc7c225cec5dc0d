package async_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// With a broken disk a shutdown delivers what waits in memory, though older records stay on
// the disk: it would be lost.
func TestShutdownWithABrokenSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		broken := &brokenSpool{Spool: openSpool(t, t.TempDir())}
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: broken, ErrorHandler: func(error) {}})
		logSlowly(h, numbered(1, 20)...)
		require.Positive(t, h.Stats().Spooled)
		full := errors.New("no space left")
		broken.err.Store(&full)
		logSlowly(h, numbered(21, 23)...)
		next.Heal()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, h.Shutdown(ctx))
		messages := rec.Messages()
		require.Equal(t, numbered(21, 23), messages[len(messages)-3:])
		s := assertIdentity(t, h)
		require.Zero(t, s.Dropped)
		require.Positive(t, s.Spooled)
	})
}

// A disk that takes no more is read all the same when next is back, though memory is full: what
// is delivered from there makes room.
func TestFullDiskIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		broken := &brokenSpool{Spool: openSpool(t, t.TempDir())}
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: broken, ErrorHandler: func(error) {}})
		logSlowly(h, numbered(1, 20)...)
		onDisk := h.Stats().Spooled
		require.Positive(t, onDisk)
		full := errors.New("no space left")
		broken.err.Store(&full)
		logSlowly(h, numbered(21, 40)...)
		require.Equal(t, 8, h.Stats().Depth)
		next.Heal()
		time.Sleep(time.Minute)
		s := assertIdentity(t, h)
		require.Zero(t, s.Spooled)
		require.EqualValues(t, onDisk+8, s.Delivered)
		messages := rec.Messages()
		require.Equal(t, numbered(33, 40), messages[len(messages)-8:])
		require.NoError(t, h.Close())
	})
}

// So is what it refuses while these are on their way there.
func TestSpoolKeepsTheOrderOfWhatNextHadWhileStoring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, rec := testsink.NewGate(), &testsink.Recorder{}
		var up atomic.Bool
		next := testsink.Func(func(ctx context.Context, r slog.Record) error {
			if r.Message == "hang" {
				gate.Pass()
			}
			if !up.Load() {
				return errDown
			}
			return rec.Handle(ctx, r)
		})
		slow := &brokenSpool{Spool: openSpool(t, t.TempDir())}
		slow.slow.Store(int64(3 * time.Second))
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: slow})
		info(h, "hang")
		<-gate.Entered()
		logSlowly(h, numbered(1, 5)...)
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 1, slow.inside.Load())
		gate.Release() // while they are stored
		time.Sleep(500 * time.Millisecond)
		up.Store(true)
		require.EqualValues(t, 1, slow.inside.Load())
		time.Sleep(time.Minute)
		require.Equal(t, append([]string{"hang"}, numbered(1, 5)...), rec.Messages())
		require.NoError(t, h.Close())
		require.Zero(t, assertIdentity(t, h).Dropped)
	})
}
