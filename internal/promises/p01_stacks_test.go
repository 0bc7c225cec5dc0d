package promises_test

import (
	"io"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// stacks are ways to put the handlers of this module upon each other. Each is given a
// flavor's handler without a queue, or a way to make one with a queue.
var stacks = []struct {
	name string
	make func(f flavor, w io.Writer) (top slog.Handler, q queue)
}{
	{"behind a breaker", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := f.make(w, nil, small)
		return breaker.New(q, breaker.Options{}), q
	}},
	{"fallback of a breaker", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := f.make(w, nil, small)
		failing := testsink.NewFailer(slog.NewTextHandler(io.Discard, nil), nil, nil)
		return breaker.New(failing, breaker.Options{Fallback: q}), q
	}},
	{"over a breaker", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := asynchandler.New(breaker.New(f.original(w, nil), breaker.Options{}), small)
		return q, q
	}},
	{"over a breaker over the writer", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler {
			return breaker.New(f.original(w, nil), breaker.Options{})
		}, small)
		return q, q
	}},
	{"async.New", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := async.New(f.original(w, nil), async.Options{Capacity: 64})
		return q, q
	}},
	{"async.New behind a breaker", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := async.New(f.original(w, nil), async.Options{Capacity: 64})
		return breaker.New(q, breaker.Options{}), q
	}},
	{"NewMultiHandler", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := asynchandler.NewMultiHandler(f.make(w, nil, small), asynchandler.NewTextHandler(io.Discard, nil, small))
		return q, q
	}},
	{"NewMultiHandler behind a breaker", func(f flavor, w io.Writer) (slog.Handler, queue) {
		q := asynchandler.NewMultiHandler(f.make(w, nil, small), asynchandler.NewTextHandler(io.Discard, nil, small))
		return breaker.New(q, breaker.Options{}), q
	}},
	{"fallback of another handler", func(f flavor, w io.Writer) (slog.Handler, queue) {
		failing := testsink.NewFailer(slog.NewTextHandler(io.Discard, nil), nil, nil)
		q := asynchandler.New(failing, small, quiet, asynchandler.WithFallback(f.original(w, nil)))
		return q, q
	}},
}

// TestSlogtest has the constructors by themselves.
func TestSlogtestOfStacks(t *testing.T) { // P1
	for _, f := range flavors {
		for _, s := range stacks {
			for _, group := range []string{"", "prefix"} {
				name := f.name + "/" + s.name
				if group != "" {
					name += "/derived"
				}
				t.Run(name, func(t *testing.T) { slogtestStack(t, f, s.make, group) })
			}
		}
	}
}

// slogtestStack runs slogtest on a stack, or on what is derived from it within a group.
func slogtestStack(t *testing.T, f flavor, stack func(flavor, io.Writer) (slog.Handler, queue), group string) {
	var q queue
	var out *testsink.Buffer
	newHandler := func(t *testing.T) slog.Handler {
		out = new(testsink.Buffer)
		var top slog.Handler
		top, q = stack(f, out)
		t.Cleanup(func() { require.NoError(t, q.Close()) })
		if group == "" {
			return top
		}
		return top.WithAttrs([]slog.Attr{slog.Int("before", 1)}).WithGroup(group)
	}
	slogtest.Run(t, newHandler, func(t *testing.T) map[string]any {
		require.NoError(t, q.Flush(t.Context()))
		line := f.parse(t, out.String())
		if group == "" {
			return line
		}
		require.Contains(t, line, "before")
		inner, _ := line[group].(map[string]any)
		return merged(inner, line, slog.TimeKey, slog.LevelKey, slog.MessageKey)
	})
}
