package recorder_test

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

var nop = testsink.Func(func(context.Context, slog.Record) error { return nil })

func logQuery(ctx context.Context, l *slog.Logger, level slog.Level) {
	l.LogAttrs(ctx, level, "query done",
		slog.String("table", "orders"), slog.Int("rows", 17), slog.Duration("took", time.Millisecond))
}

// textRing is what people write by hand: the last lines of everybody, formatted at the call.
type textRing struct {
	mu    sync.Mutex
	lines [256][]byte
	n     int
}

func (r *textRing) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slot := &r.lines[r.n%len(r.lines)]
	*slot = append((*slot)[:0], line...)
	r.n++
	return len(line), nil
}

// BenchmarkKeep measures a whole log call that is not shown. "floor" is a handler that
// does nothing, and the last two show the line or put it into a ring as text.
func BenchmarkKeep(b *testing.B) {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	byKey := func(ctx context.Context) any { return ctx.Value(traceKey{}) }
	async := asynchandler.NewJSONHandler(io.Discard, all)
	defer async.Close()
	scope, end := recorder.Begin(b.Context())
	defer end()
	for _, bb := range []struct {
		name string
		h    slog.Handler
		ctx  context.Context
	}{
		{"floor", nop, b.Context()},
		{"scope for all", recorder.New(slog.NewJSONHandler(io.Discard, all), recorder.Options{}), b.Context()},
		{"scope of Begin", recorder.New(slog.NewJSONHandler(io.Discard, all), recorder.Options{}), scope},
		{"scope of Begin, over asynchandler", recorder.New(async, recorder.Options{}), scope},
		{"scope of a key", recorder.New(nop, recorder.Options{Scope: byKey}), withTrace(b.Context(), "4bf92f3577b34da6")},
		{"ring of text lines", slog.NewTextHandler(new(textRing), all), b.Context()},
		{"slog's JSON, shown", slog.NewJSONHandler(io.Discard, all), b.Context()},
	} {
		l := slog.New(bb.h)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				logQuery(bb.ctx, l, slog.LevelDebug)
			}
		})
		b.Run(bb.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					logQuery(bb.ctx, l, slog.LevelDebug)
				}
			})
		})
	}
}

// BenchmarkRequest is a request that logs 20 DEBUG lines and ends well, or fails.
func BenchmarkRequest(b *testing.B) {
	all := &slog.HandlerOptions{Level: slog.LevelDebug}
	shown := slog.NewJSONHandler(io.Discard, all)
	request := func(l *slog.Logger, last slog.Level) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx, end := recorder.Begin(b.Context())
				for range 20 {
					logQuery(ctx, l, slog.LevelDebug)
				}
				if last >= slog.LevelError {
					logQuery(ctx, l, last)
				}
				end()
			}
		}
	}
	kept := slog.New(recorder.New(shown, recorder.Options{}))
	b.Run("floor", request(slog.New(nop), slog.LevelInfo))
	b.Run("ends well", request(kept, slog.LevelInfo))
	b.Run("fails", request(kept, slog.LevelError))
	b.Run("all shown", request(slog.New(shown), slog.LevelInfo))
}

// BenchmarkManyScopes logs in 20,000 scopes in turns, of which 10,000 may be open: each call
// evicts the scope that was quiet longest.
func BenchmarkManyScopes(b *testing.B) {
	for _, bb := range []struct {
		name   string
		scopes int
	}{{"10,000 open", 10_000}, {"20,000, each evicts another", 20_000}} {
		b.Run(bb.name, func(b *testing.B) {
			l := slog.New(recorder.New(nop, recorder.Options{MaxRecords: 4}))
			contexts := make([]context.Context, bb.scopes)
			for i := range contexts {
				contexts[i], _ = recorder.Begin(b.Context())
				logQuery(contexts[i], l, slog.LevelDebug)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				logQuery(contexts[n%len(contexts)], l, slog.LevelDebug)
			}
		})
	}
}

type traceKey struct{}

func withTrace(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}
