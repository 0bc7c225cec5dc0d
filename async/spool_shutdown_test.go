package async_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// leaveOnDisk leaves so many records in dir, as a process does that ends in an outage.
func leaveOnDisk(t *testing.T, dir string, n int) {
	t.Helper()
	h, _, _ := newSpooled(t, dir, async.Options{})
	logSlowly(h, numbered(1, n)...)
	require.NoError(t, h.Close())
	require.Equal(t, n, h.Stats().Spooled)
}

// A shutdown delivers what the disk has, then what memory has, to a next that takes it.
func TestShutdownDeliversTheDisk(t *testing.T) {
	for name, slow := range map[string]time.Duration{"AtOnce": 0, "Slowly": 30 * time.Millisecond} {
		bubble(t, name, func(t *testing.T) {
			dir := t.TempDir()
			leaveOnDisk(t, dir, 100)
			rec := &testsink.Recorder{}
			next := testsink.Func(func(ctx context.Context, r slog.Record) error {
				time.Sleep(slow)
				return rec.Handle(ctx, r)
			})
			h := begin(t, next, async.Options{Capacity: 8, BatchSize: 16, Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir)})
			info(h, numbered(101, 103)...)
			require.NoError(t, h.Close())
			require.Equal(t, numbered(1, 103), rec.Messages())
			s := assertIdentity(t, h)
			require.EqualValues(t, 103, s.Delivered)
			require.Zero(t, s.SpooledTotal)
			require.Zero(t, openSpool(t, dir).Len())
		})
	}
}

// One try that fails sends the rest there, and nothing more is tried.
func TestShutdownLeavesTheDiskAfterOneFailure(t *testing.T) {
	for name, good := range map[string]int{"TheFirst": 0, "OneLater": 30} {
		bubble(t, name, func(t *testing.T) {
			dir := t.TempDir()
			leaveOnDisk(t, dir, 100)
			gate, rec := testsink.NewGate(), &testsink.Recorder{}
			failed := 0
			next := testsink.Func(func(ctx context.Context, r slog.Record) error {
				gate.Pass()
				if len(rec.Messages()) == good {
					failed++
					return errDown
				}
				return rec.Handle(ctx, r)
			})
			h := async.New(next, async.Options{
				Capacity: 8, BatchSize: 16, Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir), ErrorHandler: func(error) {},
			})
			<-gate.Entered()
			info(h, numbered(101, 103)...)
			time.AfterFunc(time.Millisecond, gate.Release) // in the shutdown
			require.NoError(t, h.Close())
			require.Equal(t, numbered(1, 103)[:good], rec.Messages())
			require.Equal(t, 1, failed)
			require.Equal(t, 103-good, assertIdentity(t, h).Spooled)

			h, again, rec := newSpooled(t, dir, async.Options{})
			again.Heal()
			require.NoError(t, h.Close())
			require.Equal(t, numbered(good+1, 103), rec.Messages())
		})
	}
}

// An outage that is over when the shutdown begins costs no record its delivery.
func TestShutdownTriesOnceMoreAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, next, rec := newSpooled(t, t.TempDir(), async.Options{ErrorHandler: func(error) {}})
		logSlowly(h, numbered(1, 100)...)
		require.Positive(t, h.Stats().Spooled)
		next.Heal()
		require.NoError(t, h.Close())
		require.Equal(t, numbered(1, 100), rec.Messages())
		require.Zero(t, assertIdentity(t, h).Spooled)
	})
}

// A disk that cannot be read is left alone: what is in memory is delivered.
func TestShutdownWithADiskThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leaveOnDisk(t, dir, 5)
		rec := &testsink.Recorder{}
		empty := &emptySpool{stingySpool{Spool: openSpool(t, dir)}}
		h := begin(t, rec, async.Options{MaxWait: -1, Spool: empty, ErrorHandler: func(error) {}})
		began := time.Now()
		info(h, "own")
		require.NoError(t, h.Close())
		require.Equal(t, []string{"own"}, rec.Messages())
		require.Equal(t, 5, assertIdentity(t, h).Spooled)
		require.Less(t, time.Since(began), time.Second)
	})
}

// forgetfulSpool removes nothing, late.
type forgetfulSpool struct{ async.Spool }

func (s *forgetfulSpool) Remove(int) error {
	time.Sleep(10 * time.Second)
	return errDown
}

// A shutdown does not return nil before the disk has let go of what was delivered.
func TestShutdownTellsOfADiskThatKeepsWhatWasDelivered(t *testing.T) {
	for name, late := range map[string]bool{"InTime": false, "Late": true} {
		bubble(t, name, func(t *testing.T) {
			dir := t.TempDir()
			leaveOnDisk(t, dir, 5)
			h := begin(t, &testsink.Recorder{}, async.Options{MaxWait: -1, Spool: &forgetfulSpool{openSpool(t, dir)}, ErrorHandler: func(error) {}})
			timeout := time.Hour
			if late {
				timeout = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			err := h.Shutdown(ctx)
			require.Error(t, err)
			if late {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "what was delivered is still on the disk")
			} else {
				require.ErrorIs(t, err, errDown)
			}
			time.Sleep(time.Hour)
			require.Equal(t, 5, openSpool(t, dir).Len())
			require.EqualValues(t, 5, assertIdentity(t, h).Delivered)
		})
	}
}

// A context that has ended already leaves the disk alone, also when the breaker was all that kept
// the worker from it.
func TestShutdownWithoutTimeLeavesTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leaveOnDisk(t, dir, 100)
		var up atomic.Bool
		next := testsink.Func(func(context.Context, slog.Record) error {
			if !up.Load() {
				return errDown
			}
			time.Sleep(time.Second)
			return nil
		})
		h := begin(t, next, async.Options{Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir), ErrorHandler: func(error) {}})
		time.Sleep(time.Minute)
		up.Store(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, h.Shutdown(ctx))
		time.Sleep(time.Minute)
		require.Equal(t, 100, assertIdentity(t, h).Spooled)
	})
}
