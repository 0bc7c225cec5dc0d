package async_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

func TestSpoolIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(t.TempDir(), spool.Options{MaxBytes: 20_000, SyncInterval: -1})
		require.NoError(t, err)
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: s})
		logSlowly(h, numbered(1, 1000)...)
		st := assertIdentity(t, h)
		require.Positive(t, st.Dropped)
		require.EqualValues(t, 20_000, st.SpoolLimit)
		require.LessOrEqual(t, st.SpooledBytes, st.SpoolLimit)
		require.False(t, st.SpoolBroken, "it is only full")
		for _, d := range st.Drops {
			if d.Count > 0 {
				require.Equal(t, async.DropSpool, d.Reason)
				require.Equal(t, slog.LevelInfo, d.Level)
			}
		}
		next.Heal()
		time.Sleep(time.Minute)
		info(h, "after")
		require.NoError(t, h.Flush(t.Context()))
		messages := rec.Messages()
		assert.Equal(t, []string{"1000", "log records dropped", "after"}, messages[len(messages)-3:])
		require.NoError(t, h.Close())
	})
}

// Records that were loaded go from a full disk. What is loaded after that is neither skipped
// nor delivered twice.
func TestSpoolIsFullWhileSomeAreLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(t.TempDir(), spool.Options{MaxBytes: 20_000, SyncInterval: -1})
		require.NoError(t, err)
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: s, DropReports: -1})
		logSlowly(h, numbered(1, 100)...)
		time.Sleep(time.Minute) // probes load some
		logSlowly(h, numbered(101, 1000)...)
		time.Sleep(time.Minute) // others
		dropped := assertIdentity(t, h).Dropped
		require.Positive(t, dropped)
		next.Heal()
		time.Sleep(time.Minute)
		require.Zero(t, assertIdentity(t, h).Spooled)
		var delivered []int
		for _, msg := range rec.Messages() {
			n, err := strconv.Atoi(msg)
			require.NoError(t, err)
			delivered = append(delivered, n)
		}
		require.IsIncreasing(t, delivered)
		require.Len(t, delivered, 1000-int(dropped))
		require.NoError(t, h.Close())
		require.Zero(t, s.Len())
	})
}

// What was loaded and has gone from a full disk is not counted as being there.
func TestSpoolIsFullAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := spool.Open(dir, spool.Options{MaxBytes: 20_000, SyncInterval: -1})
		require.NoError(t, err)
		h := begin(t, testsink.NewFailer(nil, errDown, testsink.Always), async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: s})
		logSlowly(h, numbered(1, 100)...)
		time.Sleep(time.Minute) // probes load some
		logSlowly(h, numbered(101, 1000)...)
		require.NoError(t, h.Close())
		st := assertIdentity(t, h)
		require.Equal(t, openSpool(t, dir).Len(), st.Spooled)
		require.EqualValues(t, 1000-st.Spooled, st.Dropped)
	})
}

// The last call of a shutdown that has run out of time makes room for its records.
func TestSpoolIsFullAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, err := spool.Open(dir, spool.Options{MaxBytes: 20_000, SyncInterval: -1})
		require.NoError(t, err)
		slow := &brokenSpool{Spool: s}
		h := begin(t, testsink.NewFailer(nil, errDown, testsink.Always), async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: slow})
		logSlowly(h, numbered(1, 1000)...)
		time.Sleep(time.Minute) // probes load some
		slow.slow.Store(int64(10 * time.Second))
		logSlowly(h.WithAttrs([]slog.Attr{slog.String("pad", strings.Repeat("x", 4000))}), numbered(1001, 1004)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, h.Shutdown(ctx))
		time.Sleep(time.Minute)
		require.Equal(t, openSpool(t, dir).Len(), assertIdentity(t, h).Spooled)
	})
}

// A record that is larger than the whole disk may be costs itself, and not those beside it.
func TestRecordIsTooLargeForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := spool.Open(t.TempDir(), spool.Options{MaxBytes: 4000, SyncInterval: -1})
		require.NoError(t, err)
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		var dropped []string
		h := begin(t, next, async.Options{
			Gate: newBreaker(), Capacity: 16, MaxWait: -1, Spool: s, DropReports: -1,
			OnDrop: func(_ context.Context, r slog.Record, reason async.DropReason) {
				assert.Equal(t, async.DropSpool, reason)
				dropped = append(dropped, r.Message)
			},
		})
		logSlowly(h, numbered(1, 9)...)
		began := time.Now()
		info(h.WithAttrs([]slog.Attr{slog.String("pad", strings.Repeat("x", 4000))}), "large")
		require.Zero(t, time.Since(began))
		logSlowly(h, numbered(10, 15)...)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"large"}, dropped)
		require.Equal(t, 15, assertIdentity(t, h).Spooled)
		next.Heal()
		time.Sleep(time.Minute)
		require.Equal(t, numbered(1, 15), rec.Messages())
		require.NoError(t, h.Close())
	})
}
