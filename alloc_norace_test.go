//go:build !race

package asynchandler_test

import (
	"context"
	"io"
	"log/slog"
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
}

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
