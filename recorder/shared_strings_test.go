package recorder_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// What is let out shows the strings as they were, where next is told that their memory is
// used again.
func TestStringsOverMemoryThatIsUsedAgain(t *testing.T) {
	copying := asynchandler.WithCapture(asynchandler.CaptureCopy)
	for name, make := range map[string]func(io.Writer) (slog.Handler, func() error){
		"queue": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, textOptions, copying)
			return h, h.Close
		},
		"async": func(w io.Writer) (slog.Handler, func() error) {
			h := async.New(slog.NewTextHandler(w, textOptions), async.Options{Capture: async.CaptureCopy})
			return h, h.Close
		},
		"several": func(w io.Writer) (slog.Handler, func() error) {
			m := asynchandler.NewMultiHandler(asynchandler.NewJSONHandler(io.Discard, nil), asynchandler.NewTextHandler(w, textOptions, copying))
			return m, m.Close
		},
		"breaker": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, textOptions, copying)
			return breaker.New(h, breaker.Options{}), h.Close
		},
		"fallback of a breaker": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, textOptions, copying)
			down := testsink.Func(func(context.Context, slog.Record) error { return io.ErrClosedPipe })
			return breaker.New(down, breaker.Options{Fallback: h}), h.Close
		},
		"another recorder": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, textOptions, copying)
			return recorder.New(h, recorder.Options{}), h.Close
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			next, end := make(&out)
			l := slog.New(recorder.New(next, recorder.Options{}))
			b := []byte("/mine")
			s := unsafe.String(&b[0], len(b))
			derived := l.With("with", s).WithGroup(s)
			l.Debug(s, s, s)
			l.Debug(s, "value", []string{s}, slog.Group("g", "path", s), "path", s)
			derived.Debug("derived", "n", 1)
			copy(b, "/next")
			l.Error("failed")
			require.NoError(t, end())
			assert.Equal(t, "level=DEBUG msg=/mine /mine=/mine\n"+
				"level=DEBUG msg=/mine value=[/mine] g.path=/mine path=/mine\n"+
				"level=DEBUG msg=derived with=/mine /mine.n=1\n"+
				"level=ERROR msg=failed\n", out.String())
		})
	}
}
