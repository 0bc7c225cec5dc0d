package promises_test

import (
	"bytes"
	"context"
	"io"
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

// These are tests as users write them: of code that depends on the time and logs, in a
// bubble of its own.

// bubbled is a way to make a handler with a queue, and the handler of slog that it must
// be like.
type bubbled struct {
	original func(io.Writer, *slog.HandlerOptions) slog.Handler
	make     func(w io.Writer, opts ...asynchandler.Option) queue
}

// inBubbles runs the test for each way to make a handler.
func inBubbles(t *testing.T, test func(t *testing.T, b bubbled)) {
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			test(t, bubbled{f.original, func(w io.Writer, opts ...asynchandler.Option) queue {
				return f.make(w, nil, opts...)
			}})
		})
	}
	t.Run("NewMultiHandler", func(t *testing.T) {
		test(t, bubbled{newJSON, func(w io.Writer, opts ...asynchandler.Option) queue {
			return asynchandler.NewMultiHandler(asynchandler.NewJSONHandler(w, nil, opts...), asynchandler.NewTextHandler(io.Discard, nil, small))
		}})
	})
}

// poll is code of a user's: it polls each minute, gives up what takes more than ten
// seconds, and says so.
func poll(ctx context.Context, l *slog.Logger, flush func()) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			l.Warn("stopped", "err", ctx.Err())
			return
		case <-ticker.C:
		}
		began := time.Now()
		request, cancel := context.WithTimeout(ctx, 10*time.Second)
		select {
		case <-request.Done():
			l.ErrorContext(request, "poll", "err", request.Err(), "took", time.Since(began))
		case <-time.After(time.Duration(n) * 3 * time.Second):
			l.InfoContext(request, "poll", "n", n, "took", time.Since(began), "at", time.Now())
		}
		cancel()
		flush()
	}
}

// pollForLong returns the time it took, in the bubble.
func pollForLong(t *testing.T, h slog.Handler, flush func()) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 59*time.Minute+30*time.Second) // no tick is due then
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { poll(ctx, slog.New(h).With("service", "poll"), flush) })
	wg.Wait()
	return time.Since(began)
}

// A bubble with our handler sees the same times as one with slog's: the clock moves on
// when the user's code waits, and only then.
func TestBubbleKeepsItsTime(t *testing.T) { // P1, P2
	inBubbles(t, func(t *testing.T, b bubbled) {
		var want bytes.Buffer
		var took time.Duration
		synctest.Test(t, func(t *testing.T) {
			took = pollForLong(t, b.original(&want, nil), func() {})
		})
		require.Contains(t, want.String(), "2000-01-01T00:59:", "times of the bubble")
		synctest.Test(t, func(t *testing.T) {
			var got testsink.Buffer
			h := b.make(&got, small)
			flush := func() {
				began := time.Now()
				assert.NoError(t, h.Flush(t.Context()))
				assert.Zero(t, time.Since(began))
			}
			assert.Equal(t, took, pollForLong(t, h, flush))
			require.NoError(t, h.Close())
			assert.Equal(t, want.String(), got.String())
		})
	})
}

// A caller that Block makes wait, waits in the time of the bubble.
func TestBlockInABubble(t *testing.T) {
	inBubbles(t, func(t *testing.T, b bubbled) {
		synctest.Test(t, func(t *testing.T) {
			var out testsink.Buffer
			gate := testsink.NewBlockingWriter(&out)
			h := b.make(gate, asynchandler.WithOverflow(asynchandler.Block), asynchandler.WithCapacity(2), asynchandler.WithDropReports(0))
			time.AfterFunc(3*time.Second, gate.Release)
			began := time.Now()
			logEach(h, "in the worker's hands")
			<-gate.Entered()
			logEach(h, "waits", "waits too")
			assert.Zero(t, time.Since(began))
			logEach(h, "for which there is no room")
			assert.Equal(t, 3*time.Second, time.Since(began))

			require.NoError(t, h.Flush(t.Context()))
			gate.Block()
			logEach(h, "in the worker's hands")
			<-gate.Entered()
			logEach(h, "waits", "waits too")
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began = time.Now()
			slog.New(h).InfoContext(ctx, "given up")
			assert.Equal(t, 2*time.Second, time.Since(began))
			gate.Release()
			require.NoError(t, h.Close())
			assert.NotContains(t, out.String(), "given up")
			assert.Len(t, out.Lines(), 7)
		})
	})
}

// A hang is noticed, and a flush bounded, in the time of the bubble.
func TestStallInABubble(t *testing.T) { // P13
	inBubbles(t, func(t *testing.T, b bubbled) {
		synctest.Test(t, func(t *testing.T) {
			var out testsink.Buffer
			var fallback testsink.Recorder
			gate := testsink.NewBlockingWriter(&out)
			began := time.Now()
			var noticed time.Duration
			h := b.make(gate, small, asynchandler.WithFallback(&fallback), asynchandler.WithErrorHandler(func(error) {
				noticed = time.Since(began)
			}))
			logEach(h, "hangs")
			<-gate.Entered()
			logEach(h, "waits")
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			require.ErrorIs(t, h.Flush(ctx), context.DeadlineExceeded)
			assert.Empty(t, fallback.Messages())
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Equal(t, 5*time.Second, noticed)
			assert.Equal(t, []string{"waits"}, fallback.Messages())
			gate.Release()
			require.NoError(t, h.Close())
			assert.Equal(t, 1, strings.Count(out.String(), "hangs"))
			assert.NotContains(t, out.String(), "waits")
			assert.Equal(t, time.Minute+4*time.Second, time.Since(began))
		})
	})
}

// The breaker leaves next alone in the time of the bubble.
func TestBreakerInABubble(t *testing.T) { // P7
	inBubbles(t, func(t *testing.T, b bubbled) {
		synctest.Test(t, func(t *testing.T) {
			var out testsink.Buffer
			w := testsink.NewFaultWriter(&out)
			w.Always(testsink.Short(0, testsink.ErrFault))
			h := b.make(w, small, quiet)
			began := time.Now()
			logEach(h, numbered(6, 2)...)
			time.Sleep(time.Second)
			tries := w.Calls()
			assert.Equal(t, 6, tries, "of five records, the first one twice; then the breaker opens")
			w.Heal()
			time.Sleep(4 * time.Second)
			assert.Equal(t, tries, w.Calls(), "while it is open")
			require.NoError(t, h.Flush(t.Context()))
			assert.Greater(t, time.Since(began), 5*time.Second)
			assert.LessOrEqual(t, time.Since(began), 6*time.Second)
			assert.Len(t, out.Lines(), 6)
			require.NoError(t, h.Close())
		})
	})
}

// A handler from outside, such as a logger in a variable of a package, can be logged to
// and flushed from within a bubble.
func TestHandlerFromOutsideOfTheBubble(t *testing.T) {
	inBubbles(t, func(t *testing.T, b bubbled) {
		var want bytes.Buffer
		synctest.Test(t, func(t *testing.T) { pollForLong(t, b.original(&want, nil), func() {}) })
		var got testsink.Buffer
		h := b.make(&got, small)
		synctest.Test(t, func(t *testing.T) {
			pollForLong(t, h, func() {})
			require.NoError(t, h.Flush(t.Context()))
			assert.Equal(t, want.String(), got.String())
		})
		require.NoError(t, h.Close())
		assert.Equal(t, want.String(), got.String())
	})
}
