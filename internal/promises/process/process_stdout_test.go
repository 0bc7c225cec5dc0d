//go:build unix

package process_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// A program ends, and says how much it has lost, though the reader of its standard
// output has stopped.
func TestProcessWhoseReaderHasStopped(t *testing.T) { // P9, P13
	c := startChild(t, "hurried")
	c.told(t, "logged")
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	s := c.told(t, "closed")
	require.Equal(t, "exit status 1", c.ended(), "%s", &c.stderr)
	assert.Regexp(t, `records undelivered, INFO: \d+ dropped: context deadline exceeded`, c.stderr.String())
	numbers, others := readLog(t, c.read(t))
	assert.Equal(t, testsink.Span(0, len(numbers)), numbers)
	assert.GreaterOrEqual(t, len(numbers), int(s.Delivered))
	assert.LessOrEqual(t, len(numbers), int(s.Delivered)+s.Depth, "the Write under way may have ended only then")
	assert.Empty(t, others)
	assert.Positive(t, s.Dropped)
	assert.EqualValues(t, manyLines+1, s.Received)
}

// The Go runtime ends a program whose standard output nobody can read any more.
func TestProcessWithoutAReaderEndsBySIGPIPE(t *testing.T) {
	c := newChild(t, "documented")
	require.NoError(t, c.stdout.Close())
	c.begin(t)
	require.Equal(t, "signal: broken pipe", c.ended(), "%s", &c.stderr)
}

// Where it is not the end, a standard output that is gone is an outage like any other.
func TestProcessWithABrokenStdout(t *testing.T) { // P7, P9
	tests := []struct {
		program string
		want    error
	}{
		{"SIGPIPE ignored", syscall.EPIPE},
		{"stdout closed", os.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.program, func(t *testing.T) {
			c := newChild(t, tt.program)
			require.NoError(t, c.stdout.Close())
			c.begin(t)
			c.told(t, "logged")
			s := c.told(t, "closed")
			require.Equal(t, "exit status 1", c.ended(), "%s", &c.stderr)
			assert.Contains(t, c.stderr.String(), "2000 records undelivered")
			assert.Contains(t, s.LastError, tt.want.Error())
			assert.EqualValues(t, manyLines, s.Dropped+s.Failed+uint64(s.Depth), "one may have been inside next, some may not be booked yet")
		})
	}
}

// The Go runtime opens the null device where a program begins without standard output.
func TestProcessThatBeginsWithoutStdout(t *testing.T) {
	c := newChild(t, "failing")
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	c.cmd.Args = []string{shell, "-c", `exec "$0" >&-`, c.cmd.Path}
	c.cmd.Path = shell
	c.begin(t)
	c.told(t, "logged")
	s := c.told(t, "closed")
	require.Equal(t, "exit status 1", c.ended(), "%s", &c.stderr)
	assert.EqualValues(t, manyLines+1, s.Delivered)
	assert.Empty(t, c.read(t))
}
