// Package linesink writes the lines of many records in one Write.
//
// A [Sink] has the handlers of the records of a batch encode them into a buffer,
// and gives whole lines to a writer. [MaxWrite] says how much a writer gets at once.
package linesink

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// A Batch is the records to be delivered, oldest first.
type Batch interface {
	Next() bool              // begins the next record
	Handle() error           // has its handler encode it
	Line() []byte            // what was kept of it in an earlier delivery that failed, or nil
	Done(n int)              // tells how many, from the first on, are wholly written
	Keep(i int, line []byte) // keeps what the i-th was encoded to, as it is not written
	Torn()                   // tells that a part of the first that is not done is written
}

// A Sink encodes batches with the handlers of their records, which write to
// [Sink.Lines], and writes them. Create it with [New]. Deliver and Flush are called by
// one goroutine at a time, the other methods concurrently.
type Sink struct {
	w     io.Writer
	max   int // bytes in one Write if it is of several records; 0: one record each
	lines buffer

	ends  []int  // of the records in lines
	done  int    // records of this batch that are wholly written
	over  error  // what a Write said that took all it was given in the end
	rest  []byte // of the first record, if w took a part of it
	told  bool   // that w returned a wrong count
	torn  bool
	count atomic.Uint64 // bytes written

	handling bool // a handler is at work, or has not returned
}

// New returns a sink that writes to w, at most max bytes of whole lines in one Write,
// or one longer line. With 0 each record has a Write of its own. A negative max
// stands for [MaxWrite] of w.
func New(w io.Writer, max int) *Sink {
	if max < 0 {
		max = MaxWrite(w)
	}
	return &Sink{w: w, max: max}
}

// Lines returns the writer for the handlers. It takes what is written during a Handle
// of the batch.
func (s *Sink) Lines() io.Writer { return &s.lines }

// Deliver encodes records, each once, and writes as soon as there is enough for a
// Write. What does not fit is kept for the next one. It returns how many are wholly
// written. The records that it began and that
// are not done have failed with err, and those whose handler reported no error keep their
// lines: it is not called again. If there are none, err tells of trouble that is over.
func (s *Sink) Deliver(b Batch) (done int, err error) {
	s.done, s.over = 0, nil
	if s.torn {
		err = s.resume(b)
		return s.done, err
	}
	s.lines.reset()
	s.lines.open()
	defer s.end(b)
	s.ends = s.ends[:0]
	for err == nil && s.over == nil && b.Next() {
		if err = s.handle(b); err != nil {
			break
		}
		if n := len(s.ends); n > 1 && s.ends[n-1] > s.max {
			err = s.write(b, n-1)
		}
		if n := len(s.ends); n > 0 && s.ends[n-1] >= s.max {
			err = s.write(b, n)
		}
	}
	if failed := s.write(b, len(s.ends)); failed != nil {
		err = failed
	}
	return s.done, s.withOver(err)
}

// resume writes on where the writer stopped in the middle of the first record.
func (s *Sink) resume(b Batch) error {
	if !b.Next() {
		return nil
	}
	return s.withOver(s.writeLines(b, s.rest, []int{len(s.rest)}))
}

// withOver adds to err the trouble that is over, by its text alone: what becomes of
// the records depends on err.
func (s *Sink) withOver(err error) error {
	switch {
	case err == nil:
		return s.over
	case s.over != nil:
		return fmt.Errorf("%w; before that: %v", err, s.over) //nolint:errorlint // see above
	}
	return err
}

// handle encodes the record that has begun. What one that is refused has written is
// in no record's part of lines.
func (s *Sink) handle(b Batch) error {
	if line := b.Line(); line != nil {
		s.ends = append(s.ends, s.lines.append(line))
		return nil
	}
	s.handling = true
	err := b.Handle()
	s.handling = false
	if err == nil {
		s.ends = append(s.ends, s.lines.len())
	}
	return err
}

// end ends a delivery. A handler that did not return leaves nobody else behind.
func (s *Sink) end(b Batch) {
	defer s.lines.close()
	if s.handling {
		s.handling = false
		_ = s.write(b, len(s.ends))
	}
}

// write writes the first n records in lines and takes them out. If w does not take
// all of them, nothing stays there, and it returns why.
func (s *Sink) write(b Batch, n int) error {
	if n == 0 {
		return nil
	}
	s.lines.close() // what comes meanwhile is no record's
	defer s.lines.open()
	end, first := s.ends[n-1], s.done
	written := false
	defer func() {
		if !written {
			s.keep(b, first)
		}
	}()
	if err := s.writeLines(b, s.lines.b[:end], s.ends[:n]); err != nil {
		return err
	}
	written = true
	s.lines.shift(end)
	s.ends = append(s.ends[:0], s.ends[n:]...)
	for i := range s.ends {
		s.ends[i] -= end
	}
	return nil
}

// keep keeps the lines that are not written, of which those of the first record of the
// batch begin at 0. Of one that w has a part of, rest is the other one.
func (s *Sink) keep(b Batch, first int) {
	begin := 0
	for i, end := range s.ends {
		if at := first + i; at > s.done || at == s.done && !s.torn {
			b.Keep(at, bytes.Clone(s.lines.b[begin:end]))
		}
		begin = end
	}
	s.ends = s.ends[:0]
}

// writeLines writes lines, of which each record's part ends at one of ends. A writer
// that takes a part and says why is given the rest at once, as long as it takes
// something. It returns the first error if w has not taken all in the end.
func (s *Sink) writeLines(b Batch, lines []byte, ends []int) (err error) {
	off := 0
	defer func() { // also if w panics
		s.done += s.settle(lines, off, ends)
		b.Done(s.done)
		if s.torn {
			b.Torn()
		}
	}()
	for off < len(lines) {
		n, e := s.w.Write(lines[off:])
		n, e = s.judge(n, e, len(lines)-off)
		off += n
		s.count.Add(uint64(n))
		if err == nil {
			err = e
		}
		if n == 0 {
			return err
		}
	}
	if s.over == nil {
		s.over = err
	}
	return nil
}

// judge returns what is to be believed of the answer to a Write of size bytes. Without
// an error all is taken, whatever the count: some writers return what they made of
// it, and slog does not look. That is told once.
func (s *Sink) judge(n int, err error, size int) (int, error) {
	switch {
	case err == nil && n != size:
		if !s.told {
			s.told = true
			err = fmt.Errorf("asynchandler: %T.Write returned %d for %d bytes without an error; such lines count as written, and this is not told again", s.w, n, size)
		}
		return size, err
	case n < 0 || n > size:
		return min(max(n, 0), size), errors.Join(fmt.Errorf("asynchandler: %T.Write returned %d for %d bytes", s.w, n, size), err)
	}
	return n, err
}

// settle returns how many records are within the first off bytes, and keeps what
// is left of the record that is not wholly so.
func (s *Sink) settle(lines []byte, off int, ends []int) (done int) {
	for done < len(ends) && ends[done] <= off {
		done++
	}
	begin := 0
	if done > 0 {
		begin = ends[done-1]
	}
	switch {
	case done < len(ends) && (off > begin || s.torn):
		s.rest = append([]byte(nil), lines[off:ends[done]]...)
		s.torn = true
	default:
		s.rest = nil
		s.torn = false
	}
	return done
}

// Flush flushes the writer if it can be.
func (s *Sink) Flush() error {
	if f, ok := s.w.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// WrittenBytes returns how many bytes the writer took.
func (s *Sink) WrittenBytes() uint64 { return s.count.Load() }
