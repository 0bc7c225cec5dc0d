package testsink

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
)

// Buffer is a writer that keeps every Write apart. The zero value is ready; it must not be
// copied after first use.
type Buffer struct {
	mu      sync.Mutex
	arrived sync.Cond // on mu, signalled for each Write
	writes  [][]byte
	newline int // newlines seen
}

// Write keeps a copy of p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes = append(b.writes, bytes.Clone(p))
	b.newline += bytes.Count(p, []byte{'\n'})
	b.arrived.Broadcast()
	return len(p), nil
}

// Writes returns what each call of Write was given. The slices must not be changed.
func (b *Buffer) Writes() [][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.writes)
}

// String returns all that was written.
func (b *Buffer) String() string {
	return string(bytes.Join(b.Writes(), nil))
}

// Lines returns all that was written, cut at the newlines, which are left out. An
// unfinished last line counts as one.
func (b *Buffer) Lines() []string {
	var lines []string
	for line := range strings.Lines(b.String()) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines
}

// WaitLines blocks until at least n whole lines were written since b was made or reset.
func (b *Buffer) WaitLines(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrived.L = &b.mu
	for b.newline < n {
		b.arrived.Wait()
	}
}

// Reset forgets what was written.
func (b *Buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writes, b.newline = nil, 0
}

// FlushBuffer is a [Buffer] with a Flush method, as a bufio.Writer has one.
type FlushBuffer struct {
	Buffer
	Err error // what Flush returns; set it before first use

	fmu     sync.Mutex
	flushes int
	flushed string
}

// Flush notes what was written up to now and returns b.Err.
func (b *FlushBuffer) Flush() error {
	b.fmu.Lock()
	defer b.fmu.Unlock()
	b.flushes++
	b.flushed = b.String()
	return b.Err
}

// Flushes returns how often Flush was called.
func (b *FlushBuffer) Flushes() int {
	b.fmu.Lock()
	defer b.fmu.Unlock()
	return b.flushes
}

// Flushed returns what had been written when Flush was last called.
func (b *FlushBuffer) Flushed() string {
	b.fmu.Lock()
	defer b.fmu.Unlock()
	return b.flushed
}

// BlockingWriter is a writer whose Write passes the [Gate] before it calls the writer within.
type BlockingWriter struct {
	*Gate
	w io.Writer
}

// NewBlockingWriter returns a writer around w (nil: io.Discard) that blocks until
// [Gate.Release].
func NewBlockingWriter(w io.Writer) *BlockingWriter {
	return &BlockingWriter{Gate: NewGate(), w: orDiscard(w)}
}

// Write waits until the gate is released and then writes p.
func (b *BlockingWriter) Write(p []byte) (int, error) {
	b.Pass()
	return b.w.Write(p)
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
