//go:build unix

package linesink_test

import (
	"io"
	"log/syslog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/linesink"
)

// fileOf returns the socket of a connection as a file.
func fileOf(t *testing.T, conn interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	f, err := conn.File()
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// inherited returns one of a pair of sockets as a process gets it that is started with
// one as its standard output.
func inherited(t *testing.T, kind int) *os.File {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	require.NoError(t, err)
	for _, fd := range fds {
		t.Cleanup(func() { syscall.Close(fd) })
	}
	dup, err := syscall.Dup(fds[0])
	require.NoError(t, err)
	f := os.NewFile(uintptr(dup), "/dev/stdout")
	t.Cleanup(func() { f.Close() })
	return f
}

func dialSyslog(t *testing.T) *syslog.Writer {
	t.Helper()
	name := filepath.Join(t.TempDir(), "log")
	server, err := net.ListenPacket("unixgram", name)
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	w, err := syslog.Dial("unixgram", name, syslog.LOG_INFO, "test")
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func TestMaxWriteOnUnix(t *testing.T) { // P12
	const gathered, alone = linesink.Gathered, 0
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	both, err := os.OpenFile(fifo, os.O_RDWR, 0) // or there must be a reader
	require.NoError(t, err)
	defer both.Close()
	gone := dial(t, "unix")
	require.NoError(t, gone.Close())
	tests := []struct {
		name string
		w    io.Writer
		want int
	}{
		{"FIFO", both, linesink.PipeBuf()},
		{"unix stream", dial(t, "unix"), gathered},
		{"closed unix stream", gone, alone},
		{"unix datagrams", dial(t, "unixgram"), alone},
		{"syslog", dialSyslog(t), alone},
		{"file of a TCP socket", fileOf(t, dial(t, "tcp").(*net.TCPConn)), gathered},
		{"file of a UDP socket", fileOf(t, dial(t, "udp").(*net.UDPConn)), alone},
		{"standard output of a service", inherited(t, syscall.SOCK_STREAM), gathered},
		{"inherited datagram socket", inherited(t, syscall.SOCK_DGRAM), alone},
		{"zero device", openFile(t, "/dev/zero", 0), alone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, linesink.MaxWrite(tt.w))
		})
	}
}
