package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
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

// brokenSpool is a spool whose disk is full or hangs.
type brokenSpool struct {
	async.Spool
	err      atomic.Pointer[error]
	slow     atomic.Int64 // a time.Duration
	gate     *testsink.Gate
	inside   atomic.Int32
	together atomic.Bool // it was closed during a call
}

func (s *brokenSpool) Close() error {
	s.together.Store(s.inside.Load() > 0)
	return s.Spool.Close()
}

func (s *brokenSpool) Append(records [][]byte) error {
	s.inside.Add(1)
	defer s.inside.Add(-1)
	time.Sleep(time.Duration(s.slow.Load()))
	if s.gate != nil {
		s.gate.Pass()
	}
	if err := s.err.Load(); err != nil {
		return *err
	}
	return s.Spool.Append(records)
}

func TestBrokenSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		broken := &brokenSpool{Spool: openSpool(t, t.TempDir())}
		full := errors.New("no space left")
		broken.err.Store(&full)
		heard := newJournal()
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: broken, ErrorHandler: heard.hear})
		logSlowly(h, numbered(1, 20)...)
		synctest.Wait()
		s := assertIdentity(t, h)
		require.Zero(t, s.Spooled)
		require.EqualValues(t, 12, s.Dropped, "the policy decides")
		var unhealthy *async.HealthError
		require.ErrorAs(t, h.Health(), &unhealthy)
		require.Equal(t, "the spool is broken", unhealthy.Reason)
		require.Contains(t, heard.what(), "attempt 1: asynchandler: the spool: no space left")
		broken.err.Store(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s = assertIdentity(t, h)
		require.Equal(t, 8, s.Spooled)
		next.Heal()
		time.Sleep(time.Minute)
		messages := rec.Messages()
		require.Equal(t, numbered(13, 20), messages[:8])
		require.NoError(t, h.Close())
	})
}

// What the disk has refused does not overtake what is there.
func TestBrokenSpoolKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(testsink.NewFailer(rec, errDown, testsink.HasMessage("1")), errDown, testsink.Always)
		broken := &brokenSpool{Spool: openSpool(t, t.TempDir())}
		h := begin(t, next, async.Options{
			Gate: newBreaker(), Capacity: 64, BatchSize: 8, MaxWait: -1, MaxAttempts: 1_000_000, Spool: broken, ErrorHandler: func(error) {},
		})
		logSlowly(h, numbered(1, 1000)...)
		require.Positive(t, h.Stats().Spooled)
		time.Sleep(time.Minute) // probes load some
		full := errors.New("no space left")
		broken.err.Store(&full)
		logSlowly(h, numbered(1001, 1010)...)
		next.Heal()
		time.Sleep(time.Minute)
		broken.err.Store(nil)
		time.Sleep(time.Minute)
		messages := rec.Messages()
		require.Len(t, messages, 1009, "but for the one that is refused")
		require.Equal(t, numbered(1001, 1010), messages[999:])
		require.NoError(t, h.Close())
		assertIdentity(t, h)
	})
}

func TestHungSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, testsink.Always)
		hung := &brokenSpool{Spool: openSpool(t, t.TempDir()), gate: testsink.NewGate()}
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: hung})
		logSlowly(h, numbered(1, 20)...)
		time.Sleep(10 * time.Second)
		s := assertIdentity(t, h)
		require.EqualValues(t, 1, s.Stalls)
		require.Zero(t, s.Spooled)
		require.Error(t, h.Health())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, h.Shutdown(ctx))
		hung.gate.Release()
		time.Sleep(time.Second)
		s = assertIdentity(t, h)
		require.Positive(t, s.Spooled)
		require.Equal(t, s.Spooled, hung.Len())
		require.False(t, hung.together.Load())
		require.ErrorIs(t, hung.Spool.Append(nil), spool.ErrClosed)
	})
}

// leavingSpool ends the goroutine that wants its records for the first time.
type leavingSpool struct {
	*spool.Spool
	left atomic.Bool
}

func (s *leavingSpool) Next(limit int) ([][]byte, error) {
	if s.left.CompareAndSwap(false, true) {
		runtime.Goexit()
	}
	return s.Spool.Next(limit)
}

func TestSpoolThatEndsTheGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, numbered(1, 10)...)
		require.NoError(t, h.Close())

		rec := &testsink.Recorder{}
		h = begin(t, rec, async.Options{MaxWait: -1, Spool: &leavingSpool{Spool: openSpool(t, dir)}, ErrorHandler: func(error) {}})
		logSlowly(h, "own")
		time.Sleep(time.Minute)
		require.Equal(t, append(numbered(1, 10), "own"), rec.Messages())
		require.NoError(t, h.Close())
		assertIdentity(t, h)
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

// stingySpool returns few records at a time, as one does whose records are large.
type stingySpool struct {
	async.Spool
	most  int
	calls atomic.Int32
}

func (s *stingySpool) Next(limit int) ([][]byte, error) {
	if s.calls.Add(1) > 10_000 {
		return nil, errors.New("asked again and again")
	}
	return s.Spool.Next(min(limit, s.most))
}

// A spool need not return as many records as it is asked for. What is behind a bad record, or
// was too much for memory in an outage, comes all the same.
func TestSpoolThatReturnsFew(t *testing.T) {
	for _, bad := range []string{"", "1"} {
		bubble(t, "bad "+bad, func(t *testing.T) {
			dir := t.TempDir()
			h, _, _ := newSpooled(t, dir, async.Options{})
			logSlowly(h, numbered(1, 50)...)
			require.NoError(t, h.Close())

			rec := &testsink.Recorder{}
			next := testsink.NewFailer(testsink.NewFailer(rec, errDown, testsink.HasMessage(bad)), errDown, testsink.Always)
			stingy := &stingySpool{Spool: openSpool(t, dir), most: 4}
			h = begin(t, next, async.Options{Gate: newBreaker(), Capacity: 8, MaxWait: -1, Spool: stingy, ErrorHandler: func(error) {}})
			logSlowly(h, numbered(51, 60)...)
			time.Sleep(time.Minute)
			require.LessOrEqual(t, stingy.calls.Load(), int32(100), "it is not asked in vain")
			next.Heal()
			time.Sleep(time.Minute)
			want := numbered(1, 60)
			if bad != "" {
				want = want[1:]
			}
			require.Equal(t, want, rec.Messages())
			require.NoError(t, h.Close())
			assertIdentity(t, h)
		})
	}
}

// emptySpool has records and returns none.
type emptySpool struct{ stingySpool }

func (s *emptySpool) Next(int) ([][]byte, error) { return s.stingySpool.Next(0) }

func TestSpoolThatReturnsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		h, _, _ := newSpooled(t, dir, async.Options{})
		logSlowly(h, "1")
		require.NoError(t, h.Close())
		empty := &emptySpool{stingySpool{Spool: openSpool(t, dir)}}
		h = begin(t, &testsink.Recorder{}, async.Options{MaxWait: -1, Spool: empty, ErrorHandler: func(error) {}})
		time.Sleep(time.Minute)
		require.LessOrEqual(t, empty.calls.Load(), int32(30), "it is asked again at the pace of errors")
		require.Contains(t, h.Stats().LastError, "the spool: it has 1 records and returns none")
		require.NoError(t, h.Close())
	})
}
