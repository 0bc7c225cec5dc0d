package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"sync"
)

// bufferSize is as large as the largest Write of asynchandler.
const bufferSize = 64 << 10

// nothing is the handler of the floor: what slog itself costs.
type nothing struct{}

func (nothing) Enabled(context.Context, slog.Level) bool  { return true }
func (nothing) Handle(context.Context, slog.Record) error { return nil }
func (nothing) WithAttrs([]slog.Attr) slog.Handler        { return nothing{} }
func (nothing) WithGroup(string) slog.Handler             { return nothing{} }

func openFloor(sink) (*subject, error) {
	return &subject{
		logger: newSlogLogger(nothing{}),
		flush:  func(int) error { return nil },
		close:  func() error { return nil },
	}, nil
}

func openSync(s sink) (*subject, error) { return openSyncWith(s, nil) }

func openSyncWith(s sink, ho *slog.HandlerOptions) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	return &subject{
		logger: newSlogLogger(slog.NewJSONHandler(w, ho)),
		flush:  func(int) error { return nil },
		close:  closeFile,
	}, nil
}

// lockedBuffer is a bufio.Writer that may be flushed while others write.
type lockedBuffer struct {
	mu sync.Mutex
	b  *bufio.Writer
}

func newLockedBuffer(w io.Writer) *lockedBuffer {
	return &lockedBuffer{b: bufio.NewWriterSize(w, bufferSize)}
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Flush()
}

func openBufio(s sink) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	buffer := newLockedBuffer(w)
	return &subject{
		logger: newSlogLogger(slog.NewJSONHandler(buffer, nil)),
		flush:  func(int) error { return buffer.Flush() },
		close:  inOrder(buffer.Flush, closeFile),
	}, nil
}
