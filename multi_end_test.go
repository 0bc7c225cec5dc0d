package asynchandler_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A hung member delays no other, and the call no longer than its own bound.
func TestMultiHandlerEndsItsMembersSideBySide(t *testing.T) { // P9
	synctest.Test(t, func(t *testing.T) {
		ended := newJournalOf()
		member := func(name string, next slog.Handler, timeout time.Duration) *asynchandler.Handler {
			return asynchandler.New(next, quiet, asynchandler.WithName(name), asynchandler.WithBatchSize(1), asynchandler.WithCloseTimeout(timeout),
				asynchandler.WithOnShutdown(func(context.Context) error { ended.note(name); return nil }))
		}
		gate := testsink.NewBlocker(nil)
		m := asynchandler.NewMultiHandler(
			member("hung", gate, 20*time.Second),
			member("healthy", testsink.NewSlow(nil, 0), 20*time.Second),
			member("slow", testsink.NewSlow(nil, time.Second), 20*time.Second),
			member("hasty", testsink.NewSlow(nil, 2*time.Second), 3*time.Second),
		)
		logEach(m, "a", "b")

		flush, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := m.Flush(flush)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, ended.age())
		assert.Equal(t, []uint64{0, 2, 2, 2}, deliveredBy(m))

		logEach(m, "c", "d")
		begun := ended.age()
		err = m.Close()
		assert.Equal(t, map[string]time.Duration{"healthy": begun, "slow": begun + 2*time.Second, "hasty": begun + 3*time.Second, "hung": begun + 20*time.Second}, ended.all())
		var undelivered *asynchandler.ShutdownError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, "hung", undelivered.Handler)
		assert.Equal(t, 4, undelivered.Undelivered)
		require.ErrorContains(t, err, `handler "hasty": shutdown left 1 records undelivered`)
		assert.Equal(t, []uint64{0, 4, 4, 4}, deliveredBy(m), "the hasty one's last record was inside next")
		gate.Release()
		synctest.Wait()
	})
}

func deliveredBy(m *asynchandler.MultiHandler) (n []uint64) {
	for _, s := range m.Stats() {
		n = append(n, s.Delivered)
	}
	return n
}

// journalOf notes when things happened, since it was made.
type journalOf struct {
	start time.Time

	mu    sync.Mutex
	times map[string]time.Duration
}

func newJournalOf() *journalOf {
	return &journalOf{start: time.Now(), times: map[string]time.Duration{}}
}

func (j *journalOf) age() time.Duration { return time.Since(j.start) }

func (j *journalOf) note(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.times[what] = j.age()
}

func (j *journalOf) all() map[string]time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.times
}

// A member that flushes all from within its own next cannot wait for itself, but for
// the others.
func TestMultiHandlerFlushedFromWithinAMember(t *testing.T) { // P8
	synctest.Test(t, func(t *testing.T) {
		var m *asynchandler.MultiHandler
		var other testsink.Recorder
		var err error
		seen := -1
		calling := asynchandler.New(testsink.Func(func(ctx context.Context, _ slog.Record) error {
			err = m.Flush(ctx)
			seen = other.Len()
			return nil
		}))
		m = asynchandler.NewMultiHandler(asynchandler.New(testsink.NewSlow(&other, time.Second)), calling)
		logEach(m, "a")
		require.NoError(t, m.Shutdown(t.Context()))
		require.ErrorIs(t, err, asynchandler.ErrReentrant)
		assert.Equal(t, 1, strings.Count(err.Error(), "\n")+1, "one error: %v", err)
		assert.Equal(t, 1, seen, "the other was flushed")
	})
}

func TestMultiHandlerJoinsErrorsOfHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewBlocker(nil)
		var rec testsink.Recorder
		full := asynchandler.New(gate, asynchandler.WithCapacity(1), asynchandler.WithOverflow(asynchandler.DropNewest))
		stuck := testsink.NewBlocker(nil)
		closed := asynchandler.New(stuck, quiet)
		logEach(closed, "stuck")
		over, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, closed.Shutdown(over))
		open := asynchandler.New(&rec)
		m := asynchandler.NewMultiHandler(full, closed, open)
		logEach(full, numbered(10, 5)...)
		err := m.Handle(t.Context(), slog.Record{Message: "m"})
		require.ErrorIs(t, err, asynchandler.ErrDropped)
		require.ErrorIs(t, err, asynchandler.ErrClosed)
		gate.Release()
		stuck.Release()
		_ = m.Close()
		assert.Equal(t, []string{"m"}, rec.Messages())
	})
}
