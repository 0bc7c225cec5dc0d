package spool

import (
	"errors"
	"slices"
)

// RemoveRange removes n of the records that Next returns, from the one at the place from
// on, all or none. Those before stay: these are struck out in their files. Like Remove it
// needs no room on the disk, and what that does not take is written later.
func (s *Spool) RemoveRange(from, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if from <= 0 {
		return s.wrap("remove", s.removeOldest(n))
	}
	n = min(n, s.Len()-from)
	for len(s.cache) < from+n {
		if more, err := s.fill(); err != nil {
			return s.wrap("remove", err)
		} else if !more {
			break
		}
	}
	if until := min(from+n, len(s.cache)); from < until {
		for _, it := range s.cache[from:until] {
			g := s.holding(it.seq)
			g.strikes = append(g.strikes, it.off)
		}
		s.cache = slices.Delete(s.cache, from, until)
		s.length.Add(int64(from - until))
		_ = s.strike() // else it is tried again
		s.syncLater()
	}
	return nil
}

// holding returns the segment that has that record.
func (s *Spool) holding(seq uint64) *segment {
	i, _ := slices.BinarySearchFunc(s.segments, seq, func(g *segment, seq uint64) int {
		if g.end() <= seq {
			return -1
		}
		return 1
	})
	return s.segments[i]
}

// saveRemovals writes what is not written yet of what was removed.
func (s *Spool) saveRemovals() error { return errors.Join(s.pos.save(), s.strike()) }

// strike strikes out what is not struck out yet.
func (s *Spool) strike() (err error) {
	for _, g := range s.segments {
		err = errors.Join(err, g.strike(s.write))
	}
	return err
}

// strike strikes records out in the file, whose head tells first: so Open looks for them.
func (g *segment) strike(write writeAt) error {
	if len(g.strikes) == 0 {
		return nil
	}
	if err := g.open(); err != nil {
		return err
	}
	g.dirty = true
	if !g.marked {
		marked := *g
		marked.marked = true
		if _, err := write(g.file, marked.head(), 0); err != nil {
			return err
		}
		g.marked = true
	}
	for last := len(g.strikes) - 1; last >= 0; last-- {
		if _, err := write(g.file, struck, g.strikes[last]); err != nil {
			return err
		}
		g.strikes = g.strikes[:last]
	}
	return nil
}
