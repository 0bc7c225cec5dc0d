package async_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
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

// afterACrash returns what the next process finds in dir, if this one ends now.
func afterACrash(t *testing.T, dir string) (messages []string) {
	t.Helper()
	copied := t.TempDir()
	assert.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	var mu sync.Mutex
	next := testsink.Func(func(_ context.Context, r slog.Record) error {
		mu.Lock()
		defer mu.Unlock()
		messages = append(messages, r.Message)
		return nil
	})
	h := async.New(next, async.Options{Spool: openSpool(t, copied)})
	assert.NoError(t, h.Close())
	return messages
}

// A crash at any moment doubles no more than the delivery under way, though older records are
// still refused.
func TestCrashBehindRecordsThatAreRefused(t *testing.T) {
	for name, bad := range map[string][]string{"None": nil, "First": {"1"}, "Some": {"2", "3", "40", "57"}, "Late": {"50"}} {
		bubble(t, name, func(t *testing.T) {
			const batch = 8
			dir := t.TempDir()
			leaveOnDisk(t, dir, 60)
			var taken []string
			refuses := testsink.HasMessage(bad...)
			next := testsink.Func(func(_ context.Context, r slog.Record) error {
				if refuses(r) {
					return errDown
				}
				found := afterACrash(t, dir)
				assert.LessOrEqual(t, len(doubles(found, taken)), batch-1, "before %s", r.Message)
				assert.Equal(t, 60, len(found)+len(taken)-len(doubles(found, taken)))
				taken = append(taken, r.Message)
				return nil
			})
			h := begin(t, next, async.Options{Gate: newBreaker(), BatchSize: batch, MaxAttempts: 1_000_000, Spool: openSpool(t, dir)})
			time.Sleep(time.Minute)
			synctest.Wait()
			require.Len(t, taken, 60-len(bad))
			require.Equal(t, bad, afterACrash(t, dir), "of a batch that has ended none comes again")
			require.Equal(t, len(bad), assertIdentity(t, h).Spooled)
		})
	}
}

func doubles(found, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(found), func(msg string) bool { return !slices.Contains(taken, msg) })
}

// What was delivered behind a refused record makes room for what is loaded after it: the bytes
// that the spool returns at a time bound what is held, not what is delivered meanwhile.
func TestRefusedRecordDoesNotStopTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leaveOnDisk(t, dir, 100)
		rec := &testsink.Recorder{}
		h := begin(t, testsink.NewFailer(rec, errDown, testsink.HasMessage("1")), async.Options{
			Gate: newBreaker(), BatchSize: 8, MaxAttempts: 1_000_000, Spool: &stingyRemover{openSpool(t, dir)},
		})
		time.Sleep(time.Minute)
		require.Equal(t, numbered(2, 100), rec.Messages())
		require.NoError(t, h.Close())
		require.Equal(t, 1, assertIdentity(t, h).Spooled)
	})
}

// stingyRemover returns few records at a time, and removes some behind others.
type stingyRemover struct{ *spool.Spool }

func (s *stingyRemover) Next(limit int) ([][]byte, error) { return s.Spool.Next(min(limit, 16)) }

// A spool that cannot remove what is behind a refused record loses nothing but that: the rest
// goes on, and the error is told once.
func TestRangeThatCannotBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leaveOnDisk(t, dir, 100)
		rec, errs := &testsink.Recorder{}, newJournal()
		failer := testsink.NewFailer(rec, errDown, testsink.HasMessage("1"))
		s := &brokenRemover{Spool: openSpool(t, dir)}
		h := begin(t, failer, async.Options{
			Gate: newBreaker(), BatchSize: 8, MaxAttempts: 1_000_000, Spool: s,
			ErrorHandler: func(err error) {
				if errors.Is(err, errRange) {
					errs.hear(err)
				}
			},
		})
		time.Sleep(time.Minute)
		info(h, numbered(101, 120)...)
		time.Sleep(time.Minute)
		require.Equal(t, numbered(2, 120), rec.Messages())
		require.Len(t, errs.what(), 1)
		require.False(t, h.Stats().SpoolBroken)
		s.mended.Store(true)
		require.NoError(t, h.Close())
		require.Equal(t, 119, int(assertIdentity(t, h).Delivered))
		require.Equal(t, []string{"1"}, afterACrash(t, dir), "the rest is removed at the end")
	})
}

var errRange = errors.New("no range can be removed")

type brokenRemover struct {
	*spool.Spool
	mended atomic.Bool
}

func (b *brokenRemover) RemoveRange(from, n int) error {
	if b.mended.Load() {
		return b.Spool.RemoveRange(from, n)
	}
	return errRange
}
