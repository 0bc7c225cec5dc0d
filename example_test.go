package asynchandler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"expvar"
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

// Any slog.Handler can be next, such as one that sends records to a collector.
func ExampleNew() {
	next := handlerFunc(func(_ context.Context, r slog.Record) error {
		fmt.Println("sent:", r.Level, r.Message)
		return nil
	})
	h := asynchandler.New(next)
	defer h.Close()

	slog.New(h).Warn("disk almost full")
	// Output: sent: WARN disk almost full
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

// For handlers of other packages that write lines: the function builds one, and its lines
// share the Writes to the real writer.
func ExampleNewWriterHandler() {
	h := asynchandler.NewWriterHandler(os.Stdout, func(w io.Writer) slog.Handler {
		return handlerFunc(func(_ context.Context, r slog.Record) error {
			_, err := fmt.Fprintf(w, "[%v] %s\n", r.Level, r.Message)
			return err
		})
	})
	defer h.Close()

	slog.New(h).Warn("disk almost full")
	// Output: [WARN] disk almost full
}

// Errors go to a sink of their own. Each member has a queue and a worker, so neither waits
// for the other.
func ExampleNewMultiHandler() {
	var all, errs bytes.Buffer
	onlyErrors := &slog.HandlerOptions{Level: slog.LevelError, ReplaceAttr: noTime.ReplaceAttr}
	h := asynchandler.NewMultiHandler(
		asynchandler.NewTextHandler(&all, noTime, asynchandler.WithName("all")),
		asynchandler.NewJSONHandler(&errs, onlyErrors, asynchandler.WithName("errors")),
	)
	logger := slog.New(h).With("service", "orders")
	logger.Info("started")
	logger.Error("cannot reach the database", "attempt", 3)

	if err := h.Close(); err != nil { // closes both, side by side
		fmt.Println(err)
	}
	fmt.Print(all.String(), errs.String())
	for _, s := range h.Stats() {
		fmt.Println(s.Name, s.Delivered)
	}
	// Output:
	// level=INFO msg=started service=orders
	// level=ERROR msg="cannot reach the database" service=orders attempt=3
	// {"level":"ERROR","msg":"cannot reach the database","service":"orders","attempt":3}
	// all 2
	// errors 1
}

// In every snapshot each record is in exactly one term of the sum.
func ExampleHandler_Stats() {
	var out bytes.Buffer
	h := asynchandler.NewJSONHandler(&out, nil, asynchandler.WithCapacity(1000)) // rounded up
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

// As JSON, for instance at /debug/vars.
func ExampleHandler_Stats_expvar() {
	h := asynchandler.NewJSONHandler(io.Discard, nil)
	stats := expvar.Func(func() any { return h.Stats() }) // expvar.Publish("log", stats) shows it
	slog.New(h).Info("order placed", "id", 17)
	_ = h.Close()

	var s struct {
		Received     uint64 `json:"received"`
		Dropped      uint64 `json:"dropped"`
		WrittenBytes uint64 `json:"written_bytes"`
	}
	err := json.Unmarshal([]byte(stats.String()), &s)
	fmt.Println(s.Received, s.Dropped, s.WrittenBytes > 0, err)
	// Output: 1 0 true <nil>
}

// noTime leaves out the times, so that the output of an example is always the same.
var noTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindTime {
		return slog.Attr{}
	}
	return a
}}

// handlerFunc is a slog.Handler that stands for one of another package.
type handlerFunc func(context.Context, slog.Record) error

func (handlerFunc) Enabled(context.Context, slog.Level) bool          { return true }
func (f handlerFunc) Handle(ctx context.Context, r slog.Record) error { return f(ctx, r) }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler              { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                   { return f }

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
