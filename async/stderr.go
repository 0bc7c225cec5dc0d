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
	count int    // errors since the last line
	text  string // of the last of them
	stuck bool   // a line is under way
}

func (s *stderrReporter) report(err error) {
	message, n := textOf(err), 1
	if left, ok := err.(*SuppressedError); ok { //nolint:errorlint // it is told as it is
		n = int(left.Count)
	}
	s.mu.Lock()
	s.count += n
	s.text = message
	now := time.Now()
	due := now.Sub(s.last) >= stderrInterval
	if due {
		s.last = now
	}
	s.mu.Unlock()
	if due {
		s.flush()
	}
}

// flush writes the line for the errors since the last one. Standard error may be the
// very pipe that hangs: so the line is written on a goroutine of its own, which is left
// behind if it takes long, and no other is written meanwhile.
func (s *stderrReporter) flush() {
	line := s.begin()
	if line == "" {
		return
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.WriteString(s.w, line) // where should an error go?
		s.mu.Lock()
		s.stuck = false
		s.mu.Unlock()
		close(done)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// begin returns the line that is to be written, "" if there is none.
func (s *stderrReporter) begin() (line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == 0 || s.stuck {
		return ""
	}
	line = s.text + "\n"
	if s.count > 1 {
		line = fmt.Sprintf("%s (%d errors since the last such line)\n", s.text, s.count)
	}
	s.count, s.text, s.stuck = 0, "", true
	return line
}
