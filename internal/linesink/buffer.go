package linesink

import (
	"errors"
	"sync"
)

// buffer is what the handlers of a [Sink] write to. What is in b is the sink's while
// the buffer is closed.
type buffer struct {
	mu     sync.Mutex // a handler may write from goroutines of its own
	b      []byte
	opened bool
}

var errNotHandling = errors.New("asynchandler: a handler over a writer must write during Handle")

// Write appends p.
func (l *buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened {
		return 0, errNotHandling
	}
	l.b = append(l.b, p...)
	return len(p), nil
}

// maxKept is the most memory that a buffer keeps for the next batch.
const maxKept = 4 * Gathered

// reset empties the buffer.
func (l *buffer) reset() {
	if cap(l.b) > maxKept {
		l.b = nil
	}
	l.b = l.b[:0]
}

// open lets handlers write behind what is there.
func (l *buffer) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = true
}

// close lets nobody write any more.
func (l *buffer) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = false
}

// len returns how much was written.
func (l *buffer) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.b)
}

// shift takes out the first n bytes.
func (l *buffer) shift(n int) { l.b = l.b[:copy(l.b, l.b[n:])] }

// append adds a line and returns its end.
func (l *buffer) append(line []byte) (end int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, line...)
	return len(l.b)
}
