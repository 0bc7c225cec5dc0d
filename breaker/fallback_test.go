package breaker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestFallback(t *testing.T) {
	errFallback := errors.New("fallback failed")
	tests := []struct {
		name     string
		fallback slog.Handler
		taken    bool
		check    func(*testing.T, error) // of the error beside next's
	}{
		{"takes it", &testsink.Recorder{}, true, nil},
		{"fails", testsink.NewFailer(nil, errFallback, nil), false, func(t *testing.T, err error) {
			require.ErrorIs(t, err, errFallback)
		}},
		{"panics", testsink.NewPanicker(nil, errFallback, nil), false, func(t *testing.T, err error) {
			p, ok := errors.AsType[*breaker.PanicError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "fallback", p.Handler)
			require.ErrorIs(t, err, errFallback)
		}},
		{"is not enabled", &testsink.Recorder{Level: slog.LevelError}, false, func(t *testing.T, err error) {
			require.NotErrorIs(t, err, errFallback)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var heard errs
			h := breaker.New(testsink.NewFailer(nil, errNext, nil), breaker.Options{Fallback: tt.fallback, OnError: heard.add})
			for i := range 7 {
				err := h.Handle(t.Context(), record("a"))
				if tt.taken {
					require.NoError(t, err)
					continue
				}
				if i < 5 {
					require.ErrorIs(t, err, errNext)
				} else {
					require.ErrorIs(t, err, gobreaker.ErrOpenState)
				}
				tt.check(t, err)
			}
			assert.Equal(t, gobreaker.StateOpen, h.State())
			for _, err := range heard[:5] {
				require.ErrorIs(t, err, errNext)
			}
			// While the breaker is open only the fallback can fail.
			if tt.name == "fails" || tt.name == "panics" {
				assert.Len(t, heard, 7)
			} else {
				assert.Len(t, heard, 5)
			}
		})
	}
}

func TestFallbackExits(t *testing.T) {
	var heard errs
	h := breaker.New(testsink.NewFailer(nil, errNext, nil), breaker.Options{
		Fallback: testsink.NewExiter(nil, nil), OnError: heard.add,
	})
	_, returned := handle(t, h, "a")
	assert.False(t, returned)
	assert.Equal(t, errs{errNext}, heard)
	assert.Equal(t, uint32(1), h.Counts().TotalFailures)
}

func TestNextAndFallbackMayBothAddToTheRecord(t *testing.T) {
	rec := &testsink.Recorder{}
	next := testsink.Func(func(_ context.Context, r slog.Record) error {
		r.AddAttrs(slog.String("by", "next"))
		return errNext
	})
	fallback := testsink.Func(func(ctx context.Context, r slog.Record) error {
		r.AddAttrs(slog.String("by", "fallback"))
		return rec.Handle(ctx, r)
	})
	h := breaker.New(next, breaker.Options{Fallback: fallback})
	// A record keeps its first attributes in itself. Of the others two copies share the
	// memory, which has room for more or not, depending on their number.
	var r slog.Record
	for n := range 20 {
		h.Reset()
		r.AddAttrs(slog.Int("n", n))
		require.NoError(t, h.Handle(t.Context(), r))
	}
	for i, e := range rec.Records() {
		require.Len(t, e.Attrs, i+2)
		assert.Equal(t, "by=fallback", e.Attrs[i+1].String())
	}
}
