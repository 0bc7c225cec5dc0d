package asynchandler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler"
)

// What the disk refuses goes to the fallback at once.
func ExampleWithFallback() {
	full := writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left on device") })
	h := asynchandler.NewJSONHandler(full, nil,
		asynchandler.WithFallback(slog.NewTextHandler(os.Stdout, noTime)),
		asynchandler.WithErrorHandler(func(error) {}), // else a line on standard error
	)
	logger := slog.New(h)
	logger.Info("order placed", "id", 17)
	logger.Info("order placed", "id", 18)

	fmt.Println(h.Close()) // nothing is lost
	fmt.Println("fallback took", h.Stats().Fallback)
	// Output:
	// level=INFO msg="order placed" id=17
	// level=INFO msg="order placed" id=18
	// <nil>
	// fallback took 2
}

// The breaker opens after failures of two records in a row. They wait until next is tried
// again: after the open time, or when somebody who knows better closes the breaker.
func ExampleWithBreaker() {
	var up atomic.Bool
	collector := writerFunc(func(p []byte) (int, error) {
		if !up.Load() {
			return 0, errors.New("connection refused")
		}
		return os.Stdout.Write(p)
	})
	opened := make(chan struct{})
	h := asynchandler.NewTextHandler(collector, noTime,
		asynchandler.WithBreaker(gobreaker.Settings{
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 2 },
			Timeout:     time.Hour,
			OnStateChange: func(name string, from, to gobreaker.State) {
				fmt.Printf("%s: %v to %v\n", name, from, to)
				if to == gobreaker.StateOpen {
					close(opened)
				}
			},
		}),
		asynchandler.WithErrorHandler(func(error) {}), // else a line on standard error
	)
	defer h.Close()
	slog.New(h).Info("order placed", "id", 17)
	slog.New(h).Info("order placed", "id", 18)
	<-opened
	fmt.Println("waiting:", h.Stats().Depth)
	up.Store(true)
	h.ResetBreaker()
	_ = h.Flush(context.Background())
	// Output:
	// default: closed to open
	// waiting: 2
	// default: open to closed
	// level=INFO msg="order placed" id=17
	// level=INFO msg="order placed" id=18
}

// Without a breaker, a record is given up after so many failures.
func ExampleWithMaxAttempts() {
	broken := writerFunc(func([]byte) (int, error) { return 0, errors.New("disk failure") })
	h := asynchandler.NewJSONHandler(broken, nil,
		asynchandler.WithoutBreaker(),
		asynchandler.WithMaxAttempts(2),
		asynchandler.WithErrorHandler(func(err error) { fmt.Println(err) }),
	)
	slog.New(h).Info("order placed", "id", 17)
	_ = h.Close() // waits for the error handler
	fmt.Println("failed:", h.Stats().Failed)
	// Output:
	// asynchandler: handler "default": delivery failed (attempt 1): disk failure
	// asynchandler: handler "default": delivery failed (attempt 2): disk failure
	// failed: 1
}

// When the disk hangs, what waits goes to the fallback.
func ExampleWithStallTimeout() {
	disk := newStuckWriter(io.Discard)
	fallback := make(lineChan, 10)
	h := asynchandler.NewJSONHandler(disk, nil,
		asynchandler.WithStallTimeout(100*time.Millisecond), // instead of 5 s
		asynchandler.WithFallback(slog.NewTextHandler(fallback, noTime)),
		asynchandler.WithErrorHandler(func(error) {}), // else a line on standard error
	)
	logger := slog.New(h)
	logger.Info("1")
	<-disk.entered
	logger.Info("2")
	logger.Info("3")
	fmt.Print(<-fallback, <-fallback)

	close(disk.release) // the disk is back, and has taken the first record
	_ = h.Close()
	fmt.Println("delivered:", h.Stats().Delivered)
	// Output:
	// level=INFO msg=2
	// level=INFO msg=3
	// delivered: 1
}

