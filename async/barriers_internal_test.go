package async

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// flushing is a Sink that can be flushed.
type flushing struct {
	handlerSink
	flushed int
}

func (s *flushing) Flush() error { s.flushed++; return nil }

// However many log calls wait for their records (SyncLevel), each outcome finds its own, and
// what the worker looks through again and again has only calls of Flush. The sink is flushed
// once for a batch.
func TestManyThatWaitForTheirRecordsAreNotLookedThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		gate, sink := testsink.NewBlocker(&testsink.Recorder{}), &flushing{}
		h := New(gate, Options{SyncLevel: slog.LevelError, Sink: sink, StallTimeout: -1})
		l := &h.engine.barriers
		lengths := func() (logs, flushes int) {
			h.engine.locked(func() { logs, flushes = len(l.logs), len(l.flushes) })
			return logs, flushes
		}
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				assert.NoError(t, h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelError, "", 0)))
			})
		}
		synctest.Wait()
		all.Go(func() { assert.NoError(t, h.Flush(context.Background())) })
		synctest.Wait()
		logs, flushes := lengths()
		assert.Equal(t, n, logs)
		assert.Equal(t, 1, flushes)
		assert.EqualValues(t, 1, l.waiters.Load(), "the worker sees to the Flush alone")

		gate.Release()
		all.Wait()
		logs, flushes = lengths()
		assert.Zero(t, logs+flushes)
		assert.Zero(t, l.waiters.Load())
		assert.LessOrEqual(t, sink.flushed, 3+n/h.engine.opts.BatchSize)
		require.NoError(t, h.Close())
	})
}
