package async_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

// What was delivered behind a record that next still refuses is not delivered again by the
// next process.
func TestSpoolForgetsWhatWasDelivered(t *testing.T) {
	for _, bad := range [][]string{{"1"}, {"2", "7"}, {"1", "2", "50"}, {"20", "31"}} {
		bubble(t, strings.Join(bad, " "), func(t *testing.T) {
			dir := t.TempDir()
			h, _, _ := newSpooled(t, dir, async.Options{})
			logSlowly(h, numbered(1, 50)...)
			require.NoError(t, h.Close())

			rec := &testsink.Recorder{}
			h = begin(t, testsink.NewFailer(rec, errDown, testsink.HasMessage(bad...)), async.Options{
				Gate: newBreaker(), MaxWait: -1, MaxAttempts: 1_000_000, Spool: openSpool(t, dir), ErrorHandler: func(error) {},
			})
			time.Sleep(time.Minute)
			require.Len(t, rec.Messages(), 50-len(bad))
			require.NoError(t, h.Close())
			require.Equal(t, len(bad), assertIdentity(t, h).Spooled)

			h, next, rec := newSpooled(t, dir, async.Options{})
			require.EqualValues(t, len(bad), h.Stats().Recovered)
			next.Heal()
			time.Sleep(time.Minute)
			require.Equal(t, bad, rec.Messages())
			require.NoError(t, h.Close())
			assertIdentity(t, h)
		})
	}
}

// The same with a spool that cannot remove records behind others: they come again.
func TestSpoolThatIsNoRangeRemover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, numbered(1, 50)...)
		require.NoError(t, h.Close())
		h = begin(t, testsink.NewFailer(nil, errDown, testsink.HasMessage("20", "30")), async.Options{
			Gate: newBreaker(), MaxWait: -1, MaxAttempts: 1_000_000, Spool: &brokenSpool{Spool: openSpool(t, dir)}, ErrorHandler: func(error) {},
		})
		time.Sleep(time.Minute)
		require.NoError(t, h.Close())
		require.Equal(t, 31, openSpool(t, dir).Len())
	})
}

// A call with records from the disk returns after the drain was given up, and before the spool
// is closed: it stays on the disk what was not delivered.
func TestSpoolWhenNextReturnsAfterTheDrain(t *testing.T) {
	for name, failure := range map[string]error{"Taken": nil, "Refused": errDown} {
		bubble(t, name, func(t *testing.T) {
			dir := t.TempDir()
			h, _, _ := newSpooled(t, dir, async.Options{})
			logSlowly(h, numbered(1, 5)...)
			require.NoError(t, h.Close())

			gate, rec := testsink.NewGate(), &testsink.Recorder{}
			next := testsink.Func(func(ctx context.Context, r slog.Record) error {
				if r.Message != "3" {
					return rec.Handle(ctx, r)
				}
				gate.Pass()
				if failure != nil {
					return failure
				}
				return rec.Handle(ctx, r)
			})
			slow := &brokenSpool{Spool: openSpool(t, dir)}
			slow.slow.Store(int64(10 * time.Second))
			h = begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: slow, ErrorHandler: func(error) {}})
			<-gate.Entered()
			logSlowly(h, numbered(6, 10)...)
			time.Sleep(2 * time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.Error(t, h.Shutdown(ctx))
			gate.Release()
			time.Sleep(time.Minute)
			s := assertIdentity(t, h)
			left := openSpool(t, dir)
			require.Equal(t, s.Spooled, left.Len())
			require.Zero(t, s.Failed)
			require.EqualValues(t, len(rec.Messages()), s.Delivered)
			if failure == nil {
				require.Equal(t, numbered(1, 3), rec.Messages())
			} else {
				require.Equal(t, numbered(1, 2), rec.Messages())
			}
		})
	}
}

// What next has in its hands when the time is over may be delivered or not: it is in Depth, and
// the shutdown says so, also of what is on the disk.
func TestShutdownWhileNextHasWhatIsOnTheDisk(t *testing.T) {
	for name, failure := range map[string]error{"Taken": nil, "Refused": errDown} {
		bubble(t, name, func(t *testing.T) {
			dir := t.TempDir()
			h, _, _ := newSpooled(t, dir, async.Options{})
			logSlowly(h, numbered(1, 5)...)
			require.NoError(t, h.Close())

			gate, rec := testsink.NewGate(), &testsink.Recorder{}
			next := testsink.Func(func(ctx context.Context, r slog.Record) error {
				if r.Message == "3" {
					gate.Pass()
					if failure != nil {
						return failure
					}
				}
				return rec.Handle(ctx, r)
			})
			h = begin(t, next, async.Options{Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir), ErrorHandler: func(error) {}})
			<-gate.Entered()
			require.Equal(t, 3, assertIdentity(t, h).Spooled)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			var e *async.ShutdownError
			require.ErrorAs(t, h.Shutdown(ctx), &e)
			require.Equal(t, 1, e.Undelivered)
			require.Empty(t, e.Drops)
			s := assertIdentity(t, h)
			require.Equal(t, 1, s.Depth)
			require.Equal(t, 2, s.Spooled)
			gate.Release()
			time.Sleep(time.Minute)
			s = assertIdentity(t, h)
			require.Zero(t, s.Depth)
			require.Zero(t, s.Failed)
			require.EqualValues(t, len(rec.Messages()), s.Delivered)
			require.Equal(t, 5-len(rec.Messages()), s.Spooled)
			require.Equal(t, 3, openSpool(t, dir).Len(), "the spool was closed before the call returned")
		})
	}
}

// OnDrop gets what a full disk lets go, with what the handler adds: what waits there, what was
// loaded already, and what is found to be gone only at the end.
func TestOnDropForAFullDisk(t *testing.T) {
	for _, loaded := range []bool{false, true} {
		bubble(t, "loaded "+strconv.FormatBool(loaded), func(t *testing.T) {
			s, err := spool.Open(t.TempDir(), spool.Options{MaxBytes: 20_000, SyncInterval: -1})
			require.NoError(t, err)
			var mu sync.Mutex
			var dropped []string
			rec := &testsink.Recorder{}
			next := testsink.NewFailer(rec, errDown, testsink.Always)
			h := begin(t, next, async.Options{
				Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: s, DropReports: -1,
				OnDrop: func(ctx context.Context, r slog.Record, reason async.DropReason) {
					assert.Equal(t, async.DropSpool, reason)
					lines := &testsink.Recorder{}
					assert.NoError(t, lines.Handle(ctx, r))
					mu.Lock()
					defer mu.Unlock()
					dropped = append(dropped, lines.Lines()...)
				},
			})
			derived := h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})
			logSlowly(derived, numbered(1, 100)...)
			if loaded {
				time.Sleep(time.Minute) // probes load some
			}
			logSlowly(derived, numbered(101, 1000)...)
			next.Heal()
			time.Sleep(time.Minute)
			require.NoError(t, h.Close())
			st := assertIdentity(t, h)
			require.Positive(t, st.Dropped)
			require.Len(t, dropped, int(st.Dropped))
			var want []string
			for _, msg := range numbered(1, 1000) {
				want = append(want, "INFO "+msg+" a=1 g.b=2")
			}
			require.Equal(t, want, append(dropped, rec.Lines()...))
		})
	}
}
