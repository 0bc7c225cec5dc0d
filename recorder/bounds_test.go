package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/recorder"
)

// begin returns n scopes that are not ended before the test is.
func begin(t *testing.T, n int) []context.Context {
	contexts := make([]context.Context, n)
	for i := range contexts {
		ctx, end := recorder.Begin(t.Context())
		t.Cleanup(end)
		contexts[i] = ctx
	}
	return contexts
}

func TestOfAScopeTheNewestAreKeptAndTheGapIsSaid(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{MaxRecords: 2})
	l := slog.New(h)
	for i := range 5 {
		l.Debug("step", "n", i)
	}
	l.Error("failed")
	assert.Equal(t, []string{
		"WARN 3 earlier records were not kept count=3", "DEBUG step n=3", "DEBUG step n=4", "ERROR failed",
	}, next.Lines())
	records := next.Records()
	assert.Equal(t, records[1].Record.Time, records[0].Record.Time, "at its place")
	s := law(t, h)
	assert.Equal(t, recorder.Evictions{Records: 3}, s.EvictedBy)
	assert.Equal(t, uint64(3), s.Evicted)

	next.Reset()
	l.Debug("next")
	l.Error("failed again")
	assert.Equal(t, []string{"DEBUG next", "ERROR failed again"}, next.Lines(), "said once")
}

func TestAGapIsSaidWhereItIs(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{MaxBytes: 4096})
	l := slog.New(h)
	huge := strings.Repeat("x", 4096)
	l.Debug("a")
	l.Debug(huge)
	l.Debug(huge)
	l.Debug("b")
	l.Debug(huge)
	l.Error("failed")
	assert.Equal(t, []string{
		"DEBUG a", "WARN 2 earlier records were not kept count=2",
		"DEBUG b", "WARN 1 earlier records were not kept count=1", "ERROR failed",
	}, next.Lines(), "what can never fit evicts nothing")
	assert.Equal(t, recorder.Evictions{Bytes: 3}, law(t, h).EvictedBy)
}

// Nor are the attributes of the record behind it where these are given to next ahead of it.
func TestAGapHasTheAttributesOfTheLogger(t *testing.T) {
	redacted := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: redact}
	for name, make := range map[string]func(io.Writer) (slog.Handler, func() error){
		"slog's own": func(w io.Writer) (slog.Handler, func() error) {
			return slog.NewTextHandler(w, redacted), func() error { return nil }
		},
		"queue": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, redacted)
			return h, h.Close
		},
		"another recorder": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, redacted)
			return recorder.New(h, recorder.Options{Level: slog.LevelDebug}), h.Close
		},
		"a recorder that keeps": func(w io.Writer) (slog.Handler, func() error) {
			h := asynchandler.NewTextHandler(w, redacted)
			return recorder.New(h, recorder.Options{MaxRecords: 1}), h.Close
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			next, end := make(&out)
			l := slog.New(recorder.New(next, recorder.Options{MaxRecords: 1})).With("request", 7)
			l.Debug("kept", "ids", []int{1})
			l.Debug("kept", "ids", []int{2})
			l.Error("failed")
			require.NoError(t, end())
			assert.Equal(t, "level=WARN msg=\"1 earlier records were not kept\" request=7 count=1\n"+
				"level=DEBUG msg=kept request=7 ids=[2]\nlevel=ERROR msg=failed request=7\n", out.String())
		})
	}
}

func TestTheGapIsShownOnlyIfNextWantsWarnings(t *testing.T) {
	next := &testsink.Recorder{Level: slog.LevelError}
	h := recorder.New(next, recorder.Options{MaxRecords: 1})
	slog.New(h).Debug("a")
	slog.New(h).Debug("b")
	slog.New(h).Error("failed")
	assert.Equal(t, []string{"ERROR failed"}, next.Lines())
}

func TestOfTheScopesTheOneThatWasQuietLongestGoes(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{MaxScopes: 3})
	l := slog.New(h)
	ctx := begin(t, 4)
	for _, i := range []int{0, 1, 2, 0, 3} { // 1 was quiet longest when 3 came
		l.DebugContext(ctx[i], "kept", "scope", i)
	}
	s := law(t, h)
	assert.Equal(t, 3, s.Scopes)
	assert.Equal(t, recorder.Evictions{Scopes: 1}, s.EvictedBy)
	l.ErrorContext(ctx[1], "failed")
	assert.Equal(t, []string{"WARN 1 earlier records were not kept count=1", "ERROR failed"}, next.Lines())
	for i, want := range map[int]int{0: 2, 2: 1, 3: 1} {
		assert.Equal(t, want, h.Emit(ctx[i]), i)
	}
}

func TestScopesThatAreNeverEndedAreBounded(t *testing.T) {
	byKey := func(ctx context.Context) any { return ctx.Value(traceKey{}) }
	h := recorder.New(nop, recorder.Options{Scope: byKey})
	l := slog.New(h)
	for i := range 15_000 {
		ctx, _ := recorder.Begin(t.Context())
		if i%2 == 0 {
			ctx = withTrace(ctx, fmt.Sprint(i))
		}
		l.DebugContext(ctx, "kept")
	}
	s := law(t, h)
	assert.Equal(t, 10_000, s.Scopes)
	assert.Equal(t, 10_000, s.Held)
	assert.Equal(t, recorder.Evictions{Scopes: 5_000}, s.EvictedBy)
}

