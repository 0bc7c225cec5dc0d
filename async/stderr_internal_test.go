package async

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// The default error handler writes the first error at once and then at most a line
// each ten seconds, which says for how many errors it stands.
func TestStderrReporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &stderrReporter{w: &out}
		report := func(n int) string {
			out.Reset()
			for i := range n {
				s.report(fmt.Errorf("error %d", i+1))
			}
			return out.String()
		}
		assert.Equal(t, "error 1\n", report(1))
		assert.Empty(t, report(3))
		time.Sleep(stderrInterval - 1)
		assert.Empty(t, report(1))
		time.Sleep(time.Nanosecond)
		assert.Equal(t, "error 1 (5 errors since the last such line)\n", report(1))
		time.Sleep(time.Hour)
		assert.Equal(t, "error 1\n", report(1), "alone again")
		assert.Empty(t, report(2))
		s.flush()
		assert.Equal(t, "error 2 (2 errors since the last such line)\n", out.String())
		s.flush()
		assert.Equal(t, "error 2 (2 errors since the last such line)\n", out.String(), "nothing new")
	})
}

// It is what a handler without ErrorHandler reports to, and the shutdown writes what
// is left.
func TestStderrReporterIsTheDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.NewFailer(nil, errors.New("disk full"), nil)
		h := New(next, Options{Name: "audit", MaxAttempts: 2})
		var out bytes.Buffer
		require.NotNil(t, h.engine.tell.stderr)
		h.engine.tell.stderr.w = &out // the worker has nothing to report yet
		require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)))
		require.Error(t, h.Close())
		assert.Equal(t, `asynchandler: handler "audit": delivery failed (attempt 1): disk full
asynchandler: handler "audit": delivery failed (attempt 2): disk full
`, out.String())
	})
	h := New(testsink.NewFailer(nil, nil, nil), Options{ErrorHandler: func(error) {}})
	assert.Nil(t, h.engine.tell.stderr)
	require.NoError(t, h.Close())
}

// Standard error may be the very pipe that hangs. Neither the worker nor Close waits for
// it then.
func TestStderrThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testsink.NewBlockingWriter(&bytes.Buffer{})
		next := testsink.NewFailer(nil, errors.New("disk full"), nil)
		h := New(next, Options{MaxAttempts: 2})
		h.engine.tell.stderr.w = w // the worker has nothing to report yet
		require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)))
		began := time.Now()
		require.Error(t, h.Close())
		assert.Less(t, time.Since(began), time.Second)
		assert.EqualValues(t, 1, h.Stats().Failed)
		w.Release()
	})
}

// What a shutdown loses no scrape shows any more: the last line says it, by level.
func TestLastLineSaysWhatTheShutdownLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewBlocker(nil)
		h := New(gate, Options{Name: "audit", CloseTimeout: time.Second})
		var out bytes.Buffer
		h.engine.tell.stderr.w = &out
		l := slog.New(h)
		l.Info("inside")
		<-gate.Entered()
		l.Info("waits")
		l.Error("waits")
		require.Error(t, h.Close())
		assert.Equal(t, "asynchandler: handler \"audit\": shutdown left 3 records undelivered, INFO: 1 dropped, ERROR: 1 dropped: context deadline exceeded\n", out.String())
		gate.Release()
	})
}
