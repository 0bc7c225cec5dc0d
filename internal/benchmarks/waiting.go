package main

import (
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// inOrder calls all functions, whatever they return.
func inOrder(steps ...func() error) func() error {
	return func() error {
		var errs []error
		for _, step := range steps {
			errs = append(errs, step())
		}
		return errors.Join(errs...)
	}
}

// waitUntil returns when done says so. It is for contenders that have no Flush.
func waitUntil(done func() bool) error {
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			return errors.New("not all that was logged was written within 30 s")
		}
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}

// lineCounter counts Writes, for contenders that write line by line.
type lineCounter struct {
	w     io.Writer
	lines atomic.Int64
}

func (c *lineCounter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.lines.Add(1)
	return n, err
}