// A scope that floods the memory does it at its own expense.
func TestAFloodOfOneScopeCostsNoOther(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{MaxBytes: 64 << 10, MaxRecords: 10_000})
	l := slog.New(h)
	ctx := begin(t, 11)
	for range 5 {
		for _, quiet := range ctx[1:] {
			l.DebugContext(quiet, "kept")
		}
	}
	for range 1000 {
		l.DebugContext(ctx[0], "flood", "text", strings.Repeat("x", 100))
	}
	s := law(t, h)
	assert.LessOrEqual(t, s.Bytes, int64(64<<10))
	assert.Greater(t, s.Bytes, int64(60<<10), "the room is used")
	for _, quiet := range ctx[1:] {
		assert.Equal(t, 5, h.Emit(quiet))
	}
	assert.Equal(t, s.Held-50, h.Emit(ctx[0]))
	law(t, h)
}

func TestBytesGoFromTheQuietestToThoseWithLessThanTheirShare(t *testing.T) {
	h := recorder.New(nop, recorder.Options{MaxBytes: 10_000})
	l := slog.New(h)
	ctx := begin(t, 100)
	for _, c := range ctx {
		l.DebugContext(c, "kept")
	}
	s := law(t, h)
	assert.Equal(t, uint64(100-s.Held), s.EvictedBy.Bytes)
	assert.Equal(t, 1, h.Emit(ctx[99]))
	assert.Equal(t, 1, h.Emit(ctx[100-s.Held]))
	assert.Zero(t, h.Emit(ctx[99-s.Held]))
}

func TestWhatIsTooOldIsNotLetOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := new(testsink.Recorder)
		h := recorder.New(next, recorder.Options{MaxAge: time.Minute})
		l := slog.New(h)
		ctx := begin(t, 2)
		l.DebugContext(ctx[0], "old")
		l.DebugContext(ctx[1], "of a scope that is left alone")
		time.Sleep(time.Minute)
		l.DebugContext(ctx[0], "young")
		time.Sleep(time.Second)
		assert.Equal(t, 1, h.Emit(ctx[0]))
		assert.Equal(t, []string{"WARN 1 earlier records were not kept count=1", "DEBUG young"}, next.Lines())
		assert.Equal(t, recorder.Evictions{Age: 2}, law(t, h).EvictedBy)

		l.DebugContext(ctx[0], "a")
		time.Sleep(2 * time.Minute)
		l.DebugContext(ctx[0], "b")
		assert.Equal(t, 1, h.Stats().Held, "what is too old goes with the next record")
	})
}

// All that a scope has is too old, and while its gap is told another record comes.
func TestWhatComesWhileAGapIsToldIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *slog.Logger
		ctx, end := recorder.Begin(withTrace(t.Context(), "a"))
		defer end()
		shown := new(testsink.Recorder)
		h := recorder.New(interceptor(shown, func(_ context.Context, message string) {
			if strings.Contains(message, "not kept") {
				l.DebugContext(ctx, "second")
			}
		}), recorder.Options{
			MaxAge: time.Minute,
			Scope:  func(ctx context.Context) any { return ctx.Value(traceKey{}) },
		})
		l = slog.New(h)
		l.DebugContext(ctx, "first")
		time.Sleep(time.Hour)
		l.ErrorContext(ctx, "failed")
		assert.Equal(t, 1, h.Stats().Held)
		l.ErrorContext(ctx, "failed again")
		assert.Equal(t, []string{
			"WARN 1 earlier records were not kept count=1", "ERROR failed", "DEBUG second", "ERROR failed again",
		}, shown.Lines())
		assert.Zero(t, law(t, h).Held)
	})
}

// What no map can hold belongs to the scope of Begin, else to the one for all.
func TestKeysThatCannotBeUsed(t *testing.T) {
	for name, scope := range map[string]func(context.Context) any{
		"nil":                   func(context.Context) any { return nil },
		"a slice":               func(context.Context) any { return []byte("trace") },
		"a slice in a struct":   func(context.Context) any { return struct{ id any }{[]int{1}} },
		"not equal to itself":   func(context.Context) any { return math.NaN() },
		"NaN in an array":       func(context.Context) any { return [2]float64{1, math.NaN()} },
		"a function that fails": func(context.Context) any { panic("no trace") },
	} {
		t.Run(name, func(t *testing.T) {
			h := recorder.New(nop, recorder.Options{Scope: scope})
			ctx := begin(t, 1)[0]
			slog.New(h).DebugContext(ctx, "begun")
			slog.New(h).DebugContext(t.Context(), "for all")
			slog.New(h).DebugContext(t.Context(), "for all")
			require.Equal(t, 2, h.Stats().Scopes)
			assert.Equal(t, 1, h.Emit(ctx))
			assert.Equal(t, 2, h.Emit(t.Context()))
			law(t, h)
		})
	}
}

type brokenContext struct{ context.Context }

func (brokenContext) Value(any) any { panic("broken") }

func TestAContextThatPanicsHasNoScope(t *testing.T) {
	next := new(testsink.Recorder)
	h := recorder.New(next, recorder.Options{})
	slog.New(h).DebugContext(brokenContext{}, "a")
	var none context.Context
	require.NoError(t, h.Handle(none, slog.Record{Level: slog.LevelDebug, Message: "b"}))
	slog.New(h).Error("failed")
	assert.Equal(t, []string{"DEBUG a", "DEBUG b", "ERROR failed"}, next.Lines())
}
