package async_test

import (
	"context"
	"fmt"
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

func TestShutdownWhileNextHangs(t *testing.T) {
	for _, withFallback := range []bool{false, true} {
		for _, stalled := range []bool{false, true} { // before the shutdown begins
			name := map[bool]string{false: "no fallback", true: "fallback"}[withFallback] +
				map[bool]string{false: "/hangs unnoticed", true: "/stalled"}[stalled]
			bubble(t, name, func(t *testing.T) {
				next, fallback := newHanging(t), &testsink.Recorder{}
				opts := async.Options{Gate: newBreaker(), StallTimeout: time.Second}
				if withFallback {
					opts.Fallback = fallback
				}
				h, plug := plugged(t, next.handler(), opts)
				info(h, "hang")
				plug.Release()
				time.Sleep(time.Millisecond)
				if stalled {
					time.Sleep(time.Minute)
				}
				info(h, "2", "3")

				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				var undelivered *async.ShutdownError
				require.ErrorAs(t, h.Shutdown(ctx), &undelivered)
				assert.Equal(t, 5*time.Second, time.Since(start))
				inside := outcomes{delivered: 1, dropped: 2, depth: 1}
				if withFallback {
					inside = outcomes{delivered: 1, fallback: 2, depth: 1}
					assert.Equal(t, 1, undelivered.Undelivered)
					assert.Equal(t, []string{"2", "3"}, fallback.Messages())
				} else {
					assert.Equal(t, 3, undelivered.Undelivered)
				}
				assertOutcomes(t, h, inside)
				info(h, "late")
				inside.dropped++
				assertOutcomes(t, h, inside)

				next.Release()
				inside.delivered, inside.depth = 2, 0
				assertOutcomes(t, h, inside)
				next.assertOneAtATime(t)
			})
		}
	}
}

// When next returns before the context ends, the shutdown goes on at once.
func TestShutdownOutlivesStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := newHanging(t)
		h := begin(t, next.handler(), async.Options{Gate: newBreaker(), StallTimeout: time.Second})
		info(h, "hang", "1", "2")
		time.AfterFunc(time.Minute, next.Release)
		start := time.Now()
		require.NoError(t, h.Shutdown(context.Background()))
		assert.Equal(t, time.Minute, time.Since(start))
		assertOutcomes(t, h, outcomes{delivered: 3})
		next.assertOneAtATime(t)
	})
}

// What a call that hung did not deliver comes before all that was taken meanwhile, also
// before what the worker had in its hands for the fallback when the call returned, whether
// the fallback takes its time then or hangs too.
func TestOrderAfterAStalledCallFails(t *testing.T) { // P7, P13
	for _, g := range gates {
		for _, slow := range []time.Duration{time.Millisecond, time.Hour} {
			bubble(t, fmt.Sprintf("%s/fallback takes %v", g.name, slow), func(t *testing.T) {
				plug, hang := testsink.NewGate(), testsink.NewGate()
				sink := &batchSink{}
				sink.deliver = func(_ *async.Batch, msgs []string) (int, error) {
					switch {
					case msgs[0] == "0":
						plug.Pass()
					case len(msgs) == 2 && msgs[1] == "2":
						hang.Pass()
						return 0, errDown
					}
					return len(msgs), nil
				}
				fallback := testsink.Func(func(_ context.Context, r slog.Record) error {
					if r.Message == "4" {
						hang.Release()
						time.Sleep(slow)
					}
					return nil
				})
				h := begin(t, sink.handler(), async.Options{Sink: sink, Fallback: fallback, Gate: g.gate(), StallTimeout: time.Second})
				info(h, "0")
				synctest.Wait()
				info(h, "1", "2")
				plug.Release()
				time.Sleep(2 * time.Second)
				require.EqualValues(t, 1, h.Stats().Stalls)
				info(h, "3")
				synctest.Wait() // the new worker naps, so the next ones are one batch
				info(h, "4", "5", "6")
				time.Sleep(2 * time.Hour)
				require.NoError(t, h.Close())
				assert.True(t, slices.IsSorted(sink.taken), "next got %v", sink.taken)
				if g.name == "no gate" {
					assert.Equal(t, []string{"0", "1", "2", "5", "6"}, sink.taken)
				}
				assertIdentity(t, h)
			})
		}
	}
}
