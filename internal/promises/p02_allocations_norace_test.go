//go:build !race

package promises_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

const raceEnabled = false

// logs are calls that need no memory of their own: up to five attributes of slog's
// own kinds.
var logs = []struct {
	name string
	log  func(l *slog.Logger)
}{
	{"no attributes", func(l *slog.Logger) { l.Info("request served") }},
	{"pairs", func(l *slog.Logger) { l.Info("request served", "method", "GET", "path", "/") }},
	{"five attributes", func(l *slog.Logger) {
		l.LogAttrs(context.Background(), slog.LevelInfo, "request served",
			slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Millisecond),
			slog.Bool("cached", true), slog.Float64("score", 0.5))
	}},
	{"an error", func(l *slog.Logger) {
		l.LogAttrs(context.Background(), slog.LevelInfo, "request failed", slog.Int("status", 500), slog.Any("err", errRead))
	}},
}

var errRead = fmt.Errorf("read: %w", io.EOF)

func TestHandleAllocatesNothing(t *testing.T) {
	nop := testsink.Func(func(context.Context, slog.Record) error { return nil })
	handlers := []struct {
		name string
		make func() *asynchandler.Handler
	}{
		{"New", func() *asynchandler.Handler { return asynchandler.New(nop) }},
		{"New over JSON", func() *asynchandler.Handler { return asynchandler.New(newJSON(io.Discard, nil)) }},
		{"NewJSONHandler", func() *asynchandler.Handler { return asynchandler.NewJSONHandler(io.Discard, nil) }},
		{"NewTextHandler", func() *asynchandler.Handler { return asynchandler.NewTextHandler(io.Discard, nil) }},
		{"ReplaceAttr", func() *asynchandler.Handler {
			return asynchandler.NewJSONHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && a.Key == slog.LevelKey {
					a.Key = "severity"
				}
				return a
			}})
		}},
		{"WithFallback", func() *asynchandler.Handler {
			return asynchandler.New(nop, asynchandler.WithFallback(&testsink.Recorder{}))
		}},
		{"AddSource", func() *asynchandler.Handler {
			return asynchandler.NewTextHandler(io.Discard, &slog.HandlerOptions{AddSource: true})
		}},
		{"derived", func() *asynchandler.Handler {
			return asynchandler.NewJSONHandler(io.Discard, nil).WithGroup("g").(*asynchandler.Handler)
		}},
	}
	for _, hh := range handlers {
		for _, ll := range logs {
			t.Run(hh.name+"/"+ll.name, func(t *testing.T) {
				h := hh.make()
				defer h.Close()
				l := slog.New(h)
				// The worker's allocations count too: there should be none either.
				assert.Zero(t, testing.AllocsPerRun(2000, func() { ll.log(l) }))
			})
		}
	}
}

func TestDerivingForOneRecordAllocatesLittle(t *testing.T) {
	for _, f := range flavors[:2] {
		h := f.make(io.Discard, nil)
		l := slog.New(h)
		log := func() { l.With("req", "0123456789abcdef", "user", 42).Info("request served") }
		assert.LessOrEqual(t, testing.AllocsPerRun(2000, log), 5., f.name) // three of them slog's
		assert.NoError(t, h.Close())
	}
}

// A value that can change is formatted in the call if a ReplaceAttr has to see it.
func TestFormattingInTheCallAllocatesLittle(t *testing.T) {
	h := asynchandler.NewJSONHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }})
	l, v := slog.New(h), any(&struct{ Names []string }{[]string{"a"}})
	log := func() {
		l.LogAttrs(context.Background(), slog.LevelInfo, "request served", slog.Int("status", 200), slog.Any("value", v))
	}
	assert.LessOrEqual(t, testing.AllocsPerRun(2000, log), 4.) // the list, two handlers, and at times memory of encoding/json
	assert.NoError(t, h.Close())
}

// Capacity is a bound: the memory comes with the records.
func TestCapacityCostsNothing(t *testing.T) {
	allocated := func(capacity int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h := asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithCapacity(capacity))
		runtime.ReadMemStats(&after)
		assert.NoError(t, h.Close())
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(1) // the first one compares the encoder with slog's
	least := allocated(1 << 20)
	for range 10 { // somebody else may allocate, too
		least = min(least, allocated(1<<20))
	}
	assert.Less(t, least, uint64(64<<10))
}

func TestRefusalAllocatesNothing(t *testing.T) {
	gate := testsink.NewBlockingWriter(nil)
	h := asynchandler.NewJSONHandler(gate, nil, asynchandler.WithCapacity(1), asynchandler.WithOverflow(asynchandler.DropNewest))
	defer h.Close()
	defer gate.Release()
	l := slog.New(h)
	l.Info("in the worker's hands")
	<-gate.Entered()
	l.Info("waiting")
	l.Info("dropped, after having waited for room")
	assert.Zero(t, testing.AllocsPerRun(1000, func() { l.Info("dropped") }))
}
