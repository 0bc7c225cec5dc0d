package asynchandler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// messages builds a handler that writes each message as a line.
func messages(w io.Writer) slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error {
		_, err := io.WriteString(w, r.Message+"\n")
		return err
	})
}

// quiet keeps expected errors from standard error.
var quiet = asynchandler.WithErrorHandler(func(error) {})

// together has the records delivered as one batch, if one may be so large: the
// worker is inside a Write, of the line "first", while they are logged.
func together(t *testing.T, h *asynchandler.Handler, gate *testsink.BlockingWriter, msgs ...string) {
	t.Helper()
	l := slog.New(h)
	l.Info("first")
	synctest.Wait()
	for _, m := range msgs {
		l.Info(m)
	}
	gate.Release()
	require.NoError(t, h.Flush(t.Context()))
}

// numbered returns n lines of that size, without the newlines that are part of it.
func numbered(n, size int) []string {
	msgs := make([]string, n)
	for i := range msgs {
		msgs[i] = fmt.Sprintf("%0*d", size-1, i)
	}
	return msgs
}

// joined returns the lines that messages makes of msgs.
func joined(msgs ...string) string { return strings.Join(msgs, "\n") + "\n" }

// linesPerWrite returns how many lines each Write had, without the first Write.
func linesPerWrite(out *testsink.Buffer) []int {
	var counts []int
	for _, w := range out.Writes()[1:] {
		counts = append(counts, bytes.Count(w, []byte("\n")))
	}
	return counts
}

func TestManyLinesInOneWrite(t *testing.T) { // P12
	long := strings.Repeat("x", 99)
	tests := []struct {
		name string
		opts []asynchandler.Option
		msgs []string
		want []int
	}{
		{"default", nil, numbered(100, 20), []int{100}},
		{"64 KiB by default", nil, numbered(200, 1024), []int{64, 64, 64, 8}},
		{"just as large as may be", []asynchandler.Option{asynchandler.WithMaxWrite(40)}, numbered(7, 20), []int{2, 2, 2, 1}},
		{"one byte less", []asynchandler.Option{asynchandler.WithMaxWrite(39)}, numbered(3, 20), []int{1, 1, 1}},
		{"a line that is longer", []asynchandler.Option{asynchandler.WithMaxWrite(50)}, []string{"a", "b", long, "c", "d"}, []int{2, 1, 2}},
		{"only longer lines", []asynchandler.Option{asynchandler.WithMaxWrite(1)}, []string{"a", long, "b"}, []int{1, 1, 1}},
		{"one line per Write", []asynchandler.Option{asynchandler.WithMaxWrite(0)}, numbered(5, 20), []int{1, 1, 1, 1, 1}},
		{"small batches", []asynchandler.Option{asynchandler.WithBatchSize(10)}, numbered(25, 20), []int{10, 10, 5}},
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

// posing is a writer that says it is what a file is.
type posing struct {
	*testsink.BlockingWriter
	file *os.File
}

func (p posing) Stat() (fs.FileInfo, error) { return p.file.Stat() }

func TestWritesToAPipeAreAtomic(t *testing.T) { // P12
	atomicWrite := 512
	if runtime.GOOS == "linux" {
		atomicWrite = 4096
	}
	r, pipe, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer pipe.Close()
	device, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer device.Close()
	regular, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer regular.Close()
	closed, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	require.NoError(t, closed.Close())

	tests := []struct {
		name string
		file *os.File
		opts []asynchandler.Option
		want int // bytes in the largest Write
	}{
		{"pipe", pipe, nil, atomicWrite},
		{"pipe, size given", pipe, []asynchandler.Option{asynchandler.WithMaxWrite(8192)}, 8192},
		{"character device", device, nil, atomicWrite},
		{"regular file", regular, nil, 64 << 10},
		{"closed file", closed, nil, 64 << 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out testsink.Buffer
				gate := testsink.NewBlockingWriter(&out)
				opts := append(tt.opts, asynchandler.WithBatchSize(2000))
				h := asynchandler.NewWriterHandler(posing{gate, tt.file}, messages, opts...)
				defer h.Close()

				together(t, h, gate, numbered(1100, 64)...)

				largest := 0
				for _, w := range out.Writes() {
					largest = max(largest, len(w))
				}
				assert.Equal(t, tt.want, largest)
				assert.Len(t, out.Lines(), 1101)
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
