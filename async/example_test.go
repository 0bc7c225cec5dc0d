package async_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/membudget"
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
	broken := handlerFunc(func(context.Context, slog.Record) error { return errors.New("disk failure") })
	h := async.New(broken, async.Options{
		MaxAttempts:  2,
		ErrorHandler: func(err error) { fmt.Println(err) },
	})
	slog.New(h).Info("order placed")
	_ = h.Close() // the error handler is called on a goroutine of its own, for which Close waits
	fmt.Println("failed:", h.Stats().Failed)
	// Output:
	// asynchandler: handler "default": delivery failed (attempt 1): disk failure
	// asynchandler: handler "default": delivery failed (attempt 2): disk failure
	// failed: 1
}

// A breaker.Breaker is a gate. When it is open, records go to the fallback.
func ExampleGate() {
	broken := handlerFunc(func(context.Context, slog.Record) error { return errors.New("disk failure") })
	gate := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 2 },
	}})
	h := async.New(broken, async.Options{
		Gate:         gate,
		Fallback:     slog.NewTextHandler(os.Stdout, noTime),
		ErrorHandler: func(error) {},
	})
	logger := slog.New(h)
	for n := range 3 {
		logger.Info("order placed", "id", n)
		_ = h.Flush(context.Background())
	}
	fmt.Println(gate.Stats().State, h.Close())
	// Output:
	// level=INFO msg="order placed" id=0
	// level=INFO msg="order placed" id=1
	// level=INFO msg="order placed" id=2
	// open <nil>
}

// A membudget.Budget is a budget. The bytes are released when the records are delivered.
func ExampleBudget() {
	budget := membudget.New(1<<20, membudget.Options{})
	h := async.New(slog.DiscardHandler, async.Options{Budget: budget})
	r := slog.NewRecord(time.Now(), slog.LevelInfo, strings.Repeat("x", 1000), 0)
	fmt.Println(h.Handle(context.Background(), r), h.Close())
	fmt.Println(budget.Peak() > 1000, budget.Used())
	// Output:
	// <nil> <nil>
	// true 0
}

// Flush waits until all that was logged before has its outcome.
func ExampleHandler_Flush() {
	var out strings.Builder
	h := async.New(slog.NewTextHandler(&out, noTime), async.Options{Format: async.FormatText})
	defer h.Close()

	logger := slog.New(h)
	logger.Info("one")
	logger.Info("two")
	if err := h.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Print(out.String())
	// Output:
	// level=INFO msg=one
	// level=INFO msg=two
}

// A handler that wraps an async.Handler spares it the copy of the record.
func ExampleHandler_Enqueue() {
	h := async.New(slog.NewTextHandler(os.Stdout, noTime), async.Options{Format: async.FormatText})
	defer h.Close()

	stamped := handlerFunc(func(ctx context.Context, r slog.Record) error {
		r.AddAttrs(slog.String("host", "alpha"))
		return h.Enqueue(ctx, &r)
	})
	slog.New(stamped).Info("started")
	// Output: level=INFO msg=started host=alpha
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

// handlerFunc is a slog.Handler that stands for one of another package.
type handlerFunc func(context.Context, slog.Record) error

func (handlerFunc) Enabled(context.Context, slog.Level) bool          { return true }
func (f handlerFunc) Handle(ctx context.Context, r slog.Record) error { return f(ctx, r) }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler              { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                   { return f }

// noTime leaves out the times, so that the output of an example is always the same.
var noTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindTime {
		return slog.Attr{}
	}
	return a
}}
