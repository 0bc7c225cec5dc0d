//go:build !unix

package linesink

import (
	"io/fs"
	"syscall"
)

// isStreamSocket knows no sockets here.
func isStreamSocket(syscall.Conn) bool { return false }

// isNull leaves it to isTerminal.
func isNull(fs.FileInfo) bool { return false }
