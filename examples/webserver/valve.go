package main

import (
	"io"
	"sync/atomic"
	"time"
)

// valve is a writer that can be made to hang, as a pipe does that nobody reads.
type valve struct {
	out   io.Writer
	until atomic.Int64 // Unix time in nanoseconds
}

// hang makes Write hang for d from now; 0 ends that for the next Write.
func (v *valve) hang(d time.Duration) { v.until.Store(time.Now().Add(d).UnixNano()) }

// Write hangs if it was told to, and then writes.
func (v *valve) Write(p []byte) (int, error) {
	time.Sleep(time.Until(time.Unix(0, v.until.Load())))
	return v.out.Write(p)
}
