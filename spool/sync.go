package spool

import (
	"errors"
	"os"
)

// syncLater has the files synced when the interval has passed.
func (s *Spool) syncLater() {
	if s.every < 0 || s.due {
		return
	}
	s.due = true
	s.timer.Reset(s.every)
}

// syncNow is called by the timer.
func (s *Spool) syncNow() {
	s.mu.Lock()
	s.due = false
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return
	}
	if err := s.sync(); err != nil {
		s.mu.Lock()
		s.syncErr = err
		s.mu.Unlock()
	}
}

// sync syncs what has changed, without holding up others.
func (s *Spool) sync() error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	files, err := s.changed()
	for _, f := range files {
		if e := f.Sync(); !errors.Is(e, os.ErrClosed) { // it was read to its end and removed
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, s.closeIdle())
}

// closeIdle closes the files that are neither read nor appended to: there may be thousands.
func (s *Spool) closeIdle() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, g := range s.segments {
		if g != s.active && i != s.reading && !g.dirty {
			err = errors.Join(err, g.close())
		}
	}
	return err
}

// changed returns the files that have changed since the last sync.
func (s *Spool) changed() (files []*os.File, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.saveRemovals()
	for _, g := range s.segments {
		if !g.dirty {
			continue
		}
		if e := g.open(); e != nil {
			err = errors.Join(err, e)
			continue
		}
		g.dirty = false
		files = append(files, g.file)
	}
	if s.created {
		s.created = false
		err = errors.Join(err, syncDir(s.dir))
	}
	if s.pos.dirty {
		s.pos.dirty = false
		files = append(files, s.pos.file)
	}
	return files, err
}

// Flush syncs to the disk what was appended and removed.
func (s *Spool) Flush() error {
	s.mu.Lock()
	closed, err := s.closed, s.syncErr
	s.syncErr = nil
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	return s.wrap("sync", errors.Join(err, s.sync()))
}

// Close syncs, unless [Options.SyncInterval] says never, and releases the folder. Further
// calls do nothing.
func (s *Spool) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.timer.Stop()
	err := s.syncErr
	s.syncErr = nil
	s.mu.Unlock()
	if !first {
		return nil
	}
	if s.every >= 0 {
		err = errors.Join(err, s.sync())
	}
	s.syncing.Lock() // until the timer's sync has ended
	defer s.syncing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.every < 0 {
		err = errors.Join(err, s.saveRemovals())
	}
	return s.wrap("close", errors.Join(err, s.closeFiles()))
}

func (s *Spool) closeFiles() (err error) {
	for _, g := range s.segments {
		err = errors.Join(err, g.close())
	}
	if s.pos.file != nil {
		err = errors.Join(err, s.pos.file.Close())
	}
	s.cache, s.buf = nil, nil
	return errors.Join(err, s.lock.Close())
}
