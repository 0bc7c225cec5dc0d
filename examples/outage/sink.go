package main

import (
	"errors"
	"strings"
	"sync"
)

// mood is what a sink does with a Write.
type mood string

const (
	works mood = "works"
	fails mood = "fails"
	hangs mood = "hangs" // until the mood changes, and takes the bytes then
)

// sink is a writer that has moods. It stands for a collector, a full disk or a pipe
// that nobody reads.
type sink struct {
	lines lines

	mu      sync.Mutex
	mood    mood
	changed chan struct{} // closed when the mood changes
}

func newSink() *sink { return &sink{mood: works, changed: make(chan struct{})} }

func (s *sink) set(m mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m == s.mood {
		return
	}
	s.mood = m
	close(s.changed)
	s.changed = make(chan struct{})
}

// Write does what the mood says.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	mood, changed := s.mood, s.changed
	s.mu.Unlock()
	switch mood {
	case fails:
		return 0, errors.New("connection refused")
	case hangs:
		<-changed
	}
	return s.lines.Write(p)
}

// lines keeps what is written to it.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
