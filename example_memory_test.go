package asynchandler_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/membudget"
)

// What does not fit is treated as if there were no place in the queue.
func ExampleWithMemoryLimit() {
	w := newStuckWriter(io.Discard)
	h := asynchandler.NewJSONHandler(w, nil,
		asynchandler.WithMemoryLimit(10_000),
		asynchandler.WithOverflow(asynchandler.DropNewest),
		asynchandler.WithOnDrop(printDrop),
	)
	defer h.Close()
	logger := slog.New(h)
	logger.Info("small")
	<-w.entered
	logger.Info("large", "body", strings.Repeat("x", 8000))
	logger.Info("another", "body", strings.Repeat("x", 8000))
	logger.Info("too large for any room", "body", strings.Repeat("x", 20_000))
	close(w.release)
	// Output:
	// dropped: another (memory)
	// dropped: too large for any room (oversize)
}

// Two handlers share a limit. However much one of them wants, the other can always use a
// quarter of it.
func ExampleWithBudget() {
	budget := membudget.New(100_000, membudget.Options{})
	w := newStuckWriter(io.Discard)
	newHandler := func(name string) *asynchandler.Handler {
		return asynchandler.NewJSONHandler(w, nil, asynchandler.WithName(name), asynchandler.WithBudget(budget))
	}
	greedy, modest := newHandler("greedy"), newHandler("modest")
	for range 200 {
		slog.New(greedy).Info("upload", "body", strings.Repeat("x", 1000))
	}
	slog.New(modest).Info("upload", "body", strings.Repeat("x", 20_000))
	fmt.Println("greedy dropped some:", greedy.Stats().Dropped > 0)
	fmt.Println("modest dropped some:", modest.Stats().Dropped > 0)
	fmt.Println("within the limit:", budget.Peak() <= budget.Limit())

	close(w.release)
	_, _ = greedy.Close(), modest.Close()
	fmt.Println("in use in the end:", budget.Used())
	// Output:
	// greedy dropped some: true
	// modest dropped some: false
	// within the limit: true
	// in use in the end: 0
}

// The longest strings of a large record are cut.
func ExampleWithMaxRecordSize() {
	var out bytes.Buffer
	h := asynchandler.NewTextHandler(&out, nil, asynchandler.WithMaxRecordSize(200))
	slog.New(h).Info("upload", "user", "ada", "body", strings.Repeat("x", 10_000))
	_ = h.Close()

	line := out.String()
	fmt.Println(len(line) < 300, strings.Contains(line, "user=ada"), strings.Contains(line, "truncated=true"))
	// Output: true true true
}
