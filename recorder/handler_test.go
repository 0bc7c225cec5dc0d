package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

var all = &slog.HandlerOptions{Level: slog.LevelDebug}

// law checks that each record below Level is accounted for.
func law(t *testing.T, h *recorder.Handler) recorder.Stats {
	t.Helper()
	s := h.Stats()
	assert.Equal(t, s.Kept, s.Emitted+s.Forgotten+s.Evicted+s.Unwanted+uint64(s.Held), "%+v", s)
	if s.Held == 0 {
		assert.Zero(t, s.Bytes)
		assert.Zero(t, s.Scopes)
	}
	return s
}

func TestKeptRecordsComeOutInOrderBeforeTheOneThatTriggers(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{})
	l := slog.New(h)
	l.Debug("a", "n", 1)
	l.Info("shown at once")
	l.With("id", 7).WithGroup("g").Debug("b", "n", 2)
	l.Warn("shown at once too")
	assert.Equal(t, []string{"INFO shown at once", "WARN shown at once too"}, next.Lines())

	next.Reset()
	l.Error("failed")
	assert.Equal(t, []string{"DEBUG a n=1", "DEBUG b id=7 g.n=2", "ERROR failed"}, next.Lines())

	next.Reset()
	l.Debug("c")
	l.Error("failed again")
	assert.Equal(t, []string{"DEBUG c", "ERROR failed again"}, next.Lines(), "only what came since")
	s := law(t, h)
	assert.Equal(t, recorder.Stats{Name: "default", Kept: 3, Emitted: 3, MaxBytes: 16 << 20}, s)
}

func TestKeptRecordsHaveTheirOwnTimeAndSource(t *testing.T) {
	var direct, late bytes.Buffer
	opts := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	h := recorder.New(slog.NewJSONHandler(&late, opts), recorder.Options{})
	original := slog.NewJSONHandler(&direct, opts)
	both := slog.New(slog.NewMultiHandler(h, original))
	both.Debug("first", "n", 1)
	both.With("a", 1).WithGroup("g").With("b", 2).Debug("second", slog.Group("h", "c", 3))
	both.Error("third", "err", errors.New("x"))
	assert.Equal(t, direct.String(), late.String(), "byte for byte what slog writes at the calls")
	assert.Equal(t, 3, strings.Count(late.String(), "handler_test.go"))
}

func TestWhatIsShownAtOnceGoesToNextAsItIs(t *testing.T) {
	next := new(testsink.Recorder)
	l := slog.New(recorder.New(next, recorder.Options{}))
	p := &struct{ N int }{1}
	l.Info("pointer", "p", p)
	assert.Same(t, p, next.Records()[0].Attrs[0].Value.Any())
}

func TestScopesAreApart(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{Scope: func(ctx context.Context) any { return ctx.Value(traceKey{}) }})
	l := slog.New(h)
	begun, end := recorder.Begin(t.Context())
	defer end()
	other, endOther := recorder.Begin(begun)
	defer endOther()
	contexts := []context.Context{t.Context(), begun, other, withTrace(begun, "a"), withTrace(t.Context(), "b")}
	for i, ctx := range contexts {
		l.DebugContext(ctx, "kept", "scope", i)
	}
	require.Equal(t, 5, h.Stats().Scopes)
	for i, ctx := range contexts {
		next.Reset()
		l.ErrorContext(ctx, "failed")
		require.Len(t, next.Lines(), 2)
		assert.Equal(t, int64(i), next.Records()[0].Attrs[0].Value.Int64())
	}
	law(t, h)
}

func TestAScopeThatEndedWellIsForgottenAtOnce(t *testing.T) {
	next := new(testsink.Recorder)
	h, h2 := recorder.New(next, recorder.Options{}), recorder.New(next, recorder.Options{})
	ctx, end := recorder.Begin(t.Context())
	slog.New(h).DebugContext(ctx, "a")
	slog.New(h).DebugContext(ctx, "b")
	slog.New(h2).DebugContext(ctx, "c")
	slog.New(h).DebugContext(ctx, "d")
	end()
	end()
	assert.Equal(t, uint64(3), law(t, h).Forgotten)
	assert.Equal(t, uint64(1), law(t, h2).Forgotten, "of each recorder")

	slog.New(h).DebugContext(ctx, "late")
	assert.Equal(t, uint64(4), law(t, h).Forgotten)
	slog.New(h).ErrorContext(ctx, "late error")
	assert.Equal(t, []string{"ERROR late error"}, next.Lines())
}

func TestEmitAndForgetSayHowMany(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{})
	ctx, end := recorder.Begin(t.Context())
	defer end()
	assert.Zero(t, h.Emit(ctx))
	assert.Zero(t, h.Forget(ctx))
	l := slog.New(h)
	l.DebugContext(ctx, "a")
	l.DebugContext(ctx, "b")
	assert.Equal(t, 2, h.Emit(ctx))
	l.DebugContext(ctx, "c")
	assert.Equal(t, 1, h.Forget(ctx))
	assert.Zero(t, h.Emit(ctx))
	assert.Equal(t, []string{"DEBUG a", "DEBUG b"}, next.Lines())
	l.DebugContext(ctx, "d")
	assert.Equal(t, 1, h.WithGroup("g").(*recorder.Handler).Emit(ctx), "of a derived handler too")
	law(t, h)
}

func TestEnabledFromKeepOn(t *testing.T) {
	h := recorder.New(slog.NewJSONHandler(io.Discard, nil), recorder.Options{})
	assert.False(t, h.Enabled(t.Context(), slog.LevelDebug-1))
	assert.True(t, h.Enabled(t.Context(), slog.LevelDebug), "next is not")
	assert.True(t, h.Enabled(t.Context(), slog.LevelInfo))
}

