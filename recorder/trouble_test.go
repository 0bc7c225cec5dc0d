package recorder_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// interceptor is a next that does something with each record before it records it.
func interceptor(next *testsink.Recorder, do func(ctx context.Context, message string)) slog.Handler {
	return testsink.Func(func(ctx context.Context, r slog.Record) error {
		do(ctx, r.Message)
		return next.Handle(ctx, r)
	})
}

func TestAPanicInNextCostsOnlyItsOwnRecord(t *testing.T) {
	shown := new(testsink.Recorder)
	h := recorder.New(interceptor(shown, func(_ context.Context, message string) {
		if message == "bad" {
			panic("cannot show this")
		}
	}), recorder.Options{})
	l := slog.New(h)
	for range 2 {
		shown.Reset()
		l.Debug("a")
		l.Debug("bad")
		l.Debug("b")
		assert.PanicsWithValue(t, "cannot show this", func() { l.Error("failed") }, "not hidden")
		assert.Equal(t, []string{"DEBUG a", "DEBUG b", "ERROR failed"}, shown.Lines())
	}
	l.Debug("bad")
	assert.PanicsWithValue(t, "cannot show this", func() { h.Emit(t.Context()) })
	s := law(t, h)
	assert.Zero(t, s.Held)
	assert.Equal(t, uint64(7), s.Emitted)
}

func TestANextThatEndsTheGoroutineLeaksNothing(t *testing.T) {
	shown := new(testsink.Recorder)
	h := recorder.New(interceptor(shown, func(_ context.Context, message string) {
		if message == "bad" {
			runtime.Goexit()
		}
	}), recorder.Options{})
	l := slog.New(h)
	var wg sync.WaitGroup
	wg.Go(func() {
		l.Debug("a")
		l.Debug("bad")
		l.Debug("b")
		l.Error("failed")
	})
	wg.Wait()
	s := law(t, h)
	assert.Equal(t, uint64(2), s.Emitted)
	assert.Equal(t, uint64(1), s.Forgotten)
	l.Debug("c")
	l.Error("failed again")
	assert.Equal(t, []string{"DEBUG a", "DEBUG c", "ERROR failed again"}, shown.Lines())
}

// Next logs through the same logger while it is given kept records: below Level, and at
// Trigger. It would wait for itself.
func TestNextMayLogWhileItIsGivenKeptRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := new(testsink.Recorder)
		var l *slog.Logger
		h := recorder.New(interceptor(shown, func(ctx context.Context, message string) {
			if strings.HasPrefix(message, "step") {
				l.DebugContext(ctx, "of next")
				l.ErrorContext(ctx, "error of next")
			}
		}), recorder.Options{})
		l = slog.New(h)
		ctx, end := recorder.Begin(t.Context())
		defer end()
		l.DebugContext(ctx, "step 1")
		l.DebugContext(ctx, "step 2")
		began := time.Now()
		l.ErrorContext(ctx, "failed")
		assert.Equal(t, began, time.Now(), "waits for nobody")
		assert.Equal(t, []string{
			"ERROR error of next", "DEBUG step 1", "ERROR error of next", "DEBUG step 2", "ERROR failed",
		}, shown.Lines())
		assert.Equal(t, 2, law(t, h).Held, "what next has logged is kept as any other")
		assert.Equal(t, 2, h.Emit(ctx))
	})
}

// A record at Trigger comes after all that its own goroutine has logged, though another one
// is letting that out.
func TestARecordWaitsForThoseOfItsScopeThatAreOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shown := new(testsink.Recorder)
		h := recorder.New(interceptor(shown, func(_ context.Context, message string) {
			if message == "slow" {
				time.Sleep(100 * time.Millisecond)
			}
		}), recorder.Options{})
		l := slog.New(h)
		l.Debug("slow")
		l.Debug("a")
		go l.Error("first")
		synctest.Wait()
		l.Debug("b")
		l.Error("second")
		synctest.Wait()
		lines := shown.Lines()
		require.Len(t, lines, 5)
		assert.Equal(t, []string{"DEBUG slow", "DEBUG a"}, lines[:2])
		assert.Less(t, index(lines, "DEBUG b"), index(lines, "ERROR second"))
		law(t, h)
	})
}

