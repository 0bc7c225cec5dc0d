package promises_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

// The record behind a rendered line goes to the fallback, which may add attributes.
func TestRenderedFallbackAddsAttributes(t *testing.T) {
	ho := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}
	added := 0
	fallback := testsink.Func(func(_ context.Context, r slog.Record) error {
		added++
		r.AddAttrs(slog.Bool("added", true))
		return nil
	})
	h := asynchandler.NewJSONHandler(broken{}, ho, asynchandler.WithFallback(fallback), asynchandler.WithErrorHandler(func(error) {}))
	r := slog.Record{Message: "m"}
	for range 8 {
		r.AddAttrs(slog.Int("a", 1))
	}
	assert.NoError(t, h.Handle(t.Context(), r))
	_ = h.Close()
	assert.Equal(t, 1, added)
	r.AddAttrs(slog.Int("last", 1))
	for a := range r.Attrs {
		assert.NotEqual(t, "!BUG", a.Key)
	}
}
