//go:build unix

package process_test

import (
	"log/slog"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

const stoppedFor, stoppedStall = 2 * time.Second, time.Second

func init() { programs["stopped"] = stopped }

// stopped is a program that is stopped in a Write, which goes on for a while then.
func stopped() {
	h := asynchandler.NewJSONHandler(&stopping{file: os.Stdout}, nil, unhurried, asynchandler.WithStallTimeout(stoppedStall))
	slog.SetDefault(slog.New(h))
	logNumbers(fewLines)
	must(h.Close())
	tell("closed", h)
}

// stopping is a file in whose first Write the process stops.
type stopping struct {
	file *os.File
	once bool
}

func (s *stopping) Write(p []byte) (int, error) {
	if !s.once {
		s.once = true
		must(syscall.Kill(os.Getpid(), syscall.SIGSTOP))
		time.Sleep(stoppedStall / 10)
	}
	return s.file.Write(p)
}

// The time in which a process was stopped is no hang of its destination.
func TestProcessThatWasStopped(t *testing.T) { // P13
	c := startChild(t, "stopped")
	var status syscall.WaitStatus
	_, err := syscall.Wait4(c.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped())
	time.Sleep(stoppedFor)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGCONT))
	s := c.told(t, "closed")
	require.Equal(t, "exit status 0", c.ended())
	assert.Zero(t, s.Stalls)
	assert.Zero(t, s.DeliveryErrors)
	assert.Equal(t, uint64(fewLines), s.Delivered)
}
