//go:build unix

package linesink

import (
	"io/fs"
	"os"
	"syscall"
)

// isStreamSocket reports whether c is a socket of the type SOCK_STREAM.
func isStreamSocket(c syscall.Conn) bool {
	stream := false
	onDescriptor(c, func(fd uintptr) {
		kind, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TYPE)
		stream = err == nil && kind == syscall.SOCK_STREAM
	})
	return stream
}

// isNull reports whether it is the device of [os.DevNull], under whatever name.
func isNull(info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return false
	}
	a, ok := info.Sys().(*syscall.Stat_t)
	b, okNull := null.Sys().(*syscall.Stat_t)
	return ok && okNull && a.Rdev == b.Rdev
}

func onDescriptor(c syscall.Conn, f func(fd uintptr)) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(f) // of a closed one f is not called
	}
}
