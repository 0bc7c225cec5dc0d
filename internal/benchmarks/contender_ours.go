package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	phuslu "github.com/phuslu/log"

	"github.com/asynchandler/asynchandler"
)

const (
	oursName     = "asynchandler"
	oursFastName = "asynchandler, fast encoder"
)

func isOurs(name string) bool { return name == oursName || name == oursFastName }

func openOurs(s sink) (*subject, error) {
	return openHandler(s, func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.NewJSONHandler(w, nil, opts...)
	})
}

// openOursFast encodes with a handler that is faster than slog's own.
func openOursFast(s sink) (*subject, error) {
	return openHandler(s, func(w io.Writer, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.NewWriterHandler(w, func(lines io.Writer) slog.Handler {
			return phuslu.SlogNewJSONHandler(lines, nil)
		}, opts...)
	})
}

func openHandler(s sink, build func(io.Writer, ...asynchandler.Option) *asynchandler.Handler) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	// All else is as it comes, the policy too: it drops only if next makes no progress.
	opts := []asynchandler.Option{
		asynchandler.WithCapacity(s.capacity),
		asynchandler.WithMaxWrite(64 << 10), // what a file has anyway, also for a writer around one
	}
	if s.capacity > 1<<16 {
		opts = append(opts, asynchandler.WithMemoryLimit(1<<30)) // so many do not fit into 64 MiB
	}
	h := build(w, opts...)
	return &subject{
		logger:  newSlogLogger(h),
		flush:   func(int) error { return h.Flush(context.Background()) },
		close:   inOrder(h.Close, closeFile, func() error { return audit(h.Stats()) }),
		dropped: func() uint64 { return h.Stats().Dropped },
	}, nil
}

// audit holds a closed handler to its word that each record has one outcome.
func audit(s asynchandler.Stats) error {
	if s.Received != s.Delivered+s.Dropped || s.Failed+s.Fallback > 0 {
		return fmt.Errorf("of %d records, %d delivered, %d dropped, %d failed, %d to the fallback",
			s.Received, s.Delivered, s.Dropped, s.Failed, s.Fallback)
	}
	return nil
}
