package promises_test

import (
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// inFront is something that gives a queue the values of a record ahead of it, or might: it
// keeps records, or makes the values wait that a function of the queue has to see.
type inFront struct {
	name string
	of   func(h *asynchandler.Handler) (outer slog.Handler, end func() error)
}

func fronts() []inFront {
	none := func() error { return nil }
	record := func(next slog.Handler) slog.Handler { return recorder.New(next, recorder.Options{}) }
	return []inFront{
		{"recorder", func(h *asynchandler.Handler) (slog.Handler, func() error) { return record(h), none }},
		{"two recorders", func(h *asynchandler.Handler) (slog.Handler, func() error) { return record(record(h)), none }},
		{"recorder and breaker", func(h *asynchandler.Handler) (slog.Handler, func() error) {
			return record(breaker.New(h, breaker.Options{})), none
		}},
		{"recorder and breaker with fallback", func(h *asynchandler.Handler) (slog.Handler, func() error) {
			return record(breaker.New(h, breaker.Options{Fallback: slog.NewTextHandler(io.Discard, nil)})), none
		}},
		{"recorder and several", func(h *asynchandler.Handler) (slog.Handler, func() error) {
			return record(asynchandler.NewMultiHandler(h)), none
		}},
		{"queue", func(h *asynchandler.Handler) (slog.Handler, func() error) {
			q := asynchandler.New(h)
			return q, q.Close
		}},
		{"queue with fallback", func(h *asynchandler.Handler) (slog.Handler, func() error) {
			q := asynchandler.New(h, asynchandler.WithFallback(slog.NewTextHandler(io.Discard, nil)))
			return q, q.Close
		}},
		{"recorder and queue", func(h *asynchandler.Handler) (slog.Handler, func() error) {
			q := asynchandler.New(h)
			return record(q), q.Close
		}},
	}
}

// optionsOfSlog returns options of slog's handlers, of which one has a function that goes by types.
func optionsOfSlog() map[string]*slog.HandlerOptions {
	return map[string]*slog.HandlerOptions{
		"": {Level: slog.LevelDebug},
		", ReplaceAttr": {Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}},
	}
}

// Values that a queue is given ahead of their record count with it.
func TestValuesGivenAheadCount(t *testing.T) { // P5
	const limit, size = 1 << 20, 50_000
	for _, f := range fronts() {
		for name, ho := range optionsOfSlog() {
			t.Run(f.name+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := testsink.NewBlockingWriter(nil)
					h := asynchandler.NewJSONHandler(w, ho, asynchandler.WithMemoryLimit(limit), asynchandler.WithMaxWait(0), quiet)
					outer, end := f.of(h)
					l := slog.New(outer)
					for range 5 {
						for range 20 {
							l.Debug("kept", "body", make([]byte, size))
						}
						l.Error("failed")
						time.Sleep(time.Second)
					}
					s := h.Stats()
					assert.LessOrEqual(t, s.Depth, limit/size+5, "each ERROR is small")
					assert.Greater(t, s.Depth, limit/size/2, "the room is used")
					assert.Greater(t, s.MemoryUsed, int64(limit/2))
					w.Release()
					require.NoError(t, end())
					require.NoError(t, h.Close())
					assert.Zero(t, h.Stats().MemoryUsed)
				})
			})
		}
	}
}

// And they are cut with it.
func TestValuesGivenAheadAreCut(t *testing.T) { // P5
	const most = 1000
	for _, f := range fronts() {
		for name, ho := range optionsOfSlog() {
			t.Run(f.name+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var out testsink.Buffer
					h := asynchandler.NewTextHandler(&out, ho, asynchandler.WithMaxRecordSize(most))
					outer, end := f.of(h)
					l := slog.New(outer)
					l.Debug("fits", "list", []int{1, 2, 3})
					l.Debug("kept", "list", make([]int, 5000))
					l.Debug("kept", "value", &struct{ List []int }{make([]int, 5000)}, "few", []int{1})
					l.Error("failed", "list", make([]int, 5000))
					require.NoError(t, end())
					require.NoError(t, h.Close())
					lines := out.Lines()
					require.Len(t, lines, 4)
					assert.Contains(t, lines[0], "list=\"[1 2 3]\"")
					for _, line := range lines[1:] {
						assert.Contains(t, line, "truncated=true")
						assert.Less(t, len(line), most+250, "keys, time and punctuation come on top")
					}
				})
			})
		}
	}
}
