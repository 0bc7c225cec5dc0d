package async_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

func openSpool(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{SyncInterval: -1})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// newSpooled returns a handler of capacity 8 with a spool in dir over a next that fails
// until it is healed.
func newSpooled(t *testing.T, dir string, opts async.Options) (*async.Handler, *testsink.Faulty, *testsink.Recorder) {
	t.Helper()
	rec := &testsink.Recorder{}
	next := testsink.NewFailer(rec, errDown, testsink.Always)
	if opts.Capacity == 0 {
		opts.Capacity = 8
	}
	opts.Gate = newBreaker()
	opts.Spool = openSpool(t, dir)
	opts.MaxWait = -1
	return begin(t, next, opts), next, rec
}

// logSlowly logs the messages with time between them.
func logSlowly(h slog.Handler, msgs ...string) {
	for _, msg := range msgs {
		info(h, msg)
		time.Sleep(time.Millisecond)
	}
}

func TestSpoolTakesWhatMemoryCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, next, rec := newSpooled(t, t.TempDir(), async.Options{})
		logSlowly(h, numbered(1, 3)...)
		require.Zero(t, h.Stats().SpooledTotal, "memory bridges a short outage")
		logSlowly(h, numbered(4, 500)...)
		synctest.Wait()
		s := assertIdentity(t, h)
		require.Zero(t, s.Dropped)
		require.Greater(t, s.Spooled, 480)
		require.Positive(t, s.SpooledBytes)
		next.Heal()
		time.Sleep(time.Minute)
		synctest.Wait()
		s = assertIdentity(t, h)
		require.Zero(t, s.Spooled)
		require.Equal(t, numbered(1, 500), rec.Messages())
		logSlowly(h, "after")
		require.NoError(t, h.Close())
		require.Equal(t, append(numbered(1, 500), "after"), rec.Messages())
	})
}

// A process ends in the outage; the next one has the records, then its own.
func TestSpoolSurvivesTheProcess(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Minute} {
		bubble(t, pause.String(), func(t *testing.T) {
			dir := t.TempDir()
			h, _, rec := newSpooled(t, dir, async.Options{})
			derived := h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("b", 2)})
			logSlowly(derived, numbered(1, 20)...)
			time.Sleep(pause)
			require.NoError(t, h.Close(), "all that waits is on the disk")
			assertIdentity(t, h)
			require.Zero(t, h.Stats().Depth)
			require.Empty(t, rec.Messages())

			h, next, rec := newSpooled(t, dir, async.Options{})
			next.Heal()
			require.EqualValues(t, 20, h.Stats().Recovered)
			logSlowly(h, "own")
			time.Sleep(time.Minute)
			require.Equal(t, append(numbered(1, 20), "own"), rec.Messages())
			require.Equal(t, "INFO 1 a=1 g.b=2", rec.Lines()[0])
			require.NoError(t, h.Close())
			assertIdentity(t, h)
		})
	}
}

// Next hangs: the stand-in puts what waits on the disk.
func TestSpoolWhileNextHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newHanging(t)
		h := begin(t, g.handler(), async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: openSpool(t, t.TempDir())})
		info(h, "hang")
		<-g.Entered()
		logSlowly(h, numbered(1, 5)...)
		time.Sleep(2 * time.Second)
		logSlowly(h, numbered(6, 100)...)
		synctest.Wait()
		s := assertIdentity(t, h)
		require.Zero(t, s.Dropped)
		require.Greater(t, s.Spooled, 80)
		g.Release()
		time.Sleep(time.Minute)
		require.Equal(t, append([]string{"hang"}, numbered(1, 100)...), g.rec.Messages())
		g.assertOneAtATime(t)
		require.NoError(t, h.Close())
	})
}

// What next refuses only after younger records went to the disk is delivered before these.
func TestSpoolKeepsTheOrderOfWhatNextHad(t *testing.T) {
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
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: openSpool(t, t.TempDir())})
		info(h, "hang")
		<-gate.Entered()
		logSlowly(h, numbered(1, 5)...)
		time.Sleep(2 * time.Second)
		logSlowly(h, numbered(6, 100)...)
		require.Positive(t, h.Stats().Spooled)
		gate.Release()
		logSlowly(h, numbered(101, 120)...)
		time.Sleep(time.Second)
		up.Store(true)
		logSlowly(h, numbered(121, 130)...)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, append([]string{"hang"}, numbered(1, 130)...), rec.Messages())
		require.NoError(t, h.Close())
		require.Zero(t, assertIdentity(t, h).Dropped)
	})
}

