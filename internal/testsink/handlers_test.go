package testsink_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

func record(msg string) slog.Record { return slog.NewRecord(time.Time{}, slog.LevelInfo, msg, 0) }

func TestFunc(t *testing.T) {
	var got []string
	h := testsink.Func(func(_ context.Context, r slog.Record) error {
		got = append(got, r.Message)
		return errors.ErrUnsupported
	})
	assert.ErrorIs(t, h.Handle(t.Context(), record("a")), errors.ErrUnsupported)
	slog.New(h).With("k", 1).WithGroup("g").Debug("b")
	assert.Equal(t, []string{"a", "b"}, got)
}

func TestBlockerGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rec testsink.Recorder
		b := testsink.NewBlocker(&rec)
		log := slog.New(b)
		go log.Info("1")
		go log.With("a", 1).WithGroup("g").Info("2", "b", 2)
		<-b.Entered()
		synctest.Wait()
		assert.Equal(t, 2, b.Waiting())
		assert.Zero(t, rec.Len())

		b.Step()
		synctest.Wait()
		assert.Equal(t, 0, b.Waiting())
		assert.ElementsMatch(t, []string{"INFO 1", "INFO 2 a=1 g.b=2"}, rec.Lines())

		entered := b.Entered()
		select {
		case <-entered:
			assert.Fail(t, "entered without a call")
		default:
		}
		go log.Info("3")
		<-entered
		b.Release()
		b.Release()
		log.Info("4") // does not wait
		rec.Wait(4)

		b.Block()
		b.Block()
		go log.Info("5")
		<-b.Entered()
		synctest.Wait()
		assert.Equal(t, 4, rec.Len())
		b.Release()
		rec.Wait(5)
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rec testsink.Recorder
		start := time.Now()
		log := slog.New(testsink.NewSlow(&rec, time.Second))
		log.Info("1")
		log.With("a", 1).Info("2")
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 2, rec.Len())
	})
}

func TestEnabledAsksNext(t *testing.T) {
	rec := &testsink.Recorder{Level: slog.LevelError}
	for _, h := range []slog.Handler{testsink.NewBlocker(rec), testsink.NewSlow(rec, 0), testsink.NewFailer(rec, nil, nil)} {
		assert.False(t, h.Enabled(t.Context(), slog.LevelWarn))
		assert.True(t, h.WithGroup("g").Enabled(t.Context(), slog.LevelError))
	}
	assert.True(t, testsink.NewSlow(nil, 0).Enabled(t.Context(), slog.LevelDebug))
	assert.NoError(t, testsink.NewSlow(nil, 0).Handle(t.Context(), record("m")))
}

func TestFailerScripts(t *testing.T) {
	tests := []struct {
		name string
		when testsink.When
		want []string // messages that reach next, of 0 to 5
	}{
		{"nil is always", nil, []string{}},
		{"first", testsink.First(2), []string{"2", "3", "4", "5"}},
		{"every", testsink.Every(3), []string{"0", "1", "3", "4"}},
		{"message", testsink.HasMessage("1", "4"), []string{"0", "2", "3", "5"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var rec testsink.Recorder
			f := testsink.NewFailer(&rec, nil, tt.when)
			failed := 0
			for i := range 6 {
				if err := f.Handle(t.Context(), record(strconv.Itoa(i))); err != nil {
					assert.ErrorIs(t, err, testsink.ErrFault)
					failed++
				}
			}
			assert.Equal(t, tt.want, rec.Messages())
			assert.Equal(t, 6, f.Calls())
			assert.Equal(t, failed, f.Faults())
			assert.Equal(t, 6-len(tt.want), failed)
		})
	}
}

func TestFailerHealAndBreak(t *testing.T) {
	var rec testsink.Recorder
	f := testsink.NewFailer(&rec, errors.ErrUnsupported, nil)
	child := f.WithAttrs([]slog.Attr{slog.Int("a", 1)})
	assert.ErrorIs(t, child.Handle(t.Context(), record("1")), errors.ErrUnsupported)
	f.Heal()
	assert.NoError(t, child.Handle(t.Context(), record("2")))
	f.Break(testsink.First(1))
	assert.Error(t, f.Handle(t.Context(), record("3")))
	assert.NoError(t, f.Handle(t.Context(), record("4")))
	assert.Equal(t, []string{"INFO 2 a=1", "INFO 4"}, rec.Lines())
}

func TestPanicker(t *testing.T) {
	var rec testsink.Recorder
	p := testsink.NewPanicker(&rec, "boom", testsink.HasMessage("bad"))
	assert.PanicsWithValue(t, "boom", func() { _ = p.Handle(t.Context(), record("bad")) })
	assert.NoError(t, p.Handle(t.Context(), record("good")))
	assert.Equal(t, []string{"good"}, rec.Messages())
}

func TestExiter(t *testing.T) {
	var rec testsink.Recorder
	x := testsink.NewExiter(&rec, testsink.First(1))
	var wg sync.WaitGroup
	returned := false
	wg.Go(func() {
		_ = x.Handle(t.Context(), record("bad"))
		returned = true
	})
	wg.Wait()
	assert.False(t, returned)
	assert.NoError(t, x.Handle(t.Context(), record("good")))
	assert.Equal(t, []string{"good"}, rec.Messages())
}
