package spool

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// checking is how long Open checks records. The others are checked when they are read.
const checking = 400 * time.Millisecond

// Open opens the spool in the folder dir, which it makes if need be, with the records that
// an earlier process has left there.
func Open(dir string, opts Options) (*Spool, error) { return open(dir, opts, checking) }

func open(dir string, opts Options, checking time.Duration) (*Spool, error) {
	if opts.MaxBytes < 0 {
		return nil, fmt.Errorf("spool: MaxBytes is %d, want at least 0", opts.MaxBytes)
	}
	s := &Spool{
		dir:   dir,
		max:   cmp.Or(opts.MaxBytes, 1<<30),
		every: cmp.Or(opts.SyncInterval, time.Second),
		write: (*os.File).WriteAt,
	}
	s.each = min(max(s.max/16, min(64<<10, s.max/4)), 16<<20)
	s.timer = time.AfterFunc(math.MaxInt64, s.syncNow)
	s.timer.Stop()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, s.wrap("open", err)
	}
	var err error
	if s.lock, err = lock(dir); err != nil {
		return nil, s.wrap("open", err)
	}
	if err = s.recover(checking); err != nil {
		return nil, s.wrap("open", errors.Join(err, s.closeFiles()))
	}
	return s, nil
}

// recover finds out what is in the folder.
func (s *Spool) recover(checking time.Duration) (err error) {
	if s.pos, err = openPosition(filepath.Join(s.dir, "position"), s.write); err != nil {
		return err
	}
	if err = s.find(); err != nil {
		return err
	}
	s.seen = max(1, s.pos.seq)
	if len(s.segments) > 0 {
		first := s.segments[0].base
		if s.pos.seq > 0 && s.pos.seq < first {
			s.damaged.Add(first - s.pos.seq) // files are missing
		}
		s.seen = max(s.seen, first)
	}
	began := time.Now()
	check := reader{buf: make([]byte, window)}
	for i, g := range s.segments {
		if i == len(s.segments)-1 {
			err = s.checkLast(g, &check)
		} else {
			after := s.segments[i+1]
			g.count = after.base - g.base
			if g.marked || !g.headed || !after.headed || after.behind != g.base || time.Since(began) < checking {
				var found uint64
				found, _, err = s.check(g, &check)
				g.known = s.left(g) - found
			}
		}
		if err != nil {
			return err
		}
		s.length.Add(int64(s.left(g) - g.known - g.struck))
		s.damaged.Add(g.known)
		s.bytes.Add(g.size)
		s.next = max(s.next, g.end())
		if err = g.close(); err != nil {
			return err
		}
	}
	s.next = max(s.next, s.seen)
	return s.clean()
}

// find lists the files of records.
func (s *Spool) find() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != suffix {
			continue
		}
		g := &segment{path: filepath.Join(s.dir, e.Name())}
		var ours bool
		g.base, g.salt, ours = parseName(e.Name())
		err := errors.Join(g.readHead(), g.close())
		if ours {
			s.segments = append(s.segments, g)
		}
		if err != nil && (ours || errors.Is(err, ErrVersion)) {
			return err
		}
	}
	slices.SortFunc(s.segments, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.base, b.base), cmp.Compare(a.size, b.size))
	})
	return nil
}

// check reads all of g. It returns how many of the records that were not removed are whole,
// those that are struck out included, and the number behind the last one.
func (s *Spool) check(g *segment, r *reader) (found, end uint64, err error) {
	r.off, r.whole = 0, segmentHead
	end = g.base
	var items []item
	for {
		if items, err = r.read(g, items[:0]); err != nil || len(items) == 0 {
			return found, end, err
		}
		for _, it := range items {
			if it.seq < end {
				continue
			}
			if end = it.seq + 1; it.seq >= s.seen {
				found++
				if it.struck {
					g.struck++
				}
			}
		}
	}
}

// checkLast checks the last file, of which nobody says how many records it has, and cuts it
// behind the last whole one.
func (s *Spool) checkLast(g *segment, r *reader) error {
	g.count = math.MaxUint32
	found, end, err := s.check(g, r)
	if err != nil {
		return err
	}
	g.count = end - g.base
	if r.whole < g.size {
		if err := g.open(); err != nil {
			return err
		}
		if damagedLast(g, r.whole) {
			g.count++
		}
		g.size = r.whole
		err = g.cut()
	}
	g.known = s.left(g) - found
	return err
}

// left is how many records of g were not removed, whole ones and others.
func (s *Spool) left(g *segment) uint64 {
	return g.end() - min(g.end(), max(s.seen, g.base))
}

// damagedLast reports whether what is behind off in g is as long as a record should be: it is
// not torn then, but damaged.
func damagedLast(g *segment, off int64) bool {
	head := make([]byte, frameHead)
	if _, err := g.file.ReadAt(head, off); err != nil || !hasMagic(head) {
		return false
	}
	size := frameHead + int64(binary.LittleEndian.Uint32(head[4:]))
	return off+size <= g.size && uint64(binary.LittleEndian.Uint32(head[8:])) == g.count
}

// cut cuts the file at its size.
func (g *segment) cut() error {
	g.dirty = true
	return g.file.Truncate(g.size)
}
