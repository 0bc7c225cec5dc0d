package promises_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
	"github.com/asynchandler/asynchandler/spool"
)

// A redaction by type inside of slog's handler is found through the handlers of this module.
func TestRedactionByTypeHoldsThroughOurHandlers(t *testing.T) { // P4
	ho := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: byType}
	user := func() *account { return &account{"bob", "hunter2", nil} }
	for _, tt := range []struct {
		name string
		log  func(slog.Handler)
	}{
		{"recorder", func(next slog.Handler) {
			h := asynchandler.New(recorder.New(next, recorder.Options{}), small)
			slog.New(h).Error("m", "user", user())
			require.NoError(t, h.Close())
		}},
		{"MultiHandler", func(next slog.Handler) {
			m := asynchandler.NewMultiHandler(asynchandler.New(next, small))
			h := asynchandler.New(m, small)
			slog.New(h).Error("m", "user", user())
			require.NoError(t, h.Close())
			require.NoError(t, m.Close())
		}},
		{"recorder over a breaker", func(next slog.Handler) {
			l := slog.New(recorder.New(breaker.New(next, breaker.Options{}), recorder.Options{}))
			l.Debug("kept", "user", user())
			l.Error("m", "user", user())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			tt.log(slog.NewJSONHandler(&out, ho))
			assert.Contains(t, out.String(), "bob")
			assert.NotContains(t, out.String(), "hunter2")
		})
	}
}

// What a redaction removes is not on the disk either.
func TestRedactionHoldsOnTheDisk(t *testing.T) { // P4, P14
	dir := t.TempDir()
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	h := asynchandler.NewJSONHandler(refusing{}, &slog.HandlerOptions{ReplaceAttr: byType}, small, quiet, asynchandler.WithSpool(s))
	slog.New(h).Error("m", "user", &account{"bob", "hunter2", nil})
	require.NoError(t, h.Close(), "all is on the disk")
	s, err = spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	records, err := s.Next(10)
	require.NoError(t, err)
	require.NotEmpty(t, records)
	for _, r := range records {
		assert.NotContains(t, string(r), "hunter2")
	}
	require.NoError(t, s.Close())
}

// refusing is a writer that takes nothing.
type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errors.New("connection refused") }

// CaptureCopy copies a group's name too.
func TestCaptureCopyCopiesTheNamesOfGroups(t *testing.T) { // P4
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			var out testsink.Buffer
			gate := testsink.NewBlockingWriter(&out)
			h := f.make(gate, nil, small, asynchandler.WithCapture(asynchandler.CaptureCopy))
			slog.New(h).Info("first")
			<-gate.Entered()
			name := []byte("GET")
			slog.New(h).WithGroup(unsafe.String(&name[0], len(name))).Info("m", "a", 1)
			copy(name, "PUT")
			gate.Release()
			require.NoError(t, h.Close())
			assert.Contains(t, out.String(), "GET")
			assert.NotContains(t, out.String(), "PUT")
		})
	}
}

// Nor are they another's in the time that they wait in a queue in front of the one that is
// to copy.
func TestCaptureCopyHoldsInAQueueInFront(t *testing.T) { // P4
	for name, front := range map[string]func(inner *asynchandler.Handler) *asynchandler.Handler{
		"next": func(inner *asynchandler.Handler) *asynchandler.Handler {
			return asynchandler.New(inner, small, quiet)
		},
		"fallback": func(inner *asynchandler.Handler) *asynchandler.Handler {
			return asynchandler.NewJSONHandler(refusing{}, nil, small, quiet, asynchandler.WithFallback(inner))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out testsink.Buffer
				gate := testsink.NewBlockingWriter(&out)
				inner := asynchandler.NewJSONHandler(gate, nil, quiet, asynchandler.WithCapacity(1),
					asynchandler.WithMaxWait(time.Hour), asynchandler.WithStallTimeout(0), asynchandler.WithCapture(asynchandler.CaptureCopy))
				h := front(inner)
				for range 3 { // in the writer, in the queue, and one for which there is no room
					slog.New(h).Error("before")
					synctest.Wait()
				}
				b := []byte("/mine")
				s := unsafe.String(&b[0], len(b))
				slog.New(h).Error("m", "path", s)
				slog.New(h).With("path", s).Error("m")
				copy(b, "/next")
				gate.Release()
				require.NoError(t, h.Close())
				require.NoError(t, inner.Close())
				assert.Equal(t, 2, strings.Count(out.String(), "/mine"), out.String())
			})
		})
	}
}

// Data that is nested without end does not end the process, as an attribute of a derived
// handler either.
func TestEndlessDataOfADerivedHandler(t *testing.T) { // P4, P8
	loop := map[string]any{}
	loop["self"] = loop
	var out testsink.Buffer
	h := asynchandler.NewTextHandler(&out, nil, small)
	slog.New(h).With("m", loop).Info("m")
	require.NoError(t, h.Close())
	assert.Contains(t, out.String(), "nested deeper than")
}

// Nor does it where it is shown on the worker.
func TestEndlessDataThatIsNotCaptured(t *testing.T) { // P4, P8
	var out testsink.Buffer
	h := asynchandler.NewTextHandler(&out, nil, small, asynchandler.WithCapture(asynchandler.CaptureReference))
	slog.New(h).Info("first")
	slog.New(h).Info("m", "m", mapInItself())
	require.NoError(t, h.Close())
	assert.Contains(t, out.String(), "nested deeper than")
}

// A context is kept for a fallback and for WithOnDrop, though next itself reads none.
func TestContextIsKeptForThoseWhoRead(t *testing.T) { // P4
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "trace 7")
	synctest.Test(t, func(t *testing.T) {
		var seen []any
		h := asynchandler.NewJSONHandler(refusing{}, nil, small, quiet, asynchandler.WithFallback(testsink.Func(func(ctx context.Context, _ slog.Record) error {
			seen = append(seen, ctx.Value(key{}))
			return nil
		})))
		slog.New(h).InfoContext(ctx, "m")
		require.NoError(t, h.Close())
		assert.Equal(t, []any{"trace 7"}, seen, "by the fallback")
	})
	synctest.Test(t, func(t *testing.T) {
		var seen []any
		gate := testsink.NewBlockingWriter(io.Discard)
		h := asynchandler.NewJSONHandler(gate, nil, quiet, asynchandler.WithCapacity(1), asynchandler.WithMaxWait(0), asynchandler.WithDropReports(0),
			asynchandler.WithOnDrop(func(ctx context.Context, _ slog.Record, _ asynchandler.DropReason) {
				seen = append(seen, ctx.Value(key{}))
			}))
		slog.New(h).Info("in the writer")
		<-gate.Entered()
		slog.New(h).InfoContext(ctx, "waits")
		slog.New(h).Info("takes its place")
		assert.Equal(t, []any{"trace 7"}, seen, "by OnDrop")
		gate.Release()
		require.NoError(t, h.Close())
	})
}
