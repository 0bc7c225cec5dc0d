package asynchandler

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asynchandler/asynchandler/async"
)

const defaultMaxWrite = 64 << 10

// pipeBuf is PIPE_BUF: what a Write to a pipe may have without being mixed with
// what others write to it. POSIX wants 512 at least, Linux has 4096 (pipe(7)).
func pipeBuf() int {
	if runtime.GOOS == "linux" {
		return 4096
	}
	return 512
}

// maxWriteFor returns the most bytes for one Write to w if the user does not say.
func maxWriteFor(w io.Writer) int {
	f, ok := w.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return defaultMaxWrite
	}
	info, err := f.Stat()
	if err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0 {
		return pipeBuf()
	}
	return defaultMaxWrite
}

// writerSink encodes a batch with the handlers of its records, which write to
// lines, and gives the whole lines to w in one Write. After a delivery that failed the
// queue hands it one record at a time: one bad line cannot spoil those beside it.
type writerSink struct {
	w     io.Writer
	max   int // bytes in one Write if it is of several records; 0: one record each
	lines lineBuffer

	ends    []int  // of the records in lines
	rest    []byte // of the first record, if w took a part of it
	torn    atomic.Bool
	written atomic.Uint64
}

// newWriterSink returns a sink that writes to w; a negative max stands for what w
// suggests.
func newWriterSink(w io.Writer, max int) *writerSink {
	if max < 0 {
		max = maxWriteFor(w)
	}
	return &writerSink{w: w, max: max}
}

// isFile reports whether bytes are all that counts to w, not Writes.
func isFile(w io.Writer) bool {
	_, ok := w.(*os.File)
	return ok
}

// Deliver encodes records until there is enough for a Write, and writes.
func (s *writerSink) Deliver(b *async.Batch) (done int, err error) {
	if s.torn.Load() {
		return s.resume(b)
	}
	refused := s.encode(b)
	if len(s.ends) > 0 {
		if done, err = s.write(b, s.lines.b, s.ends); err != nil {
			return done, err
		}
	}
	return done, refused
}

// encode fills lines, and returns the error of the handler that refused the record
// behind the last one in there.
func (s *writerSink) encode(b *async.Batch) error {
	s.lines.open()
	defer s.lines.close()
	s.ends = s.ends[:0]
	for begin := 0; b.Next(); {
		err := b.Handle()
		end := s.lines.len()
		if err != nil {
			s.lines.cut(begin)
			return err
		}
		if len(s.ends) > 0 && end > s.max {
			s.lines.cut(begin)
			b.Back() // it is for the next Write
			break
		}
		s.ends = append(s.ends, end)
		if begin = end; end >= s.max {
			break
		}
	}
	return nil
}

// resume writes on where the writer stopped in the middle of the first record.
func (s *writerSink) resume(b *async.Batch) (done int, err error) {
	if !b.Next() {
		return 0, nil
	}
	s.ends = append(s.ends[:0], len(s.rest))
	return s.write(b, s.rest, s.ends)
}

// write writes lines, of which each record's part ends at one of ends, and returns
// how many records are wholly written. A writer that takes a part is given the
// rest at once, as long as it takes something.
func (s *writerSink) write(b *async.Batch, lines []byte, ends []int) (done int, err error) {
	off := 0
	defer func() {
		done = s.settle(lines, off, ends)
		b.Done(done)
	}()
	for off < len(lines) {
		n, e := s.w.Write(lines[off:])
		if n < 0 || n > len(lines)-off {
			e = errors.Join(fmt.Errorf("asynchandler: writer returned %d for %d bytes", n, len(lines)-off), e)
			n = min(max(n, 0), len(lines)-off)
		}
		if n < len(lines)-off && e == nil {
			e = io.ErrShortWrite
		}
		off += n
		s.written.Add(uint64(n))
		if err == nil {
			err = e
		}
		if n == 0 {
			break
		}
	}
	return 0, err
}

// settle returns how many records are within the first off bytes, and keeps what
// is left of the record that is not wholly so.
func (s *writerSink) settle(lines []byte, off int, ends []int) (done int) {
	for done < len(ends) && ends[done] <= off {
		done++
	}
	begin := 0
	if done > 0 {
		begin = ends[done-1]
	}
	switch {
	case done < len(ends) && (off > begin || s.torn.Load()):
		s.rest = append([]byte(nil), lines[off:ends[done]]...)
		s.torn.Store(true)
	default:
		s.rest = nil
		s.torn.Store(false)
	}
	return done
}

// Torn reports whether the writer took a part of a record.
func (s *writerSink) Torn() bool { return s.torn.Load() }

// Flush flushes the writer if it can be.
func (s *writerSink) Flush() error {
	if f, ok := s.w.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// WrittenBytes returns how many bytes the writer took.
func (s *writerSink) WrittenBytes() uint64 { return s.written.Load() }

// lineBuffer is what the handlers of a writerSink write to.
type lineBuffer struct {
	mu     sync.Mutex // a handler may write from goroutines of its own
	b      []byte
	opened bool
}

var errNotHandling = errors.New("asynchandler: a handler over a writer must write during Handle")

// Write appends p.
func (l *lineBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.opened {
		return 0, errNotHandling
	}
	l.b = append(l.b, p...)
	return len(p), nil
}

// maxKept is the most memory that a lineBuffer keeps for the next batch.
const maxKept = 4 * defaultMaxWrite

func (l *lineBuffer) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cap(l.b) > maxKept {
		l.b = nil
	}
	l.b, l.opened = l.b[:0], true
}

func (l *lineBuffer) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = false
}

func (l *lineBuffer) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.b)
}

func (l *lineBuffer) cut(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = l.b[:n]
}
