package async_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/archive"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A record of a later version of the format is not guessed at: it counts as dropped, the error
// says why, and the others come.
func TestRecordOfALaterVersionOnTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openSpool(t, dir)
		var records [][]byte
		for _, msg := range numbered(1, 3) {
			r := slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0)
			records = append(records, (&archive.Codec{}).Append(nil, nil, &r))
		}
		records[1][0]++ // its version
		require.NoError(t, s.Append(records))
		var mu sync.Mutex
		var told error
		rec := &testsink.Recorder{}
		h := begin(t, rec, async.Options{Spool: s, DropReports: -1, ErrorHandler: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			told = errors.Join(told, err)
		}})
		time.Sleep(time.Second)
		require.Equal(t, []string{"1", "3"}, rec.Messages())
		st := assertIdentity(t, h)
		require.EqualValues(t, 3, st.Recovered)
		require.Equal(t, []async.DropCount{{Reason: async.DropSpool, Level: slog.LevelInfo, Count: 1}}, dropsIn(st.Drops))
		require.NoError(t, h.Close())
		mu.Lock()
		defer mu.Unlock()
		require.ErrorIs(t, told, archive.ErrVersion)
		require.ErrorContains(t, told, "1 records cannot be read: a record of a later version of the format: 2, want at most 1")
		require.Zero(t, openSpool(t, dir).Len())
	})
}

func dropsIn(drops []async.DropCount) (some []async.DropCount) {
	for _, d := range drops {
		if d.Count > 0 {
			some = append(some, d)
		}
	}
	return some
}

// lineSink writes each record by a call of its own, as over a writer that is no stream of bytes.
type lineSink struct{ write func(msg string) error }

func (s *lineSink) Deliver(b *async.Batch) (done int, err error) {
	for b.Next() {
		msg := b.Handle().Error()
		if err := s.write(msg); err != nil {
			return done, err
		}
		done++
		b.Done(done)
	}
	return done, nil
}

// A call that hangs in the middle of a batch from the disk when the time is over has what it has
// written before that off the disk: the next process writes the rest alone.
func TestShutdownInTheMiddleOfABatchFromTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leaveOnDisk(t, dir, 10)
		gate := testsink.NewGate()
		var mu sync.Mutex
		var written []string
		sink := &lineSink{func(msg string) error {
			if msg == "6" {
				gate.Pass()
				return errDown
			}
			mu.Lock()
			defer mu.Unlock()
			written = append(written, msg)
			return nil
		}}
		h := begin(t, testsink.Func(func(_ context.Context, r slog.Record) error { return named(r.Message) }),
			async.Options{Sink: sink, Gate: newBreaker(), MaxWait: -1, Spool: openSpool(t, dir)})
		<-gate.Entered()
		require.Error(t, shutdownIn(h, time.Second))
		require.Equal(t, numbered(6, 10), afterACrash(t, dir))
		gate.Release()
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, numbered(1, 5), written)
		require.Equal(t, 5, assertIdentity(t, h).Spooled)
	})
}
