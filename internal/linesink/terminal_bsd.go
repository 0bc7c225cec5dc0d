//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package linesink

import "syscall"

const getSettings = syscall.TIOCGETA
