package asynchandler

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	must "github.com/stretchr/testify/require" // the package has a require of its own

	"github.com/asynchandler/asynchandler/async"
)

// unknown is a writer whose Stat fails.
type unknown struct{ io.Writer }

func (unknown) Stat() (fs.FileInfo, error) { return nil, errors.New("no such thing") }

func TestMaxWriteFor(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	must.NoError(t, err)
	defer file.Close()
	r, pipe, err := os.Pipe()
	must.NoError(t, err)
	defer r.Close()
	defer pipe.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	must.NoError(t, err)
	defer device.Close()
	tests := []struct {
		name string
		w    io.Writer
		want int
	}{
		{"no file", io.Discard, 64 << 10},
		{"regular file", file, 64 << 10},
		{"pipe", pipe, pipeBuf()},
		{"character device", device, pipeBuf()},
		{"Stat fails", unknown{io.Discard}, 64 << 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, maxWriteFor(tt.w))
			assert.Equal(t, tt.want, newWriterSink(tt.w, -1).max)
			assert.Equal(t, 0, newWriterSink(tt.w, 0).max)
			assert.Equal(t, 100_000, newWriterSink(tt.w, 100_000).max)
		})
	}
}

func TestSettle(t *testing.T) {
	const lines = "aa\nb\n\ncccc\n"
	ends := []int{3, 5, 6, 6, 11} // the fourth record wrote nothing
	tests := []struct {
		off  int
		done int
		rest string
	}{
		{0, 0, ""},
		{1, 0, "a\n"},
		{2, 0, "\n"},
		{3, 1, ""},
		{4, 1, "\n"},
		{5, 2, ""},
		{6, 4, ""},
		{7, 4, "ccc\n"},
		{10, 4, "\n"},
		{11, 5, ""},
	}
	for _, tt := range tests {
		t.Run(lines[:tt.off], func(t *testing.T) {
			var s writerSink
			assert.Equal(t, tt.done, s.settle([]byte(lines), tt.off, ends))
			assert.Equal(t, tt.rest, string(s.rest))
			assert.Equal(t, tt.rest != "", s.Torn())
		})
	}
}

// What is left of a torn line is still that when the writer takes none of it.
func TestSettleOfARest(t *testing.T) {
	var s writerSink
	s.settle([]byte("abc\n"), 1, []int{4})
	must.Equal(t, "bc\n", string(s.rest))
	assert.Zero(t, s.settle(s.rest, 0, []int{3}))
	assert.Equal(t, "bc\n", string(s.rest))
	assert.True(t, s.Torn())
	assert.Zero(t, s.settle(s.rest, 1, []int{3}))
	assert.Equal(t, "c\n", string(s.rest))
	assert.Equal(t, 1, s.settle(s.rest, 2, []int{2}))
	assert.False(t, s.Torn())
}

func TestRestIsACopy(t *testing.T) {
	var s writerSink
	lines := []byte("abc\n")
	s.settle(lines, 1, []int{4})
	clear(lines) // the next batch is encoded there
	assert.Equal(t, "bc\n", string(s.rest))
}

func TestLineBufferTakesNothingWhileClosed(t *testing.T) {
	var l lineBuffer
	write := func(s string) error {
		n, err := l.Write([]byte(s))
		assert.Equal(t, err == nil, n == len(s))
		return err
	}
	must.ErrorIs(t, write("early"), errNotHandling)
	l.open()
	must.NoError(t, write("a"))
	must.NoError(t, write("b"))
	l.close()
	must.ErrorIs(t, write("late"), errNotHandling)
	assert.Equal(t, "ab", string(l.b))
	l.open()
	assert.Zero(t, l.len(), "a batch starts with an empty buffer")
}

func TestLineBufferDoesNotKeepTheMemoryOfALongLine(t *testing.T) {
	var l lineBuffer
	l.open()
	_, err := l.Write(make([]byte, maxKept))
	must.NoError(t, err)
	l.open()
	assert.Equal(t, maxKept, cap(l.b))
	_, err = l.Write(make([]byte, 2*maxKept))
	must.NoError(t, err)
	l.open()
	assert.Zero(t, cap(l.b))
}

// A line that waits is a copy: slog uses its buffers again.
func TestRenderedLine(t *testing.T) {
	render := slog.NewTextHandler(lineWriter{}, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }})
	r := slog.Record{Message: "m"}
	l, err := renderLine(t.Context(), render, r)
	must.NoError(t, err)
	assert.Equal(t, "level=INFO msg=m\n", string(l.text))

	second, err := renderLine(t.Context(), render, slog.Record{Message: "other"})
	must.NoError(t, err)
	assert.Equal(t, "level=INFO msg=m\n", string(l.text), "slog's buffer is not kept")
	assert.Equal(t, "level=INFO msg=other\n", string(second.text))
	assert.Nil(t, lineOf(&r))
}

// The sink must not depend on what a handler does with the bytes it has written.
func TestSinkOverAHandlerThatReusesItsBytes(t *testing.T) {
	var out bytes.Buffer
	s := newWriterSink(&out, 0)
	next := reusing{w: &s.lines, buf: make([]byte, 0, 16)}
	h := async.New(next, async.Options{Sink: s, Capacity: 64})
	want := strings.Builder{}
	for _, msg := range []string{"a", "bb", "ccc"} {
		slog.New(h).Info(msg)
		want.WriteString(msg + "\n")
	}
	must.NoError(t, h.Close())
	assert.Equal(t, want.String(), out.String())
	assert.Equal(t, uint64(out.Len()), s.WrittenBytes())
}

// reusing is a handler that writes each message from the same bytes.
type reusing struct {
	slog.Handler
	w   io.Writer
	buf []byte
}

func (h reusing) Enabled(context.Context, slog.Level) bool { return true }

func (h reusing) Handle(_ context.Context, r slog.Record) error {
	b := append(append(h.buf[:0], r.Message...), '\n')
	_, err := h.w.Write(b)
	clear(b)
	return err
}
