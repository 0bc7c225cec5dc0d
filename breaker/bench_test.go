package breaker_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

var nop = testsink.Func(func(context.Context, slog.Record) error { return nil })

func TestAllocations(t *testing.T) {
	ctx := context.Background()
	r := record("a")
	healthy := breaker.New(nop, breaker.Options{Fallback: slog.DiscardHandler})
	open := breaker.New(testsink.NewFailer(nil, errNext, nil), breaker.Options{
		Settings: gobreaker.Settings{Timeout: time.Hour}, Fallback: nop,
	})
	for range 5 {
		require.NoError(t, open.Handle(ctx, r))
	}
	require.Equal(t, gobreaker.StateOpen, open.State())
	b := breaker.NewBreaker(breaker.Options{})
	tests := []struct {
		name string
		f    func()
	}{
		{"Handle, healthy", func() { _ = healthy.Handle(ctx, r) }},
		{"Handle, open, to the fallback", func() { _ = open.Handle(ctx, r) }},
		{"Allow and Done", func() {
			ticket := b.Allow().Ticket
			b.Done(ticket, true, nil)
		}},
		{"Stats", func() { b.Stats() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Zero(t, testing.AllocsPerRun(100, tt.f))
		})
	}
}

func BenchmarkHandle(b *testing.B) {
	handlers := []struct {
		name string
		next slog.Handler
	}{
		{"nop", nop},
		{"json", slog.NewJSONHandler(io.Discard, nil)},
	}
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request served", 0)
	r.AddAttrs(slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Millisecond))
	for _, h := range handlers {
		for _, guarded := range []struct {
			name string
			h    slog.Handler
		}{
			{"alone", h.next},
			{"breaker", breaker.New(h.next, breaker.Options{})},
		} {
			b.Run(h.name+"/"+guarded.name, func(b *testing.B) {
				ctx := b.Context()
				b.ReportAllocs()
				for b.Loop() {
					_ = guarded.h.Handle(ctx, r)
				}
			})
			b.Run(h.name+"/"+guarded.name+"/parallel", func(b *testing.B) {
				ctx := b.Context()
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						_ = guarded.h.Handle(ctx, r)
					}
				})
			})
		}
	}
}

func BenchmarkHandleOpen(b *testing.B) {
	h := breaker.New(testsink.NewFailer(nil, errNext, nil), breaker.Options{Settings: gobreaker.Settings{Timeout: time.Hour}})
	ctx := b.Context()
	r := record("a")
	for range 5 {
		_ = h.Handle(ctx, r)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = h.Handle(ctx, r)
	}
}
