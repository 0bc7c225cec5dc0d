package asynchandler_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/asynchandler/asynchandler"
)

// Flush waits until all that was logged before has been delivered, and then flushes the
// writer if it can be. In an outage that may take long, so it gets a deadline.
func ExampleHandler_Flush() {
	var out bytes.Buffer
	h := asynchandler.NewTextHandler(gzip.NewWriter(&out), noTime)
	defer h.Close()
	slog.New(h).Info("order placed", "id", 17)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(h.Flush(ctx))
	zr, err := gzip.NewReader(&out)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(os.Stdout, zr) // as far as it is there
	// Output:
	// <nil>
	// level=INFO msg="order placed" id=17
}

// With a bound of its own, such as what an orchestrator leaves between SIGTERM and SIGKILL.
func ExampleHandler_Shutdown() {
	h := asynchandler.NewTextHandler(os.Stdout, noTime)
	logger := slog.New(h)
	logger.Info("stopping")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	logger.Info("stopped") // goes straight through
	// Output:
	// level=INFO msg=stopping
	// level=INFO msg=stopped
}

// A shutdown that runs out of time says how many records were left.
func ExampleShutdownError() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil)
	logger := slog.New(h)
	logger.Info("1")
	<-w.entered
	logger.Info("2")
	logger.Info("3")

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // no time at all
	err := h.Shutdown(ctx)
	if e, ok := errors.AsType[*asynchandler.ShutdownError](err); ok {
		fmt.Println(e.Undelivered, "records undelivered:", errors.Is(err, context.Canceled))
	}
	stats := h.Stats()
	fmt.Println(stats.Dropped, "dropped,", stats.Depth, "inside the writer")
	close(w.release)
	// Output:
	// 3 records undelivered: true
	// 2 dropped, 1 inside the writer
}

// Close gives up on a writer that hangs.
func ExampleWithCloseTimeout() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil, asynchandler.WithCloseTimeout(time.Millisecond)) // instead of 10 s
	slog.New(h).Info("order placed", "id", 17)
	<-w.entered

	err := h.Close()
	fmt.Println(err)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	close(w.release)
	// Output:
	// asynchandler: handler "default": shutdown left 1 records undelivered: context deadline exceeded
	// true
}

// The file is closed when all is written.
func ExampleWithOnShutdown() {
	f, err := os.CreateTemp("", "*.log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(f.Name())
	h := asynchandler.NewTextHandler(f, noTime, asynchandler.WithOnShutdown(func(context.Context) error {
		return f.Close()
	}))
	slog.New(h).Info("order placed", "id", 17)
	fmt.Println(h.Close())

	lines, err := os.ReadFile(f.Name())
	fmt.Print(string(lines), err)
	// Output:
	// <nil>
	// level=INFO msg="order placed" id=17
	// <nil>
}

// After a shutdown that ran out of time nothing is taken any more.
func Example_errClosed() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil, asynchandler.WithCloseTimeout(time.Millisecond))
	slog.New(h).Info("order placed", "id", 17)
	<-w.entered
	_ = h.Close()

	r := slog.NewRecord(time.Now(), slog.LevelInfo, "too late", 0)
	err := h.Handle(context.Background(), r)
	fmt.Println(err, errors.Is(err, asynchandler.ErrClosed))
	close(w.release)
	// Output: asynchandler: handler is closed true
}

// An error handler that closes the handler would wait for itself.
func Example_errReentrant() {
	broken := handlerFunc(func(context.Context, slog.Record) error {
		return fmt.Errorf("out of order: %w", asynchandler.ErrPermanent)
	})
	var h *asynchandler.Handler
	h = asynchandler.New(broken, asynchandler.WithErrorHandler(func(error) {
		err := h.Close()
		fmt.Println(errors.Is(err, asynchandler.ErrReentrant))
	}))
	slog.New(h).Info("order placed", "id", 17)
	_ = h.Flush(context.Background())
	fmt.Println(h.Close())
	// Output:
	// true
	// <nil>
}
