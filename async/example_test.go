package async_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/asynchandler/asynchandler/async"
)

func Example() {
	h := async.New(slog.NewJSONHandler(os.Stderr, nil), async.Options{Format: async.FormatJSON})
	logger := slog.New(h)
	logger.Info("order placed", "id", 17)

	if err := h.Close(); err != nil { // delivers what waits
		fmt.Println(err)
	}
	stats := h.Stats()
	fmt.Println(stats.Delivered, "delivered,", stats.Dropped, "dropped")
	// Output: 1 delivered, 0 dropped
}

// Without a gate and a fallback a record that next refuses is given up after MaxAttempts.
func ExampleNew() {
	h := async.New(refuser{slog.DiscardHandler}, async.Options{
		MaxAttempts:  2,
		ErrorHandler: func(err error) { fmt.Println(err) },
	})
	defer h.Close()

	slog.New(h).Info("order placed")
	_ = h.Flush(context.Background())
	fmt.Println("failed:", h.Stats().Failed)
	// Output:
	// asynchandler: handler "default": delivery failed (attempt 1): connection refused
	// asynchandler: handler "default": delivery failed (attempt 2): connection refused
	// failed: 1
}

// refuser is a handler that takes nothing.
type refuser struct{ slog.Handler }

func (refuser) Enabled(context.Context, slog.Level) bool { return true }

func (refuser) Handle(context.Context, slog.Record) error { return errors.New("connection refused") }

// Flush waits until all that was logged before has its outcome.
func ExampleHandler_Flush() {
	var out strings.Builder
	h := async.New(slog.NewTextHandler(&out, nil), async.Options{Format: async.FormatText})
	defer h.Close()

	logger := slog.New(h)
	logger.Info("one")
	logger.Info("two")
	if err := h.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Count(out.String(), "\n"), "lines")
	// Output: 2 lines
}

// A sink gets whole batches: here it lets next encode to a buffer, and sends that at once.
func ExampleSink() {
	s := &sender{}
	h := async.New(slog.NewJSONHandler(&s.buf, nil), async.Options{Format: async.FormatJSON, Sink: s})
	logger := slog.New(h)
	for n := range 100 {
		logger.Info("tick", "n", n)
	}
	fmt.Println(h.Close(), s.sent, "records sent")
	// Output: <nil> 100 records sent
}

// sender is a sink. Only one goroutine at a time uses it.
type sender struct {
	buf  bytes.Buffer // what next writes to
	sent int
}

func (s *sender) Deliver(b *async.Batch) (done int, err error) {
	s.buf.Reset()
	for b.Next() {
		if err = b.Handle(); err != nil {
			break
		}
		done++
	}
	if err := s.send(); err != nil {
		return 0, err // all that began have failed together
	}
	return done, err
}

// send stands for a request to a collector.
func (s *sender) send() error {
	s.sent += bytes.Count(s.buf.Bytes(), []byte{'\n'})
	return nil
}
