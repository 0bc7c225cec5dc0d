//go:build unix

package process_test

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

func init() { programs["stuck"] = stuck }

// stuck is a program whose standard error hangs too: it writes nothing there itself.
func stuck() {
	h := asynchandler.NewJSONHandler(os.Stdout, nil, hurried, asynchandler.WithStallTimeout(10*time.Millisecond),
		asynchandler.WithFallback(slog.NewTextHandler(io.Discard, nil)))
	slog.SetDefault(slog.New(h))
	logNumbers(manyLines)
	for h.Stats().Fallback == 0 { // the worker is not stuck
		time.Sleep(time.Millisecond)
	}
	tell("logged", h)
	err := h.Close()
	tell("closed", h)
	if _, ok := errors.AsType[*asynchandler.ShutdownError](err); ok {
		os.Exit(1)
	}
}

// fill writes to a pipe until there is no room for another byte.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	conn, err := w.SyscallConn()
	require.NoError(t, err)
	for _, size := range []int{4096, 1} {
		require.NoError(t, conn.Write(func(fd uintptr) bool {
			for err = nil; err == nil || errors.Is(err, syscall.EINTR); {
				_, err = syscall.Write(int(fd), make([]byte, size)) // does not block: the pipe is one of Go's
			}
			return true
		}))
		require.ErrorIs(t, err, syscall.EAGAIN)
	}
}

// A program ends, and its fallback gets the log, though nobody reads its standard output
// nor its standard error.
func TestProcessWithoutAnyReader(t *testing.T) { // P7, P9, P13
	c := newChild(t, "stuck")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	c.cmd.Stderr = w
	fill(t, w)
	fill(t, c.output)
	c.begin(t)
	s := c.told(t, "logged")
	assert.Positive(t, s.Stalls)
	s = c.told(t, "closed")
	require.Equal(t, "exit status 1", c.ended())
	assert.Positive(t, s.Depth, "inside the Write that hangs")
	assert.Zero(t, s.Delivered)
}
