package spool

import "os"

// SetWrite has s write by way of write, its position too.
func (s *Spool) SetWrite(write func(f *os.File, b []byte, off int64) (int, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write, s.pos.write = write, write
}

// Dir returns the folder.
func (s *Spool) Dir() string { return s.dir }

// OpenUnchecked is Open without any time to check records.
func OpenUnchecked(dir string, opts Options) (*Spool, error) { return open(dir, opts, 0) }
