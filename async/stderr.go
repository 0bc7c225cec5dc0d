package async

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// stderrInterval is how often at most the default error handler writes.
const stderrInterval = 10 * time.Second

// stderrReporter is the default error handler: the first error at once, then at
// most one line per interval with the number of errors that it stands for. It
// does not use slog or log, which may lead back to the handler.
type stderrReporter struct {
	w io.Writer

	mu    sync.Mutex
	last  time.Time
	count int   // errors since the last line
	err   error // the last of them
}

func (s *stderrReporter) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.err = err
	if now := time.Now(); now.Sub(s.last) >= stderrInterval {
		s.last = now
		s.write()
	}
}

// flush writes the line for the errors since the last one.
func (s *stderrReporter) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write()
}

func (s *stderrReporter) write() {
	if s.count == 0 {
		return
	}
	if s.count == 1 {
		_, _ = fmt.Fprintln(s.w, s.err) // where should an error go?
	} else {
		_, _ = fmt.Fprintf(s.w, "%v (%d errors since the last such line)\n", s.err, s.count)
	}
	s.count, s.err = 0, nil
}
