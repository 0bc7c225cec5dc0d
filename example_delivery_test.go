package asynchandler_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/asynchandler/asynchandler"
)

// An error that is followed by the end of the process must be out before.
func ExampleWithSyncLevel() {
	h := asynchandler.NewTextHandler(os.Stdout, noTime, asynchandler.WithSyncLevel(slog.LevelError))
	defer h.Close()

	slog.New(h).Error("cannot go on", "err", io.ErrUnexpectedEOF)
	fmt.Println("the line is out, without Flush or Close")
	// Output:
	// level=ERROR msg="cannot go on" err="unexpected EOF"
	// the line is out, without Flush or Close
}

// Next gets a context with the request's id and nothing else, so that a request is not kept
// alive by its log records, and its context can be used again for another one.
func ExampleWithContextFunc() {
	type requestID struct{}
	next := handlerFunc(func(ctx context.Context, r slog.Record) error {
		fmt.Println(r.Message, "in", ctx.Value(requestID{}))
		return nil
	})
	h := asynchandler.New(next, asynchandler.WithContextFunc(func(ctx context.Context) context.Context {
		return context.WithValue(context.Background(), requestID{}, ctx.Value(requestID{}))
	}))
	defer h.Close()

	ctx := context.WithValue(context.Background(), requestID{}, "request 17")
	slog.New(h).InfoContext(ctx, "order placed")
	// Output: order placed in request 17
}

// With CaptureReference the record holds the very pointer that was logged. That is cheaper,
// and right as long as nobody changes what it points to.
func ExampleWithCapture() {
	type limits struct{ Requests, Burst int }
	perSecond := &limits{Requests: 100, Burst: 20}
	next := handlerFunc(func(_ context.Context, r slog.Record) error {
		r.Attrs(func(a slog.Attr) bool {
			p, ok := a.Value.Any().(*limits)
			fmt.Println(a.Value, ok && p == perSecond)
			return true
		})
		return nil
	})
	for _, capture := range []asynchandler.Capture{asynchandler.CaptureSnapshot, asynchandler.CaptureReference} {
		h := asynchandler.New(next, asynchandler.WithCapture(capture))
		slog.New(h).Info("limits", "per_second", perSecond)
		_ = h.Close()
	}
	// Output:
	// &{Requests:100 Burst:20} false
	// &{100 20} true
}

// While more lines are coming, each may wait a minute for others to share its Write. Flush
// and Close wait for none.
func ExampleWithLinger() {
	var writes atomic.Int64
	h := asynchandler.NewJSONHandler(countWrites(&writes), nil,
		asynchandler.WithMaxWrite(64<<10), // these Writes are no messages
		asynchandler.WithLinger(time.Minute),
		asynchandler.WithBatchSize(1000),
	)
	logger := slog.New(h)
	for n := range 500 {
		logger.Info("tick", "n", n)
	}
	_ = h.Close()
	fmt.Println(h.Stats().Delivered, writes.Load() < 100)
	// Output: 500 true
}

// Each record has a Write of its own, unless the writer is known to take bytes as they
// come or this option says so.
func ExampleWithMaxWrite() {
	for _, opts := range [][]asynchandler.Option{nil, {asynchandler.WithMaxWrite(64 << 10)}} {
		var writes atomic.Int64
		w := newStuckWriter(countWrites(&writes))
		h := asynchandler.NewJSONHandler(w, nil, opts...)
		logger := slog.New(h)
		logger.Info("first")
		<-w.entered
		for n := range 50 {
			logger.Info("tick", "n", n)
		}
		close(w.release)
		_ = h.Close()
		fmt.Println(h.Stats().Delivered, "lines in", writes.Load(), "writes")
	}
	// Output:
	// 51 lines in 51 writes
	// 51 lines in 2 writes
}

// countWrites returns a writer that counts its Writes.
func countWrites(n *atomic.Int64) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		n.Add(1)
		return len(p), nil
	})
}
