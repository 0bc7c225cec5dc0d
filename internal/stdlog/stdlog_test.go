package stdlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/stdlog"
)

// The standard logger is global, so no test of this package is parallel.

// redirect sets up the standard logger until the test ends, and has
// everything that a test may change put back.
func redirect(t testing.TB, w io.Writer, prefix string, flags int) {
	t.Helper()
	oldDefault, oldLevel := slog.Default(), slog.SetLogLoggerLevel(slog.LevelInfo)
	oldWriter, oldPrefix, oldFlags := log.Writer(), log.Prefix(), log.Flags()
	require.True(t, stdlog.IsDefault(oldDefault.Handler()), "the test starts with the built-in default handler")
	t.Cleanup(func() {
		slog.SetDefault(oldDefault)
		slog.SetLogLoggerLevel(oldLevel)
		log.SetOutput(oldWriter)
		log.SetPrefix(oldPrefix)
		log.SetFlags(oldFlags)
	})
	log.SetOutput(w)
	log.SetPrefix(prefix)
	log.SetFlags(flags)
}

func newDefault() slog.Handler {
	h := slog.Default().Handler()
	w, build := stdlog.New(h)
	return build(w)
}

type embedding struct{ slog.Handler }

func TestIsDefault(t *testing.T) {
	h := slog.Default().Handler()
	_, build := stdlog.New(h)
	tests := []struct {
		name string
		h    slog.Handler
		want bool
	}{
		{"default", h, true},
		{"with attrs", h.WithAttrs([]slog.Attr{slog.Int("a", 1)}), true},
		{"with group", h.WithGroup("g"), true},
		{"nil", nil, false},
		{"text", slog.NewTextHandler(io.Discard, nil), false},
		{"json", slog.NewJSONHandler(io.Discard, nil), false},
		{"multi", slog.NewMultiHandler(h), false},
		{"discard", slog.DiscardHandler, false},
		{"embedded", embedding{h}, false},
		{"embedded, pointer", &embedding{h}, false},
		{"stand-in", build(io.Discard), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, stdlog.IsDefault(tt.h))
		})
	}
}

func TestWriterIsTheStandardLoggers(t *testing.T) {
	var out bytes.Buffer
	redirect(t, &out, "", 0)
	w, _ := stdlog.New(slog.Default().Handler())
	assert.Same(t, &out, w)
}

func TestSetDefaultNeitherLoopsNorDeadlocks(t *testing.T) {
	var out bytes.Buffer
	redirect(t, &out, "app: ", log.Lmsgprefix|log.Lshortfile)
	h := newDefault()
	slog.SetDefault(slog.New(h))

	slog.Info("one", "a", 1)
	slog.With("b", 2).Warn("two")
	log.SetPrefix("") // SetDefault leaves it to the standard logger, so it would be there twice
	log.Print("three")
	assert.Regexp(t, `^stdlog_test.go:\d+: app: INFO one a=1
stdlog_test.go:\d+: app: WARN two b=2
stdlog_test.go:\d+: app: INFO three
$`, out.String())
}

func TestEnabledFollowsSetLogLoggerLevel(t *testing.T) {
	redirect(t, io.Discard, "", 0)
	h := newDefault()
	for _, minimum := range []slog.Level{slog.LevelInfo, slog.LevelDebug, slog.LevelError} {
		slog.SetLogLoggerLevel(minimum)
		assert.True(t, h.Enabled(t.Context(), minimum), minimum)
		assert.False(t, h.Enabled(t.Context(), minimum-1), minimum)
	}
}

func TestNewAfterSetDefault(t *testing.T) {
	var out bytes.Buffer
	redirect(t, io.Discard, "app: ", log.LstdFlags)
	old := slog.Default().Handler().WithAttrs([]slog.Attr{slog.Int("a", 1)})
	noTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: noTime})))
	w, build := stdlog.New(old)
	h := build(w)

	const want = `{"level":"INFO","msg":"app: WARN through the bridge a=1"}` + "\n"
	slog.New(old).Warn("through the bridge")
	require.Equal(t, want, out.String(), "the default handler's own line")
	slog.New(h).Warn("through the bridge")
	require.Equal(t, want+want, out.String())

	out.Reset()
	slog.SetDefault(slog.New(h))
	slog.Warn("through the bridge")
	assert.Equal(t, want, out.String(), "once, and not back to the new default")
}

type failing struct {
	slog.Handler
	err error
}

func (f failing) Handle(context.Context, slog.Record) error { return f.err }

func TestBridgeIsAnHonestWriter(t *testing.T) {
	errNext := errors.New("next failed")
	tests := []struct {
		name  string
		level slog.Level // of the handler behind the bridge
		err   error
		wantN int
	}{
		{"taken", slog.LevelInfo, nil, 5},
		{"not enabled", slog.LevelError, nil, 5},
		{"failed", slog.LevelInfo, errNext, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			redirect(t, io.Discard, "", 0)
			old := slog.Default().Handler()
			next := slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: tt.level})
			slog.SetDefault(slog.New(failing{next, tt.err}))
			w, _ := stdlog.New(old)
			n, err := w.Write([]byte("line\n"))
			assert.Equal(t, tt.wantN, n)
			assert.ErrorIs(t, err, tt.err)
		})
	}
}

func TestNewOfAnotherHandlerDoesNotPanic(t *testing.T) {
	for _, other := range []slog.Handler{slog.DiscardHandler, slog.NewJSONHandler(io.Discard, nil), embedding{}} {
		var out bytes.Buffer
		redirect(t, io.Discard, "", 0)
		_, build := stdlog.New(other)
		require.NoError(t, build(&out).Handle(t.Context(), slog.Record{Message: "m"}))
		assert.Equal(t, "INFO m\n", out.String())
	}
}

func TestWriteErrorIsReturned(t *testing.T) {
	redirect(t, io.Discard, "", 0)
	_, build := stdlog.New(slog.Default().Handler())
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	assert.ErrorIs(t, build(w).Handle(t.Context(), slog.Record{}), io.ErrClosedPipe)
}

// lines collects what each Write gets. It has no lock of its own: the race
// detector sees Writes that are not serialized.
type lines []string

func (l *lines) Write(p []byte) (int, error) {
	*l = append(*l, string(p))
	return len(p), nil
}

func TestHandleConcurrentSafe(t *testing.T) {
	var out lines
	redirect(t, &out, "app: ", 0)
	logger := slog.New(newDefault())
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			logger := logger.With("g", g)
			for range 50 {
				logger.Info("message\n", "k", "two words")
			}
		})
	}
	wg.Wait()
	require.Len(t, out, 4*50)
	for _, line := range out {
		assert.Regexp(t, `^app: INFO message\n g=[0-3] k="two words"\n$`, line)
	}
}

type logging struct{ logger *slog.Logger }

func (v logging) LogValue() slog.Value {
	v.logger.Info("inner")
	return slog.StringValue("v")
}

func TestValueThatLogsDoesNotDeadlock(t *testing.T) {
	var out bytes.Buffer
	redirect(t, &out, "", 0)
	logger := slog.New(newDefault())
	logger.Info("outer", "k", logging{logger})
	assert.Equal(t, "INFO inner\nINFO outer k=v\n", out.String())
}