func index(lines []string, line string) int {
	for i, l := range lines {
		if l == line {
			return i
		}
	}
	return -1
}

func TestANextThatHangsHoldsOthersUpForASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		shown := new(testsink.Recorder)
		h := recorder.New(interceptor(shown, func(_ context.Context, message string) {
			if message == "stuck" {
				<-hang
			}
		}), recorder.Options{})
		l := slog.New(h)
		l.Debug("stuck")
		l.Debug("behind it")
		go l.Error("first")
		synctest.Wait()
		began := time.Now()
		l.Debug("kept")
		l.Error("second")
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, []string{"ERROR second"}, shown.Lines())
		close(hang)
		synctest.Wait()
		assert.Equal(t, []string{"ERROR second", "DEBUG stuck", "DEBUG behind it", "ERROR first"}, shown.Lines())
		assert.Equal(t, 1, h.Emit(t.Context()))
		law(t, h)
	})
}

// A scope ends, or is forgotten, while what it had is on its way.
func TestAScopeThatEndsWhileItIsLetOut(t *testing.T) {
	shown := new(testsink.Recorder)
	var h *recorder.Handler
	ctx, end := recorder.Begin(t.Context())
	h = recorder.New(interceptor(shown, func(_ context.Context, message string) {
		if message == "a" {
			slog.New(h).DebugContext(ctx, "kept meanwhile")
			end()
		}
	}), recorder.Options{})
	l := slog.New(h)
	l.DebugContext(ctx, "a")
	l.DebugContext(ctx, "b")
	l.ErrorContext(ctx, "failed")
	assert.Equal(t, []string{"DEBUG a", "DEBUG b", "ERROR failed"}, shown.Lines())
	s := law(t, h)
	assert.Zero(t, s.Held)
	assert.Equal(t, uint64(1), s.Forgotten)
}

// What cannot have room because of records on their way evicts nothing.
func TestRoomThatIsTakenByRecordsOnTheirWay(t *testing.T) {
	var h *recorder.Handler
	other, end := recorder.Begin(t.Context())
	defer end()
	h = recorder.New(interceptor(new(testsink.Recorder), func(_ context.Context, message string) {
		if message == "first" {
			slog.New(h).DebugContext(other, strings.Repeat("x", 3000))
		}
	}), recorder.Options{MaxBytes: 4096})
	l := slog.New(h)
	l.DebugContext(other, "of another scope")
	l.Debug("first")
	l.Debug(strings.Repeat("y", 1000))
	assert.Equal(t, 2, h.Emit(t.Context()))
	assert.Equal(t, recorder.Evictions{Bytes: 1}, law(t, h).EvictedBy)
	assert.Equal(t, 1, h.Emit(other))
}

// Records that are being let out take up room, but are not evicted.
func TestEvictionWhileRecordsAreLetOut(t *testing.T) {
	shown := new(testsink.Recorder)
	var h *recorder.Handler
	h = recorder.New(interceptor(shown, func(ctx context.Context, message string) {
		if strings.HasPrefix(message, "step") {
			for i := range 100 {
				slog.New(h).DebugContext(ctx, fmt.Sprint("meanwhile ", i))
				assert.LessOrEqual(t, h.Stats().Bytes, int64(4096))
			}
		}
	}), recorder.Options{MaxRecords: 8, MaxBytes: 4096})
	l := slog.New(h)
	for i := range 8 {
		l.Debug(fmt.Sprint("step ", i))
	}
	l.Error("failed")
	want := []string{}
	for i := range 8 {
		want = append(want, fmt.Sprint("DEBUG step ", i))
	}
	assert.Equal(t, append(want, "ERROR failed"), shown.Lines())
	law(t, h)
}