// An error handler can log, here to a logger of its own, or count.
func ExampleWithErrorHandler() {
	trouble := slog.New(slog.NewTextHandler(os.Stdout, noTime))
	picky := handlerFunc(func(context.Context, slog.Record) error {
		return fmt.Errorf("unknown field: %w", asynchandler.ErrPermanent)
	})
	h := asynchandler.New(picky, asynchandler.WithErrorHandler(func(err error) {
		trouble.Error("log delivery", "err", err)
	}))
	defer h.Close()

	slog.New(h).Info("order placed", "id", 17)
	// Output: level=ERROR msg="log delivery" err="asynchandler: handler \"default\": delivery failed (attempt 1): unknown field: asynchandler: permanent failure"
}

// The error handler is told of each failed attempt. The record is tried again.
func ExampleDeliveryError() {
	failures := 2
	flaky := writerFunc(func(p []byte) (int, error) {
		if failures > 0 {
			failures--
			return 0, io.ErrClosedPipe
		}
		return os.Stdout.Write(p)
	})
	var failed []*asynchandler.DeliveryError
	h := asynchandler.NewTextHandler(flaky, noTime, asynchandler.WithErrorHandler(func(err error) {
		if e, ok := errors.AsType[*asynchandler.DeliveryError](err); ok {
			failed = append(failed, e)
		}
	}))
	slog.New(h).Info("order placed", "id", 17)
	_ = h.Close() // waits for the error handler
	for _, e := range failed {
		fmt.Println(e.Handler, e.Attempts, e.Err, errors.Is(e, io.ErrClosedPipe))
	}
	// Output:
	// level=INFO msg="order placed" id=17
	// default 1 io: read/write on closed pipe true
	// default 2 io: read/write on closed pipe true
}

// A next whose error wraps ErrPermanent says that to try again would be of no use.
func Example_errPermanent() {
	picky := handlerFunc(func(_ context.Context, r slog.Record) error {
		if len(r.Message) > 20 {
			return fmt.Errorf("message too long: %w", asynchandler.ErrPermanent)
		}
		fmt.Println("taken:", r.Message)
		return nil
	})
	refused := 0
	h := asynchandler.New(picky, asynchandler.WithErrorHandler(func(err error) {
		if errors.Is(err, asynchandler.ErrPermanent) {
			refused++
		}
	}))
	logger := slog.New(h)
	logger.Info("a message that says too much")
	logger.Info("short and clear")
	_ = h.Flush(context.Background())
	fmt.Println(h.Close()) // what failed before does not matter
	fmt.Println("refused:", refused, "failed:", h.Stats().Failed)
	// Output:
	// taken: short and clear
	// <nil>
	// refused: 1 failed: 1
}

// A next that panics costs the record at hand, and nothing else.
func ExamplePanicError() {
	next := handlerFunc(func(_ context.Context, r slog.Record) error {
		if r.Message == "bad" {
			panic("index out of range")
		}
		fmt.Println("taken:", r.Message)
		return nil
	})
	var panicked *asynchandler.PanicError
	h := asynchandler.New(next, asynchandler.WithErrorHandler(func(err error) {
		errors.As(err, &panicked)
	}))
	slog.New(h).Info("bad")
	slog.New(h).Info("good")
	_ = h.Close() // waits for the error handler
	fmt.Println(panicked.Handler, panicked.Value, len(panicked.Stack) > 0)
	// Output:
	// taken: good
	// default index out of range true
}

// A call into next that does not return is reported while it hangs.
func ExampleStallError() {
	disk := newStuckWriter(io.Discard)
	stalls := make(chan *asynchandler.StallError, 10)
	h := asynchandler.NewJSONHandler(disk, nil,
		asynchandler.WithStallTimeout(50*time.Millisecond), // instead of 5 s
		asynchandler.WithErrorHandler(func(err error) {
			if e, ok := errors.AsType[*asynchandler.StallError](err); ok {
				stalls <- e
			}
		}),
	)
	slog.New(h).Info("order placed", "id", 17)
	e := <-stalls
	fmt.Println(e.Handler, "hangs:", e.Age >= 50*time.Millisecond, h.Stats().Stalls)

	close(disk.release) // it comes back, and has taken the record
	fmt.Println(h.Close(), h.Stats().Delivered)
	// Output:
	// default hangs: true 1
	// <nil> 1
}

// lineChan is a writer to a channel.
type lineChan chan string

func (c lineChan) Write(p []byte) (int, error) {
	c <- string(p)
	return len(p), nil
}
