package promises_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

// outage is a writer that fails while it is down.
type outage struct {
	mu   sync.Mutex
	down bool
	buf  bytes.Buffer
}

func (w *outage) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return 0, errors.New("connection refused")
	}
	return w.buf.Write(p)
}

func (w *outage) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

func (w *outage) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func openSpool(t *testing.T, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{SyncInterval: -1})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// logBoth logs the same of each i to each logger.
func logBoth(from, to int, loggers ...*slog.Logger) {
	for i := from; i < to; i++ {
		for _, l := range loggers {
			l.With("request", i%3).WithGroup("g").Info("m", "i", i, "err", fmt.Errorf("no %d", i), "list", []any{i, "x"}, "d", time.Duration(i))
		}
		time.Sleep(time.Millisecond)
	}
}

func withoutTimes(text string) (lines []string) {
	for line := range strings.Lines(text) {
		_, line, _ = strings.Cut(line, "level")
		lines = append(lines, line)
	}
	return lines
}

// What is written after an outage, and by the next process, is what slog would have written.
func TestTheSpoolChangesNoLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		quiet := asynchandler.WithErrorHandler(func(error) {})
		var want bytes.Buffer
		slogs := slog.New(slog.NewJSONHandler(&want, nil))
		w := &outage{down: true}
		h := asynchandler.NewJSONHandler(w, nil, asynchandler.WithCapacity(64), asynchandler.WithSpool(openSpool(t, dir)), quiet)
		logBoth(0, 300, slogs, slog.New(h))
		require.Greater(t, h.Stats().Spooled, 200)
		w.set(false)
		time.Sleep(time.Minute)
		assert.Equal(t, withoutTimes(want.String()), withoutTimes(w.String()))

		w.set(true)
		logBoth(300, 400, slogs, slog.New(h))
		require.NoError(t, h.Close(), "all that waits is on the disk")
		s := h.Stats()
		require.Zero(t, s.Depth+int(s.Dropped))

		w.set(false)
		h = asynchandler.NewJSONHandler(w, nil, asynchandler.WithCapacity(64), asynchandler.WithSpool(openSpool(t, dir)), quiet)
		require.EqualValues(t, 100, h.Stats().Recovered)
		logBoth(400, 410, slogs, slog.New(h))
		time.Sleep(time.Minute)
		assert.Equal(t, withoutTimes(want.String()), withoutTimes(w.String()))
		require.NoError(t, h.Close())
		s = h.Stats()
		assert.Equal(t, s.Received+s.Recovered, s.Delivered)
		assert.Zero(t, s.SpoolDamaged)
	})
}

func TestNoSpoolBesideAFallback(t *testing.T) {
	s := openSpool(t, t.TempDir())
	require.PanicsWithValue(t, "asynchandler: WithSpool(a spool): want no WithFallback beside it", func() {
		asynchandler.NewJSONHandler(&outage{}, nil, asynchandler.WithSpool(s), asynchandler.WithFallback(slog.DiscardHandler))
	})
}

// A spool is one handler's, until that has been shut down.
func TestASpoolIsOneHandlers(t *testing.T) {
	dir := t.TempDir()
	s := openSpool(t, dir)
	h := asynchandler.NewJSONHandler(&outage{}, nil, asynchandler.WithSpool(s))
	m := asynchandler.NewMultiHandler(h)
	for range 2 {
		require.PanicsWithValue(t, "asynchandler: WithSpool(a spool): want one that is no other handler's", func() {
			m = asynchandler.NewMultiHandler(h, asynchandler.New(slog.DiscardHandler, asynchandler.WithSpool(s)))
		})
	}
	require.PanicsWithValue(t, "async: Options.Spool: that of another handler is out of range", func() {
		async.New(slog.DiscardHandler, async.Options{Spool: s})
	})
	slog.New(m).Info("x")
	require.NoError(t, m.Flush(t.Context()))
	require.NoError(t, m.Close())
	require.EqualValues(t, 1, h.Stats().Delivered)

	require.NoError(t, asynchandler.New(slog.DiscardHandler, asynchandler.WithSpool(s)).Close())
}

// What is on the disk may be refused, and trouble the breaker, before New has returned: a
// matter for the race detector.
func TestTheBreakerPanicsOverTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		refuses := testsink.NewFailer(nil, testsink.ErrFault, testsink.Always)
		begin := func(opts ...asynchandler.Option) *asynchandler.Handler {
			return asynchandler.New(refuses, append(opts, asynchandler.WithSpool(openSpool(t, dir)))...)
		}
		h := begin(asynchandler.WithErrorHandler(func(error) {}))
		slog.New(h).Info("left")
		require.NoError(t, h.Close())

		var panics atomic.Int32
		h = begin(asynchandler.WithErrorHandler(func(err error) {
			if _, ok := errors.AsType[*asynchandler.PanicError](err); ok {
				panics.Add(1)
			}
		}), asynchandler.WithBreaker(gobreaker.Settings{ReadyToTrip: func(gobreaker.Counts) bool { panic("no") }}))
		time.Sleep(time.Minute)
		require.Positive(t, panics.Load())
		require.NoError(t, h.Close())
	})
}

// dawdler is a writer that takes its time, and fails.
type dawdler struct{}

func (dawdler) Write([]byte) (int, error) {
	time.Sleep(2 * time.Second)
	return 0, testsink.ErrFault
}

// A call into next that returns after the end finds the records still its own: a matter for the
// race detector.
func TestTheEndOfTheSpoolDuringACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		quiet := asynchandler.WithErrorHandler(func(error) {})
		h := asynchandler.NewJSONHandler(&outage{down: true}, nil, asynchandler.WithSpool(openSpool(t, dir)), quiet)
		slog.New(h).Info("left")
		require.NoError(t, h.Close())

		h = asynchandler.NewJSONHandler(dawdler{}, nil, asynchandler.WithSpool(openSpool(t, dir)), asynchandler.WithCloseTimeout(time.Second), quiet)
		time.Sleep(time.Millisecond)
		_ = h.Close()
		time.Sleep(time.Minute)
		require.Equal(t, 1, h.Stats().Spooled)
	})
}
