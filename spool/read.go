package spool

import "slices"

// maxRead is how many bytes of records Next returns at most, unless one record has more.
const maxRead = 4 << 20

// Next returns the oldest records, at most limit of them and fewer if they have several
// megabytes. They stay where they are until [Spool.Remove]. Without any it returns nil.
// The caller may keep them, but must not change them.
func (s *Spool) Next(limit int) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if limit = min(limit, s.Len()); limit < 1 {
		return nil, nil
	}
	err := s.load(limit)
	size, limit := 0, min(limit, len(s.cache))
	records := make([][]byte, 0, limit)
	for _, it := range s.cache[:limit] {
		if size += len(it.record); size > maxRead && len(records) > 0 {
			break
		}
		records = append(records, it.record)
	}
	if len(records) > 0 {
		return records, nil // the error comes again, behind them
	}
	return nil, s.wrap("read", err)
}

// Remove removes the oldest n records; those that Next has returned all or none. It needs no
// room on the disk: what the disk does not take is written later, and a process that ends
// before that finds the records again which are in the oldest file still.
func (s *Spool) Remove(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.wrap("remove", s.removeOldest(n))
}

func (s *Spool) removeOldest(n int) error {
	for n > 0 {
		if len(s.cache) == 0 {
			if more, err := s.fill(); err != nil {
				return err
			} else if !more {
				break
			}
			continue
		}
		k := min(n, len(s.cache))
		s.pos.set(s.cache[k-1].seq + 1)
		s.cache = slices.Delete(s.cache, 0, k)
		s.length.Add(-int64(k))
		n -= k
	}
	if s.Len() == 0 {
		s.seen = s.next // what is struck out behind them goes too
	}
	s.syncLater()
	if err := s.clean(); err != nil {
		s.syncErr = err // the records are removed all the same
	}
	return nil
}

// load reads on until n records are known, or many bytes of them.
func (s *Spool) load(n int) error {
	size := sizeOf(s.cache)
	for len(s.cache) < n && size <= maxRead {
		had := len(s.cache)
		more, err := s.fill()
		if !more || err != nil {
			return err
		}
		size += sizeOf(s.cache[had:])
	}
	return nil
}

func sizeOf(items []item) (size int) {
	for _, it := range items {
		size += len(it.record)
	}
	return size
}

// fill reads the next window, and reports whether there was something left to read.
func (s *Spool) fill() (more bool, err error) {
	for s.reading < len(s.segments) {
		g, had := s.segments[s.reading], len(s.cache)
		s.cache, err = s.reader.read(g, s.cache)
		ended := err == nil && len(s.cache) == had
		if s.accept(g, had); err != nil || len(s.cache) > had {
			return true, err
		}
		if !ended {
			continue // all of these were removed before
		}
		s.expect(g, g.end())
		if g == s.active {
			return false, nil
		}
		_ = g.close()
		s.reading++
		s.reader.off = 0
	}
	return false, nil
}

// accept keeps those of the items from had on that are next in order.
func (s *Spool) accept(g *segment, had int) {
	kept := s.cache[:had]
	for _, it := range s.cache[had:] {
		if it.seq < s.seen {
			continue
		}
		s.expect(g, it.seq)
		s.seen = it.seq + 1
		switch {
		case !it.struck:
			kept = append(kept, it)
		case g.struck > 0:
			g.struck--
		default: // nobody has looked before
			s.length.Add(-1)
		}
	}
	clear(s.cache[len(kept):])
	s.cache = kept
}

// expect is told that the next record of g which is whole is that with number seq.
func (s *Spool) expect(g *segment, seq uint64) {
	if seq <= s.seen {
		return
	}
	lost := seq - s.seen
	s.seen = seq
	known := min(lost, g.known)
	g.known -= known
	s.damaged.Add(lost - known)
	s.length.Add(-int64(lost - known))
}

// oldest is the number of the oldest record, or of the one that will be.
func (s *Spool) oldest() uint64 {
	if len(s.cache) > 0 {
		return s.cache[0].seq
	}
	return s.seen
}

// clean removes the files of which all records were removed.
func (s *Spool) clean() error {
	for len(s.segments) > 0 && s.segments[0].end() <= s.oldest() {
		s.pos.set(max(s.pos.want, s.segments[0].end()))
		if err := s.removeFirst(); err != nil {
			return err
		}
	}
	return nil
}

// removeFirst removes the oldest file.
func (s *Spool) removeFirst() error {
	g := s.segments[0]
	s.segments = slices.Delete(s.segments, 0, 1)
	s.bytes.Add(-g.size)
	if g == s.active {
		s.active = nil
	}
	if s.reading > 0 {
		s.reading--
	} else {
		s.reader.off = 0
	}
	err := g.remove()
	_ = s.pos.save() // on a full disk there is room for it now
	return err
}

// makeRoom lets the oldest records go until n more bytes fit.
func (s *Spool) makeRoom(n int64) error {
	for len(s.segments) > 0 && s.Bytes()+n > s.max {
		if err := s.evict(); err != nil {
			return err
		}
	}
	return nil
}

// evict lets the records of the oldest file go.
func (s *Spool) evict() error {
	g := s.segments[0]
	s.pos.set(max(s.pos.want, g.end()))
	for s.oldest() < g.end() {
		if len(s.cache) > 0 {
			if s.evicted != nil {
				s.evicted(s.cache[0].record)
			}
			s.cache = slices.Delete(s.cache, 0, 1)
			s.length.Add(-1)
			continue
		}
		if s.evicted != nil {
			if _, err := s.fill(); err == nil {
				continue
			}
		}
		left := g.end() - max(s.seen, g.base)
		s.length.Add(-int64(left - min(left, g.known+g.struck)))
		s.seen, g.known, g.struck = g.end(), 0, 0
	}
	return s.removeFirst()
}