// In a shutdown with a next that is only slow, what is left at four fifths of the time goes
// to the disk.
func TestSpoolWhenShutdownIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.Func(func(ctx context.Context, r slog.Record) error {
			time.Sleep(300 * time.Millisecond)
			return rec.Handle(ctx, r)
		})
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 64, MaxWait: -1, Spool: openSpool(t, t.TempDir())})
		info(h, numbered(1, 40)...)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.NoError(t, h.Shutdown(ctx))
		s := assertIdentity(t, h)
		require.Zero(t, s.Dropped)
		require.Positive(t, s.Spooled)
		require.InDelta(t, 14, int(s.Delivered), 2)
	})
}

// A shutdown ends what next has a part of, though that is on the disk too.
func TestSpoolTornInShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, numbered(1, 5)...)
		require.NoError(t, h.Close())

		next := &disk{err: errDown, full: true}
		h = begin(t, next.handler(), async.Options{Sink: next, Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir), ErrorHandler: func(error) {}})
		time.Sleep(time.Minute)
		time.AfterFunc(2*time.Second, func() { next.fill(false) })
		require.NoError(t, h.Close())
		require.Equal(t, numbered(1, 5), next.records())
		require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "late", 0)))
		require.Empty(t, next.wrong)
		require.Zero(t, assertIdentity(t, h).Spooled)
		require.Zero(t, openSpool(t, dir).Len())
	})
}

// Records that next never takes are given up, those behind them come.
func TestSpoolWithBadRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, numbered(1, 600)...)
		require.NoError(t, h.Close())

		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.HasMessage("1", "7", "300", "600"))
		h = begin(t, next, async.Options{Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir)})
		time.Sleep(time.Second)
		info(h, "new")
		time.Sleep(time.Minute)
		s := assertIdentity(t, h)
		require.EqualValues(t, 4, s.Failed)
		require.Zero(t, s.Spooled)
		require.EqualValues(t, 597, s.Delivered)
		require.NoError(t, h.Close())
	})
}

// What was loaded and not delivered stays on the disk, and a record that comes late does not
// bring it out.
func TestSpoolIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, numbered(1, 50)...)
		time.Sleep(time.Minute) // probes have loaded some
		require.NoError(t, h.Close())
		require.Error(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "late", 0)))
		s := assertIdentity(t, h)
		require.Equal(t, 50, s.Spooled)

		h, next, rec := newSpooled(t, dir, async.Options{})
		require.EqualValues(t, 50, h.Stats().Recovered)
		next.Heal()
		time.Sleep(time.Minute)
		require.Equal(t, numbered(1, 50), rec.Messages())
		require.NoError(t, h.Close())
	})
}

// countedSpool counts the calls that put records on the disk.
type countedSpool struct {
	*spool.Spool
	appends atomic.Int32
}

func (s *countedSpool) Append(records [][]byte) error {
	s.appends.Add(1)
	return s.Spool.Append(records)
}

// In an outage records that come one after the other go to the disk together.
func TestSpoolTakesBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &countedSpool{Spool: openSpool(t, t.TempDir())}
		h := async.New(testsink.NewFailer(nil, errDown, testsink.Always), async.Options{
			Capacity: 64, Gate: newBreaker(), Spool: s, MaxWait: -1, ErrorHandler: func(error) {},
		})
		logSlowly(h, numbered(1, 500)...)
		require.Greater(t, h.Stats().Spooled, 400)
		s.appends.Store(0)
		for _, msg := range numbered(501, 520) {
			info(h, msg)
			time.Sleep(10 * time.Microsecond)
			synctest.Wait()
		}
		time.Sleep(3 * time.Millisecond)
		synctest.Wait()
		assert.LessOrEqual(t, s.appends.Load(), int32(2))
		assert.GreaterOrEqual(t, assertIdentity(t, h).Spooled, 515)
		require.NoError(t, h.Close(), "all is on the disk")
	})
}
