package promises_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// Eight goroutines log a million records at DEBUG with a thousand ERRORs among them over
// a writer that hangs: when it is back, all the errors come out, in the order of their
// goroutine's calls, whether the capacity is the bound or the bytes.
func TestErrorsSurviveAFloodConcurrentSafe(t *testing.T) { // P6
	const goroutines, errorsEach = 8, 125
	for i, tt := range []struct {
		name string
		opts []asynchandler.Option
	}{
		{"capacity", []asynchandler.Option{asynchandler.WithCapacity(4096)}},
		{"bytes", []asynchandler.Option{asynchandler.WithMemoryLimit(128 << 10)}},
		{"bytes, DropNewest", []asynchandler.Option{asynchandler.WithMemoryLimit(128 << 10), asynchandler.WithOverflow(asynchandler.DropNewest)}},
	} {
		each := 1_000_000 / goroutines
		if i > 0 || raceEnabled {
			each /= 10 // as many would take long
		}
		t.Run(tt.name, func(t *testing.T) {
			out := &testsink.Buffer{}
			w := testsink.NewBlockingWriter(out)
			h := asynchandler.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}, append(tt.opts, quiet)...)
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					l := slog.New(h)
					for i := range each {
						if i%(each/errorsEach) == 0 {
							l.Error(testsink.Message(g, i/(each/errorsEach)))
						}
						l.Debug("debug", "n", i)
					}
				})
			}
			wg.Wait()
			used := h.Stats().MemoryUsed
			w.Release()
			require.NoError(t, h.Close())
			require.NoError(t, testsink.Check(testsink.Messages(out.String()), goroutines, errorsEach).Err())
			debugs := strings.Count(out.String(), "msg=debug")
			t.Logf("%d ERROR came out, and %d of %d DEBUG (%.2f%%); %d bytes were waiting", goroutines*errorsEach, debugs, each*goroutines, 100*float64(debugs)/float64(each*goroutines), used)
			s := h.Stats()
			assert.Equal(t, s.Received, s.Delivered+s.Dropped)
			for _, d := range s.Drops {
				assert.True(t, d.Level == slog.LevelDebug || d.Count == 0, "%d dropped at %v: %s", d.Count, d.Level, d.Reason)
			}
		})
	}
}
