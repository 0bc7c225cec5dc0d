package testsink_test

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

type ctxKey struct{}

func TestRecorderFoldsAttrsAndGroups(t *testing.T) {
	tests := []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"plain", func(l *slog.Logger) { l.Info("m", "a", 1) }, "INFO m a=1"},
		{"with", func(l *slog.Logger) { l.With("a", 1).With("b", 2).Warn("m", "c", 3) }, "WARN m a=1 b=2 c=3"},
		{"groups", func(l *slog.Logger) { l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").Info("m", "c", 3) }, "INFO m a=1 g.b=2 g.h.c=3"},
		{"empty group", func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Info("m") }, "INFO m a=1"},
		{"inline group", func(l *slog.Logger) { l.Info("m", slog.Group("", "a", 1), slog.Group("g", "b", 2)) }, "INFO m a=1 g.b=2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var rec testsink.Recorder
			tt.log(slog.New(&rec))
			assert.Equal(t, []string{tt.want}, rec.Lines())
		})
	}
}

func TestRecorderDerivedHandlersAreIndependent(t *testing.T) {
	var rec testsink.Recorder
	base := slog.New(&rec).With("a", 1)
	base.With("b", 2).Info("first")
	base.With("c", 3).Info("second")
	base.Info("third")
	assert.Equal(t, []string{"INFO first a=1 b=2", "INFO second a=1 c=3", "INFO third a=1"}, rec.Lines())
	assert.Equal(t, 3, rec.Derived())
}

func TestRecorderKeepsRecordAndContext(t *testing.T) {
	var rec testsink.Recorder
	ctx := context.WithValue(t.Context(), ctxKey{}, "v")
	slog.New(&rec).WithGroup("g").InfoContext(ctx, "m", "a", 1)
	entries := rec.Records()
	require.Len(t, entries, 1)
	assert.Equal(t, "v", entries[0].Ctx.Value(ctxKey{}))
	assert.Equal(t, "m", entries[0].Record.Message)
	assert.Equal(t, 1, entries[0].Record.NumAttrs())
	assert.Equal(t, []slog.Attr{{Key: "g", Value: slog.GroupValue(slog.Int("a", 1))}}, entries[0].Attrs)
}

func TestRecorderLevel(t *testing.T) {
	rec := testsink.Recorder{Level: slog.LevelWarn}
	log := slog.New(&rec)
	log.Info("no")
	log.Warn("yes")
	log.With("a", 1).Info("no")
	log.With("a", 1).Error("yes too")
	assert.Equal(t, []string{"yes", "yes too"}, rec.Messages())
	assert.True(t, new(testsink.Recorder).Enabled(t.Context(), slog.LevelDebug-4))
}

func TestRecorderWaitAndReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rec testsink.Recorder
		start := time.Now()
		go func() {
			for range 3 {
				time.Sleep(time.Second)
				slog.New(&rec).With("a", 1).Info("m")
			}
		}()
		rec.Wait(0)
		rec.Wait(2)
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 2, rec.Len())
		rec.Reset()
		rec.Wait(1)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Equal(t, 1, rec.Len())
	})
}

func TestRecorderConcurrentSafe(t *testing.T) {
	const goroutines, each = 4, 200
	var rec testsink.Recorder
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			log := slog.New(&rec).With("g", g)
			for i := range each {
				log.Info(testsink.Message(g, i))
			}
		})
	}
	rec.Wait(goroutines * each)
	assert.NoError(t, testsink.Check(rec.Messages(), goroutines, each).Err())
	wg.Wait()
}
