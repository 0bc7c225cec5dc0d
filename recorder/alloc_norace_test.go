//go:build !race

package recorder_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/recorder"
)

// Under the race detector sync.Pool throws things away at random.
func TestAKeptRecordAllocatesNothing(t *testing.T) {
	begun := begin(t, 1)[0]
	for name, ctx := range map[string]context.Context{
		"for all": t.Context(), "begun": begun, "by key": withTrace(t.Context(), "a"),
	} {
		t.Run(name, func(t *testing.T) {
			l := slog.New(recorder.New(slog.NewJSONHandler(io.Discard, all), recorder.Options{
				MaxRecords: 16,
				Scope:      func(ctx context.Context) any { return ctx.Value(traceKey{}) },
			}))
			for range 20 {
				logQuery(ctx, l, slog.LevelDebug)
			}
			assert.Zero(t, testing.AllocsPerRun(1000, func() { logQuery(ctx, l, slog.LevelDebug) }))
			logQuery(ctx, l, slog.LevelError)
			assert.Zero(t, testing.AllocsPerRun(1000, func() { logQuery(ctx, l, slog.LevelError) }), "with nothing to let out")
		})
	}
}
