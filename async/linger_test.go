package async_test

import (
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// hookedLevel runs what it is told to, once, when it is asked.
type hookedLevel struct{ hook func() }

func (l *hookedLevel) Level() slog.Level {
	if f := l.hook; f != nil {
		l.hook = nil
		f()
	}
	return slog.LevelError
}

// An ERROR does not linger, though a caller with another record has just begun the nap.
func TestUrgentRecordBesideOneThatLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		level, rec := &hookedLevel{}, &testsink.Recorder{}
		h := begin(t, rec, async.Options{Linger: time.Minute, ProtectedLevel: level})
		synctest.Wait() // it is parked
		level.hook = func() { info(h, "1") }
		errorLevel(h, "2")
		synctest.Wait()
		assert.ElementsMatch(t, []string{"1", "2"}, rec.Messages())
	})
}

// A record that lingers does not put off the next try of one that has failed.
func TestLingerBesideARecordThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := newJournal()
		h := begin(t, calls.handler(downFor("bad")), async.Options{Linger: time.Minute, MaxAttempts: 9})
		errorLevel(h, "bad", "good")
		for !slices.Contains(calls.what(), "good") {
			time.Sleep(time.Millisecond)
		}
		synctest.Wait() // the worker rests until it is to try again
		calls.reset()
		info(h, "1")
		time.Sleep(time.Second)
		require.NotEmpty(t, calls.what())
		assert.Equal(t, "bad", calls.what()[0])
	})
}
