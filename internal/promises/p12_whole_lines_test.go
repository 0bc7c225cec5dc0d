package promises_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestManyLinesInOneWrite(t *testing.T) { // P12
	long := strings.Repeat("x", 99)
	tests := []struct {
		name string
		opts []asynchandler.Option
		msgs []string
		want []int
	}{
		{"by default, not known to be a stream", nil, numbered(5, 20), []int{1, 1, 1, 1, 1}},
		{"all in one", []asynchandler.Option{gathered}, numbered(100, 20), []int{100}},
		{"64 KiB", []asynchandler.Option{gathered}, numbered(200, 1024), []int{64, 64, 64, 8}},
		{"just as large as may be", []asynchandler.Option{asynchandler.WithMaxWrite(40)}, numbered(7, 20), []int{2, 2, 2, 1}},
		{"one byte less", []asynchandler.Option{asynchandler.WithMaxWrite(39)}, numbered(3, 20), []int{1, 1, 1}},
		{"a line that is longer", []asynchandler.Option{asynchandler.WithMaxWrite(50)}, []string{"a", "b", long, "c", "d"}, []int{2, 1, 2}},
		{"only longer lines", []asynchandler.Option{asynchandler.WithMaxWrite(1)}, []string{"a", long, "b"}, []int{1, 1, 1}},
		{"one line per Write", []asynchandler.Option{asynchandler.WithMaxWrite(0)}, numbered(5, 20), []int{1, 1, 1, 1, 1}},
		{"small batches", []asynchandler.Option{gathered, asynchandler.WithBatchSize(10)}, numbered(25, 20), []int{10, 10, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out testsink.Buffer
				gate := testsink.NewBlockingWriter(&out)
				h := asynchandler.NewWriterHandler(gate, messages, tt.opts...)
				defer h.Close()

				together(t, h, gate, tt.msgs...)

				assert.Equal(t, "first\n"+joined(tt.msgs...), out.String())
				assert.Equal(t, tt.want, linesPerWrite(&out))
				assert.Equal(t, uint64(len(out.String())), h.Stats().WrittenBytes)
			})
		})
	}
}

func TestFlushFlushesTheWriter(t *testing.T) { // P12
	var out testsink.FlushBuffer
	h := asynchandler.NewWriterHandler(&out, messages, small)
	slog.New(h).Info("a")
	require.NoError(t, h.Flush(t.Context()))
	assert.Equal(t, 1, out.Flushes())
	assert.Equal(t, "a\n", out.Flushed())

	slog.New(h).Info("b")
	require.NoError(t, h.Close())
	assert.Equal(t, "a\nb\n", out.Flushed())

	slog.New(h).Info("late")
	assert.Equal(t, "a\nb\nlate\n", out.Flushed(), "nobody else flushes after the end")
}

func TestFlushReturnsTheWritersError(t *testing.T) { // P12
	out := testsink.FlushBuffer{Err: testsink.ErrFault}
	h := asynchandler.NewWriterHandler(&out, messages, small, quiet)
	slog.New(h).Info("a")
	require.ErrorIs(t, h.Flush(t.Context()), testsink.ErrFault)
	require.ErrorIs(t, h.Close(), testsink.ErrFault)
	assert.Equal(t, "a\n", out.String())
}

// precious is a writer that others must not end or sync.
type precious struct {
	testsink.Buffer
	calls []string
}

func (p *precious) Close() error { p.calls = append(p.calls, "Close"); return nil }
func (p *precious) Sync() error  { p.calls = append(p.calls, "Sync"); return nil }

func TestNeitherSyncsNorClosesTheWriter(t *testing.T) { // P12
	var out precious
	h := asynchandler.NewJSONHandler(&out, nil, small)
	slog.New(h).Error("a")
	require.NoError(t, h.Flush(t.Context()))
	require.NoError(t, h.Close())
	assert.Len(t, out.Lines(), 1)
	assert.Empty(t, out.calls)
}

