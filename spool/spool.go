package spool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrClosed is returned by the methods of a [Spool] that was closed.
	ErrClosed = errors.New("spool: closed")
	// ErrTooLarge is wrapped by the error of [Spool.Append] for a record that is larger than
	// [Options.MaxBytes].
	ErrTooLarge = errors.New("spool: the record is larger than the whole spool may be")
)

// Options are the settings of a [Spool]. The zero value works.
type Options struct {
	// MaxBytes is the most that the files of records may have together. 0 means 1 GiB.
	MaxBytes int64
	// SyncInterval is how long after a change the files are synced to the disk (fsync), so
	// that it survives a power cut. 0 means 1 s, a negative value never: then the operating
	// system decides, and [Spool.Flush] syncs.
	SyncInterval time.Duration
}

// Spool is a queue of records on disk. Its methods may be called concurrently. Len, Bytes and
// Damaged never wait for the disk.
type Spool struct {
	dir   string
	max   int64
	each  int64 // how large a file gets
	every time.Duration
	lock  *os.File
	timer *time.Timer // of the next sync

	length, bytes atomic.Int64
	damaged       atomic.Uint64

	syncing sync.Mutex // held during a sync, taken before mu

	mu       sync.Mutex
	closed   bool
	pos      position
	segments []*segment // oldest first
	active   *segment   // the last one, while it is appended to
	next     uint64     // number of the next record
	cache    []item     // the oldest records, as far as they were read
	seen     uint64     // number behind the last one that was read or found missing
	reading  int        // index of the segment that is read
	reader   reader
	due      bool  // the timer runs
	syncErr  error // of a sync that nobody has heard of yet
	created  bool  // a file, since the last sync
	evicted  func(record []byte)
	buf      []byte

	// For tests.
	write writeAt
}

// MaxRecord returns how large a record can be.
func (s *Spool) MaxRecord() int64 { return min(s.max-segmentHead-frameHead, 1<<31) }

// MaxBytes returns the bound: [Options.MaxBytes] or its default.
func (s *Spool) MaxBytes() int64 { return s.max }

// OnEvict has f called for each record that goes because of [Options.MaxBytes], during
// Append. f must not call the spool.
func (s *Spool) OnEvict(f func(record []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evicted = f
}

// Len returns how many records there are.
func (s *Spool) Len() int { return int(s.length.Load()) }

// Bytes returns how large the files of records are.
func (s *Spool) Bytes() int64 { return s.bytes.Load() }

// Damaged returns how many records were found damaged since Open.
func (s *Spool) Damaged() uint64 { return s.damaged.Load() }

// Append adds the records at the end, in order. With an error, none was added. The oldest
// records go if there is no room for the new ones.
func (s *Spool) Append(records [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	for _, r := range records {
		if int64(len(r)) > s.MaxRecord() {
			return fmt.Errorf("%w: %d bytes, want at most %d", ErrTooLarge, len(r), s.MaxRecord())
		}
	}
	undo := s.mark()
	for len(records) > 0 {
		n, err := s.appendSome(records)
		if err != nil {
			return s.wrap("append", errors.Join(err, s.undo(undo)))
		}
		records = records[n:]
	}
	s.syncLater()
	return nil
}

func (s *Spool) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("spool: %s %q: %w", what, s.dir, err)
}

// usable returns why nothing can be done.
func (s *Spool) usable() error {
	if s.closed {
		return ErrClosed
	}
	if err := s.syncErr; err != nil {
		s.syncErr = nil
		return s.wrap("sync", err)
	}
	return nil
}

// appendSome appends as many of the records as one file takes.
func (s *Spool) appendSome(records [][]byte) (n int, err error) {
	size := frameSize(records[0])
	if s.active != nil && s.active.size+size > s.each {
		if err := s.seal(); err != nil {
			return 0, err
		}
	}
	room, head := s.each-segmentHead, int64(segmentHead)
	if s.active != nil {
		room, head = s.each-s.active.size, 0
	}
	n = 1
	for n < len(records) && size+frameSize(records[n]) <= room {
		size += frameSize(records[n])
		n++
	}
	if err := s.makeRoom(head + size); err != nil {
		return 0, err
	}
	if s.active == nil {
		if err := s.create(); err != nil {
			return 0, err
		}
	}
	return n, s.writeTo(s.active, records[:n])
}

// writeTo writes the records behind those of g.
func (s *Spool) writeTo(g *segment, records [][]byte) error {
	b := s.buf[:0]
	for i, r := range records {
		b = appendFrame(b, g.salt, uint32(g.count)+uint32(i), r)
	}
	if s.buf = b; cap(b) > 4*window {
		s.buf = nil
	}
	if _, err := s.write(g.file, b, g.size); err != nil {
		return err
	}
	g.dirty = true
	g.size += int64(len(b))
	g.count += uint64(len(records))
	s.next += uint64(len(records))
	s.bytes.Add(int64(len(b)))
	s.length.Add(int64(len(records)))
	return nil
}

// create begins a file.
func (s *Spool) create() error {
	g := &segment{base: s.next, salt: rand.Uint32(), headed: true, dirty: true}
	g.behind = g.base
	if n := len(s.segments); n > 0 {
		g.behind = s.segments[n-1].base
	}
	g.path = filepath.Join(s.dir, segmentName(g.base, g.salt))
	f, err := os.OpenFile(g.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	g.file = f
	if _, err := s.write(f, g.head(), 0); err != nil {
		return errors.Join(err, g.remove())
	}
	g.size = segmentHead
	s.bytes.Add(g.size)
	s.segments = append(s.segments, g)
	s.active, s.created = g, true
	return nil
}

// seal ends the file that is appended to. It is synced with the others.
func (s *Spool) seal() (err error) {
	g := s.active
	s.active = nil
	if s.reading >= len(s.segments) || s.segments[s.reading] != g {
		err = g.close()
	}
	return err
}

// mark is where an Append began.
type mark struct {
	next   uint64
	active *segment
	size   int64
	count  uint64
}

func (s *Spool) mark() mark {
	m := mark{next: s.next, active: s.active}
	if s.active != nil {
		m.size, m.count = s.active.size, s.active.count
	}
	return m
}

// undo takes back what was appended since m. What cannot be cut off is behind the end of its
// file as the next file's name tells, so it is not read.
func (s *Spool) undo(m mark) (err error) {
	for len(s.segments) > 0 {
		g := s.segments[len(s.segments)-1]
		if g == m.active || g.base < m.next {
			break
		}
		s.segments = s.segments[:len(s.segments)-1]
		s.length.Add(-int64(g.count))
		s.bytes.Add(-g.size)
		s.active = nil
		err = errors.Join(err, g.remove())
	}
	if g := m.active; g != nil && len(s.segments) > 0 && s.segments[len(s.segments)-1] == g {
		s.length.Add(-int64(g.count - m.count))
		s.bytes.Add(m.size - g.size)
		g.size, g.count = m.size, m.count
		s.active = g
		if e := errors.Join(g.open(), g.cut()); e != nil {
			s.active, err = nil, errors.Join(err, e)
		}
	}
	s.next = max(m.next, s.pos.want)
	return err
}
