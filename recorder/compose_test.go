package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// Requests at the same time, over a queue: each ERROR comes after the DEBUG lines of its own
// request, and no others are shown.
func TestOverAsynchandlerEachErrorFollowsItsOwnLines(t *testing.T) {
	next := new(testsink.Recorder)
	queue := asynchandler.New(next)
	h := recorder.New(queue, recorder.Options{})
	var wg sync.WaitGroup
	for request := range 50 {
		wg.Go(func() {
			ctx, end := recorder.Begin(t.Context())
			defer end()
			l := slog.New(h).With("request", request)
			for step := range 10 {
				l.DebugContext(ctx, "step", "n", step)
			}
			if request%10 == 0 {
				l.ErrorContext(ctx, "failed")
			}
		})
	}
	wg.Wait()
	require.NoError(t, queue.Close())

	seen := map[int64][]string{}
	for _, e := range next.Records() {
		request := e.Attrs[0].Value.Int64()
		seen[request] = append(seen[request], e.String())
	}
	require.Len(t, seen, 5)
	for request, lines := range seen {
		var want []string
		for step := range 10 {
			want = append(want, fmt.Sprintf("DEBUG step request=%d n=%d", request, step))
		}
		assert.Equal(t, append(want, fmt.Sprintf("ERROR failed request=%d", request)), lines)
	}
	s := law(t, h)
	assert.Equal(t, uint64(50), s.Emitted)
	assert.Equal(t, uint64(450), s.Forgotten)
}

// One member shows all, the other one has a level of its own.
func TestBeforeAMultiHandler(t *testing.T) {
	var full, short bytes.Buffer
	m := asynchandler.NewMultiHandler(asynchandler.NewTextHandler(&full, textOptions), asynchandler.NewTextHandler(&short, nil))
	h := recorder.New(m, recorder.Options{})
	l := slog.New(h)
	l.Debug("a")
	l.Error("failed")
	require.NoError(t, m.Close())
	assert.Equal(t, "level=DEBUG msg=a\nlevel=ERROR msg=failed\n", full.String())
	assert.Equal(t, 1, strings.Count(short.String(), "\n"))
	law(t, h)
}

// One member of a MultiHandler has a recorder behind its queue: the scopes of keys work
// there, since a key knows no end.
func TestUnderAMultiHandler(t *testing.T) {
	var recorded, plain bytes.Buffer
	h := recorder.New(slog.NewTextHandler(&recorded, textOptions), recorder.Options{
		Scope: func(ctx context.Context) any { return ctx.Value(traceKey{}) },
	})
	m := asynchandler.NewMultiHandler(asynchandler.New(h), asynchandler.NewTextHandler(&plain, nil))
	l := slog.New(m)
	l.DebugContext(withTrace(t.Context(), "a"), "of a")
	l.DebugContext(withTrace(t.Context(), "b"), "of b")
	l.ErrorContext(withTrace(t.Context(), "a"), "failed")
	require.NoError(t, m.Close())
	assert.Equal(t, "level=DEBUG msg=\"of a\"\nlevel=ERROR msg=failed\n", recorded.String())
	assert.Equal(t, 1, strings.Count(plain.String(), "\n"))
	assert.Equal(t, 1, law(t, h).Held)
}