// scripted is a handler that does for each record what its message says.
func scripted(w io.Writer) slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error {
		switch r.Message {
		case "nothing":
		case "several lines":
			fmt.Fprint(w, "1\n2\n3\n")
		case "several Writes":
			fmt.Fprint(w, "se")
			fmt.Fprint(w, "veral")
			fmt.Fprint(w, "\n")
		case "another goroutine":
			done := make(chan struct{})
			go func() {
				defer close(done)
				fmt.Fprint(w, "from elsewhere\n")
			}()
			<-done
		case "error":
			fmt.Fprint(w, "not to be seen\n")
			return fmt.Errorf("%w: %w", testsink.ErrFault, asynchandler.ErrPermanent)
		case "panic":
			fmt.Fprint(w, "not to be seen\n")
			panic("broken handler")
		case "exit":
			fmt.Fprint(w, "not to be seen\n")
			runtime.Goexit()
		default:
			fmt.Fprintln(w, r.Message)
		}
		return nil
	})
}

func TestWhatAHandlerWritesBelongsToItsRecord(t *testing.T) { // P12, P8
	tests := []struct {
		name           string
		message        string
		want           string
		failed, panics uint64
	}{
		{name: "nothing", message: "nothing"},
		{name: "several lines", message: "several lines", want: "1\n2\n3\n"},
		{name: "several Writes", message: "several Writes", want: "several\n"},
		{name: "another goroutine", message: "another goroutine", want: "from elsewhere\n"},
		{name: "error", message: "error", failed: 1},
		{name: "panic", message: "panic", failed: 1, panics: 1},
		{name: "exit", message: "exit", failed: 1, panics: 1},
	}
	for _, tt := range tests {
		for _, max := range []int{0, 4, 64 << 10} {
			t.Run(fmt.Sprintf("%s/%d", tt.name, max), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var out testsink.Buffer
					gate := testsink.NewBlockingWriter(&out)
					h := asynchandler.NewWriterHandler(gate, scripted, asynchandler.WithMaxWrite(max), quiet)
					defer h.Close()

					together(t, h, gate, "a", "b", tt.message, "c", "d")

					assert.Equal(t, "first\na\nb\n"+tt.want+"c\nd\n", out.String())
					s := h.Stats()
					assert.Equal(t, tt.failed, s.Failed)
					assert.Equal(t, 6-tt.failed, s.Delivered)
					assert.LessOrEqual(t, tt.panics, s.Panics)
					for _, w := range out.Writes() {
						assert.NotEmpty(t, w)
					}
				})
			})
		}
	}
}

func TestWritingOutsideOfHandleFails(t *testing.T) { // P12
	var out testsink.Buffer
	var lines io.Writer
	var early error
	h := asynchandler.NewWriterHandler(&out, func(w io.Writer) slog.Handler {
		lines = w
		_, early = w.Write([]byte("early\n"))
		return messages(w)
	}, small)
	require.Error(t, early)
	slog.New(h).Info("a")
	require.NoError(t, h.Flush(t.Context()))

	n, err := lines.Write([]byte("late\n"))
	assert.Zero(t, n)
	require.Error(t, err)
	require.NoError(t, h.Close())
	assert.Equal(t, "a\n", out.String())
}

func TestHandlerSeesNoErrorOfTheWriter(t *testing.T) { // P12
	synctest.Test(t, func(t *testing.T) {
		w := testsink.NewFaultWriter(nil, testsink.Short(0, testsink.ErrFault))
		var seen error
		h := asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler {
			return testsink.Func(func(context.Context, slog.Record) error {
				n, err := w.Write([]byte("abc\n"))
				seen = errors.Join(seen, err)
				if n != 4 {
					seen = errors.Join(seen, io.ErrShortWrite)
				}
				return err
			})
		}, quiet)
		slog.New(h).Info("a")
		require.NoError(t, h.Close())
		require.NoError(t, seen)
		assert.Equal(t, uint64(4), h.Stats().WrittenBytes)
	})
}
