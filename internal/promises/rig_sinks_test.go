package promises_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

type broken struct{}

// clockedNext is a next that notes when it was called.
type clockedNext struct {
	*testsink.Faulty
	got testsink.Recorder

	mu    sync.Mutex
	start time.Time
	calls []time.Duration
}

// newClockedNext returns a next that fails with err until it is healed.
func newClockedNext(err error) *clockedNext {
	n := &clockedNext{start: time.Now()}
	n.Faulty = testsink.NewFailer(&n.got, err, nil)
	return n
}

func (n *clockedNext) Handle(ctx context.Context, r slog.Record) error {
	n.mu.Lock()
	n.calls = append(n.calls, time.Since(n.start))
	n.mu.Unlock()
	return n.Faulty.Handle(ctx, r)
}

func (n *clockedNext) times() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.calls)
}

var errRefused = errors.New("next refuses")

// faulty is a handler that gathers lines for a writer, which follows a script once the
// line "first" is written.
type faulty struct {
	*asynchandler.Handler
	out    *testsink.Buffer
	writer *testsink.FaultWriter
	gate   *testsink.BlockingWriter
	errs   chan error
}

func newFaulty(opts ...asynchandler.Option) *faulty {
	f := &faulty{out: new(testsink.Buffer), errs: make(chan error, 1000)}
	f.writer = testsink.NewFaultWriter(f.out, testsink.Accept)
	f.gate = testsink.NewBlockingWriter(f.writer)
	opts = append([]asynchandler.Option{asynchandler.WithMaxWrite(64 << 10)}, opts...)
	opts = append(opts, asynchandler.WithErrorHandler(func(err error) {
		select {
		case f.errs <- err:
		default: // an outage tells of more than a test looks at
		}
	}))
	f.Handler = asynchandler.NewWriterHandler(f.gate, messages, opts...)
	return f
}

// linesPerWrite returns how many lines each Write had, without the first Write.
func linesPerWrite(out *testsink.Buffer) []int {
	var counts []int
	for _, w := range out.Writes()[1:] {
		counts = append(counts, bytes.Count(w, []byte("\n")))
	}
	return counts
}
