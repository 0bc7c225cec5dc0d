package asynchandler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/asynchandler/asynchandler"
)

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

// Under Block the caller waits for room: here for a millisecond at most.
func ExampleWithBlockTimeout() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil,
		asynchandler.WithOverflow(asynchandler.Block),
		asynchandler.WithBlockTimeout(time.Millisecond),
		asynchandler.WithCapacity(1),
		asynchandler.WithOnDrop(printDrop),
	)
	defer h.Close()
	logger := slog.New(h)
	logger.Info("1")
	<-w.entered
	logger.Info("2")
	logger.Info("3")
	fmt.Println("waited:", h.Stats().Blocked >= time.Millisecond)
	close(w.release)
	// Output:
	// dropped: 3 (block_timeout)
	// waited: true
}

// A flood of lower records does not push the warning out.
func ExampleWithProtectedLevel() {
	w := newStuckWriter(os.Stdout)
	h := asynchandler.NewTextHandler(w, noTime,
		asynchandler.WithProtectedLevel(slog.LevelWarn), // instead of slog.LevelError
		asynchandler.WithCapacity(2),
		asynchandler.WithDropReports(0),
	)
	logger := slog.New(h)
	logger.Info("first")
	<-w.entered
	logger.Warn("disk almost full")
	for range 100 {
		logger.Info("flood")
	}
	logger.Info("last")
	close(w.release)
	_ = h.Close()
	// Output:
	// level=INFO msg=first
	// level=WARN msg="disk almost full"
	// level=INFO msg=last
}

// Half of the queue is in use: time to log less, or to let somebody know.
func ExampleWithHighWater() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil,
		asynchandler.WithCapacity(8),
		asynchandler.WithHighWater(0.5, func(depth, capacity int) {
			fmt.Println(depth, "of", capacity)
		}),
	)
	defer h.Close()
	logger := slog.New(h)
	logger.Info("first")
	<-w.entered
	for range 5 {
		logger.Info("one more") // called once, not for each
	}
	close(w.release)
	// Output: 4 of 8
}

// Dropped records can go to a place of their own.
func ExampleWithOnDrop() {
	w := newStuckWriter(io.Discard)
	deadLetters := slog.NewTextHandler(os.Stdout, noTime)
	h := asynchandler.NewJSONHandler(w, nil,
		asynchandler.WithCapacity(1),
		asynchandler.WithOverflow(asynchandler.DropNewest),
		asynchandler.WithOnDrop(func(ctx context.Context, r slog.Record, reason asynchandler.DropReason) {
			r.AddAttrs(slog.Any("reason", reason))
			_ = deadLetters.Handle(ctx, r)
		}),
	)
	defer h.Close()
	logger := slog.New(h)
	logger.Info("1")
	<-w.entered
	logger.Info("2")
	logger.Info("3", "user", "ada")
	close(w.release)
	// Output: level=INFO msg=3 user=ada reason=overflow
}

// Where records are missing, the log itself says how many.
func ExampleWithDropReports() {
	w := newStuckWriter(os.Stdout)
	h := asynchandler.NewTextHandler(w, noTime,
		asynchandler.WithCapacity(1),
		asynchandler.WithOverflow(asynchandler.DropNewest),
		asynchandler.WithDropReports(time.Minute), // at most one a minute, and one at the end
	)
	logger := slog.New(h)
	logger.Info("1")
	<-w.entered
	logger.Info("2")
	logger.Info("3")
	logger.Debug("not enabled, so not dropped either")
	logger.Warn("4")
	close(w.release)
	_ = h.Flush(context.Background())
	logger.Info("5")
	_ = h.Close()
	// Output:
	// level=INFO msg=1
	// level=INFO msg=2
	// level=WARN msg="log records dropped" handler=default count=2 reasons.overflow=2 levels.INFO=1 levels.WARN=1
	// level=INFO msg=5
}

// Handle says that this very record was dropped. slog.Logger does not look at that, so it
// is for those who call Handle themselves.
func Example_errDropped() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil,
		asynchandler.WithCapacity(1),
		asynchandler.WithOverflow(asynchandler.DropNewest),
	)
	defer h.Close()
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "tick", 0)
	fmt.Println(h.Handle(context.Background(), r))
	<-w.entered
	fmt.Println(h.Handle(context.Background(), r))
	err := h.Handle(context.Background(), r)
	fmt.Println(err, errors.Is(err, asynchandler.ErrDropped))
	close(w.release)
	// Output:
	// <nil>
	// <nil>
	// asynchandler: record dropped true
}

// printDrop is a function for WithOnDrop.
func printDrop(_ context.Context, r slog.Record, reason asynchandler.DropReason) {
	fmt.Printf("dropped: %s (%s)\n", r.Message, reason)
}
