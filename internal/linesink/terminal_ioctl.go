//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package linesink

import "syscall"

// isTerminal asks for the settings of a terminal, with no place to put them: a terminal
// says that this is a bad address, all others that they have none.
func isTerminal(c syscall.Conn) bool {
	terminal := false
	onDescriptor(c, func(fd uintptr) {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, getSettings, 0)
		terminal = errno == syscall.EFAULT
	})
	return terminal
}
