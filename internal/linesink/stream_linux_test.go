package linesink_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/linesink"
)

// openTerminal returns the side of a new pseudo-terminal that programs write to.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { control.Close() })
	var number, unlock int32
	raw, err := control.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCSPTLCK, uintptr(unsafe.Pointer(&unlock)))
		assert.Zero(t, errno)
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGPTN, uintptr(unsafe.Pointer(&number)))
		assert.Zero(t, errno)
	}))
	return openFile(t, fmt.Sprintf("/dev/pts/%d", number), syscall.O_NOCTTY)
}

func TestMaxWriteOfATerminal(t *testing.T) { // P12
	assert.Equal(t, linesink.Gathered, linesink.MaxWrite(openTerminal(t)))
}

// Packets keep their bounds, though there is a connection.
func TestMaxWriteOfPackets(t *testing.T) { // P12
	assert.Zero(t, linesink.MaxWrite(dial(t, "unixpacket")))
	assert.Zero(t, linesink.MaxWrite(inherited(t, syscall.SOCK_SEQPACKET)))
}