func TestWhatNextIsNotEnabledForIsUnwanted(t *testing.T) {
	next := &testsink.Recorder{Level: slog.LevelInfo}
	h := recorder.New(next, recorder.Options{Level: slog.LevelWarn})
	l := slog.New(h)
	l.Debug("a")
	l.Info("b")
	l.Error("failed")
	assert.Equal(t, []string{"INFO b", "ERROR failed"}, next.Lines())
	s := law(t, h)
	assert.Equal(t, uint64(1), s.Unwanted)
	assert.Equal(t, uint64(1), s.Emitted)
}

func TestLevelsMayChangeAtRunTime(t *testing.T) {
	var level, keep, trigger slog.LevelVar
	keep.Set(slog.LevelDebug)
	trigger.Set(slog.LevelError)
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{Level: &level, Keep: &keep, Trigger: &trigger})
	l := slog.New(h)
	l.Debug("a")
	level.Set(slog.LevelDebug)
	l.Debug("b")
	level.Set(slog.LevelInfo)
	trigger.Set(slog.LevelDebug) // below Level: Trigger counts first
	l.Debug("c")
	keep.Set(slog.LevelWarn) // above Level
	l.Info("d")
	assert.Equal(t, []string{"DEBUG b", "DEBUG a", "DEBUG c"}, next.Lines())
	law(t, h)
}

func TestNewPanicsAndNamesFieldAndValue(t *testing.T) {
	next := new(testsink.Recorder)
	for _, tt := range []struct {
		name string
		opts recorder.Options
		want string
	}{
		{"Keep", recorder.Options{Keep: slog.LevelWarn}, "recorder: New: Keep WARN is above Level INFO"},
		{"Keep, default", recorder.Options{Level: slog.LevelDebug - 4}, "recorder: New: Keep DEBUG is above Level DEBUG-4"},
		{"Trigger", recorder.Options{Trigger: slog.LevelDebug}, "recorder: New: Trigger DEBUG is below Level INFO"},
		{"MaxRecords", recorder.Options{MaxRecords: -1}, "recorder: New: MaxRecords -1: want 0 or more"},
		{"MaxScopes", recorder.Options{MaxScopes: -2}, "recorder: New: MaxScopes -2: want 0 or more"},
		{"MaxBytes", recorder.Options{MaxBytes: -3}, "recorder: New: MaxBytes -3: want 0 or more"},
		{"MaxAge", recorder.Options{MaxAge: -4}, "recorder: New: MaxAge -4ns: want 0 or more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.PanicsWithValue(t, tt.want, func() { recorder.New(next, tt.opts) })
		})
	}
	assert.PanicsWithValue(t, "recorder: New: next is nil", func() { recorder.New(nil, recorder.Options{}) })
	recorder.New(next, recorder.Options{Keep: slog.LevelInfo, Trigger: slog.LevelInfo}) // equal is in order
}

func TestErrorsOfNextAreReturned(t *testing.T) {
	first, last := errors.New("first"), errors.New("last")
	next := testsink.Func(func(_ context.Context, r slog.Record) error {
		if r.Level == slog.LevelError {
			return last
		}
		return first
	})
	h := recorder.New(next, recorder.Options{})
	assert.Equal(t, first, h.Handle(t.Context(), slog.Record{}))
	failed := slog.Record{Level: slog.LevelError}
	assert.Equal(t, last, h.Handle(t.Context(), failed))
	assert.NoError(t, h.Handle(t.Context(), slog.Record{Level: slog.LevelDebug}))
	err := h.Handle(t.Context(), failed)
	assert.ErrorIs(t, err, first)
	assert.ErrorIs(t, err, last)
}

func TestWithNothingReturnsTheReceiver(t *testing.T) {
	h := recorder.New(new(testsink.Recorder), recorder.Options{})
	assert.Same(t, h, h.WithAttrs(nil))
	assert.Same(t, h, h.WithGroup(""))
}

// What goes straight to next, and what is let out, passes slog's own tests.
func TestSlogtest(t *testing.T) {
	for name, letOut := range map[string]bool{"straight to next": false, "let out": true} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			opts := recorder.Options{}
			if letOut {
				opts.Level, opts.Trigger = slog.LevelError, slog.LevelError
			}
			var h *recorder.Handler
			slogtest.Run(t, func(*testing.T) slog.Handler {
				out.Reset()
				h = recorder.New(slog.NewJSONHandler(&out, nil), opts)
				return h
			}, func(t *testing.T) map[string]any {
				if letOut {
					require.Equal(t, 1, h.Emit(t.Context()))
				}
				var m map[string]any
				require.NoError(t, json.Unmarshal(out.Bytes(), &m))
				return m
			})
		})
	}
}

func TestStatsAsJSON(t *testing.T) {
	h := recorder.New(new(testsink.Recorder), recorder.Options{Name: "a\xff", MaxBytes: 10})
	slog.New(h).Debug("larger than that")
	line, err := json.Marshal(h.Stats())
	require.NoError(t, err)
	assert.JSONEq(t, `{"name": "a\uFFFD", "kept": 1, "emitted": 0, "forgotten": 0, "evicted": 1,
		"evicted_by": {"records": 0, "scopes": 0, "bytes": 1, "age": 0},
		"unwanted": 0, "held": 0, "scopes": 0, "bytes": 0, "max_bytes": 10}`, string(line))
}
