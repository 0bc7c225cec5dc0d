package async_test

import (
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A next that ends the caller's goroutine leaves the way free for others.
func TestDirectExit(t *testing.T) {
	for _, inFallback := range []bool{false, true} {
		bubble(t, map[bool]string{false: "next", true: "fallback"}[inFallback], func(t *testing.T) {
			is := testsink.HasMessage("bad")
			rec := &testsink.Recorder{}
			next, opts := slog.Handler(testsink.NewExiter(rec, is)), async.Options{}
			if inFallback {
				next = testsink.NewFailer(rec, errDown, is)
				opts.Fallback = testsink.NewExiter(nil, nil)
			}
			h := ended(t, next, opts)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = late(h, "bad")
				assert.Fail(t, "the goroutine should have ended")
			}()
			<-done
			require.NoError(t, late(h, "1"))
			require.NoError(t, h.Flush(t.Context()))
			assertOutcomes(t, h, outcomes{delivered: 2, failed: 1})
			assert.EqualValues(t, 1, h.Stats().Panics)
		})
	}
}

// Its record goes to the fallback, at once.
func TestDirectExitWithFallback(t *testing.T) { // P3, P8
	synctest.Test(t, func(t *testing.T) {
		rec, fallback := &testsink.Recorder{}, &testsink.Recorder{}
		h := ended(t, testsink.NewExiter(rec, testsink.HasMessage("bad")), async.Options{Fallback: fallback})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = late(h, "bad")
		}()
		<-done
		assertOutcomes(t, h, outcomes{delivered: 1, fallback: 1})
		assert.Equal(t, []string{"bad"}, fallback.Messages())
		assert.EqualValues(t, 2, h.Stats().Received)
	})
}

// A record that ends its goroutine goes to the fallback all the same.
func TestDirectExitBesideAFallback(t *testing.T) {
	bubble(t, "a record that ends its goroutine", func(t *testing.T) {
		next := newJournal().handler(func(msg string) error {
			if msg == "exit" {
				runtime.Goexit()
			}
			return nil
		})
		h := ended(t, next, async.Options{Fallback: newJournal().handler(func(string) error { return nil })})
		go func() { _ = late(h, "exit") }()
		synctest.Wait()
		assertOutcomes(t, h, outcomes{delivered: 1, fallback: 1})
	})
}
