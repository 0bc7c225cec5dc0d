package linesink

import "syscall"

const getSettings = syscall.TCGETS
