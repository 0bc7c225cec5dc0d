package async_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

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
		require.True(t, s.SpoolBroken)
		require.Zero(t, s.SpoolLimit, "it does not say")
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
		require.False(t, s.SpoolBroken)
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
		require.True(t, s.SpoolBroken)
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

// What was delivered leaves a disk that has just refused some, though nothing is logged after
// it.
func TestBrokenSpoolLetsGoOfWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leaveOnDisk(t, dir, 5)
		full := errors.New("no space left")
		s := &brokenSpool{Spool: openSpool(t, dir)}
		s.err.Store(&full)
		next := testsink.NewBlocker(nil)
		h := begin(t, next, async.Options{Gate: newBreaker(), Capacity: 4, MaxWait: -1, Spool: s})
		<-next.Entered()
		info(h, numbered(6, 9)...)
		for !h.Stats().SpoolBroken {
			time.Sleep(time.Millisecond)
		}
		next.Release() // what is left is delivered before the disk is tried again
		time.Sleep(time.Minute)
		st := assertIdentity(t, h)
		require.Equal(t, 9, int(st.Delivered))
		require.Zero(t, s.Len(), "still on the disk")
		require.False(t, st.SpoolBroken)
		require.NoError(t, h.Close())
	})
}
