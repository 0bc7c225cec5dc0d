package breaker_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestDerived(t *testing.T) {
	t.Run("nothing to derive", func(t *testing.T) {
		h := breaker.New(&testsink.Recorder{}, breaker.Options{})
		assert.Same(t, h, h.WithGroup(""))
		assert.Same(t, h, h.WithAttrs(nil))
		assert.Same(t, h, h.WithAttrs([]slog.Attr{}))
	})
	t.Run("one breaker", func(t *testing.T) {
		h := breaker.New(testsink.NewFailer(nil, errNext, nil), breaker.Options{})
		a := h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).(*breaker.Handler)
		g := a.WithGroup("g").(*breaker.Handler)
		for _, d := range []slog.Handler{h, a, g, a, h} {
			require.ErrorIs(t, d.Handle(t.Context(), record("a")), errNext)
		}
		for _, d := range []*breaker.Handler{h, a, g} {
			assert.Equal(t, gobreaker.StateOpen, d.State())
		}
		a.Reset()
		assert.Equal(t, gobreaker.StateClosed, h.State())
		assert.Equal(t, h.Counts(), g.Counts())
	})
	t.Run("attributes and groups of both", func(t *testing.T) {
		taken, fallback := &testsink.Recorder{}, &testsink.Recorder{}
		next := testsink.NewFailer(taken, errNext, func(r slog.Record) bool { return r.Message == "bad" })
		log := slog.New(breaker.New(next, breaker.Options{Fallback: fallback})).With("a", 1).WithGroup("g").With("b", 2)
		log.Info("good", "c", 3)
		log.Info("bad", "c", 3)
		assert.Equal(t, []string{"INFO good a=1 g.b=2 g.c=3"}, taken.Lines())
		assert.Equal(t, []string{"INFO bad a=1 g.b=2 g.c=3"}, fallback.Lines())
	})
}

func TestSlogtest(t *testing.T) {
	failing := testsink.NewFailer(slog.NewJSONHandler(io.Discard, nil), errNext, nil)
	tests := []struct {
		name string
		make func(json slog.Handler) slog.Handler
	}{
		{"next", func(json slog.Handler) slog.Handler {
			return breaker.New(json, breaker.Options{})
		}},
		{"fallback", func(json slog.Handler) slog.Handler {
			return breaker.New(failing, breaker.Options{Fallback: json})
		}},
		{"derived", func(json slog.Handler) slog.Handler {
			return breaker.New(json, breaker.Options{}).WithAttrs([]slog.Attr{slog.Int("base", 1)})
		}},
		{"derived fallback", func(json slog.Handler) slog.Handler {
			return breaker.New(failing, breaker.Options{Fallback: json}).WithAttrs([]slog.Attr{slog.Int("base", 1)})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var buf bytes.Buffer
			slogtest.Run(t, func(*testing.T) slog.Handler {
				buf.Reset()
				return tt.make(slog.NewJSONHandler(&buf, nil))
			}, func(t *testing.T) map[string]any {
				var m map[string]any
				require.NoError(t, json.Unmarshal(buf.Bytes(), &m))
				return m
			})
		})
	}
}
