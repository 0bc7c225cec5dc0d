//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly

package linesink

import (
	"runtime"
	"syscall"
)

// isTerminal takes the character devices of Windows, which are consoles and NUL, for
// terminals, and elsewhere none: one record for each Write is always right.
func isTerminal(syscall.Conn) bool { return runtime.GOOS == "windows" }
