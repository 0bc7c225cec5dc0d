package asynchandler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/asynchandler/asynchandler"
)

func Example() {
	h := asynchandler.NewJSONHandler(os.Stderr, nil) // instead of slog.NewJSONHandler(os.Stderr, nil)
	logger := slog.New(h)
	logger.Info("order placed", "id", 17)

	if err := h.Close(); err != nil { // delivers what waits
		fmt.Println(err)
	}
	stats := h.Stats()
	fmt.Println(stats.Delivered, "delivered,", stats.Dropped, "dropped")
	// Output: 1 delivered, 0 dropped
}

// Any slog.Handler can be next: here one that picks the levels for two others.
func ExampleNew() {
	next := slog.NewMultiHandler(
		slog.NewTextHandler(os.Stdout, noTime),
		slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelError, ReplaceAttr: noTime.ReplaceAttr}),
	)
	h := asynchandler.New(next)
	defer h.Close()

	logger := slog.New(h).With("service", "orders")
	logger.Info("started")
	logger.Error("cannot reach the database", "attempt", 3)
	// Output:
	// level=INFO msg=started service=orders
	// level=ERROR msg="cannot reach the database" service=orders attempt=3
	// {"level":"ERROR","msg":"cannot reach the database","service":"orders","attempt":3}
}

// The options of slog's own handler mean what they mean there.
func ExampleNewJSONHandler() {
	h := asynchandler.NewJSONHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{} // the time would be another one each time
			}
			return a
		},
	})
	defer h.Close()

	logger := slog.New(h).WithGroup("http")
	header := map[string]string{"accept": "text/html"}
	logger.Debug("request", "method", "GET", "header", header)
	header["accept"] = "*/*" // neither a data race nor in the line
	// Output: {"level":"DEBUG","msg":"request","http":{"method":"GET","header":{"accept":"text/html"}}}
}

func ExampleNewTextHandler() {
	h := asynchandler.NewTextHandler(os.Stdout, noTime, asynchandler.WithName("audit"))
	defer h.Close()

	slog.New(h).Info("signed in", "user", "ada")
	// Output: level=INFO msg="signed in" user=ada
}

// For handlers of other packages that write lines: the function builds it, and its lines
// share the Writes to the real writer.
func ExampleNewWriterHandler() {
	h := asynchandler.NewWriterHandler(os.Stdout, func(w io.Writer) slog.Handler {
		return bracketHandler{slog.DiscardHandler, w}
	})
	defer h.Close()

	slog.New(h).Warn("disk almost full")
	// Output: [WARN] disk almost full
}

// bracketHandler stands for a handler of another package.
type bracketHandler struct {
	slog.Handler
	w io.Writer
}

func (h bracketHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h bracketHandler) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintf(h.w, "[%v] %s\n", r.Level, r.Message)
	return err
}

func ExampleWithOverflow() {
	for _, policy := range []asynchandler.Overflow{asynchandler.DropOldest, asynchandler.DropNewest} {
		fmt.Println(policy)
		w := newStuckWriter(os.Stdout)
		h := asynchandler.NewTextHandler(w, noTime,
			asynchandler.WithOverflow(policy),
			asynchandler.WithCapacity(2),
			asynchandler.WithDropReports(0),
		)
		logger := slog.New(h)
		logger.Info("1")
		<-w.entered // the worker is inside Write, and two more may wait
		for _, msg := range []string{"2", "3", "4"} {
			logger.Info(msg)
		}
		close(w.release)
		_ = h.Close()
	}
	// Output:
	// DropOldest
	// level=INFO msg=1
	// level=INFO msg=3
	// level=INFO msg=4
	// DropNewest
	// level=INFO msg=1
	// level=INFO msg=2
	// level=INFO msg=3
}

// Dropped records can go to a place of their own.
func ExampleWithOnDrop() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil,
		asynchandler.WithCapacity(1),
		asynchandler.WithOverflow(asynchandler.DropNewest),
		asynchandler.WithOnDrop(func(_ context.Context, r slog.Record, reason asynchandler.DropReason) {
			fmt.Println("dropped:", r.Message, "for", reason)
		}),
	)
	defer h.Close()
	logger := slog.New(h)
	logger.Info("first")
	<-w.entered
	logger.Info("second")
	logger.Info("third")
	close(w.release)
	// Output: dropped: third for overflow
}

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

// An error that is followed by the end of the process must be out before.
func ExampleWithSyncLevel() {
	var out bytes.Buffer
	h := asynchandler.NewTextHandler(&out, noTime, asynchandler.WithSyncLevel(slog.LevelError))
	defer h.Close()

	slog.New(h).Error("cannot go on", "err", io.ErrUnexpectedEOF)
	fmt.Print(out.String()) // the line is there, without Flush or Close
	// Output: level=ERROR msg="cannot go on" err="unexpected EOF"
}

// A shutdown that runs out of time says how many records were left.
func ExampleHandler_Shutdown() {
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

func ExampleHandler_Stats() {
	var out bytes.Buffer
	h := asynchandler.NewJSONHandler(&out, nil, asynchandler.WithCapacity(1000))
	logger := slog.New(h)
	for n := range 300 {
		logger.Info("tick", "n", n)
	}
	_ = h.Close()

	s := h.Stats()
	fmt.Println(s.Received == s.Delivered+s.Fallback+s.Failed+s.Dropped+uint64(s.Depth))
	fmt.Println(s.Name, s.Received, s.Delivered, s.Depth, s.Capacity, s.Breaker.State)
	fmt.Println(s.WrittenBytes == uint64(out.Len()))
	// Output:
	// true
	// default 300 300 0 1024 closed
	// true
}

// The error handler is told of each failed attempt. An error that wraps ErrPermanent says
// that to try again would be of no use.
func ExampleDeliveryError() {
	picky := writerFunc(func([]byte) (int, error) {
		return 0, fmt.Errorf("line too long: %w", asynchandler.ErrPermanent)
	})
	h := asynchandler.NewJSONHandler(picky, nil, asynchandler.WithErrorHandler(func(err error) {
		if e, ok := errors.AsType[*asynchandler.DeliveryError](err); ok {
			fmt.Println(e.Handler, e.Attempts, e.Err)
		}
	}))
	defer h.Close()

	slog.New(h).Info("a long line")
	_ = h.Flush(context.Background())
	fmt.Println("failed:", h.Stats().Failed)
	// Output:
	// default 1 line too long: asynchandler: permanent failure
	// failed: 1
}

// noTime leaves out the time, so that the output of an example is always the same.
var noTime = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.Attr{}
	}
	return a
}}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// stuckWriter is a writer that hangs until release is closed.
type stuckWriter struct {
	w                io.Writer
	entered, release chan struct{}
}

func newStuckWriter(w io.Writer) stuckWriter {
	return stuckWriter{w, make(chan struct{}, 100), make(chan struct{})}
}

func (s stuckWriter) Write(p []byte) (int, error) {
	s.entered <- struct{}{}
	<-s.release
	return s.w.Write(p)
}
