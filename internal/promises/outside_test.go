package promises_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// The tests of this file run the lines of docs/outside.md, over handlers that have the shape
// of those that it names.

type traceKey struct{}

// requestError is an error with a type that handlers look for.
type requestError struct{ code int }

func (e *requestError) Error() string { return "request failed" }

// looker is a handler that looks at what it is given, as handlers for error trackers do.
type looker struct {
	look func(ctx context.Context, r slog.Record)
}

func (looker) Enabled(context.Context, slog.Level) bool { return true }
func (l looker) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l looker) WithGroup(string) slog.Handler          { return l }

func (l looker) Handle(ctx context.Context, r slog.Record) error {
	l.look(ctx, r)
	return nil
}

// errorOf returns the first error among r's attributes.
func errorOf(r slog.Record) (err error) {
	r.Attrs(func(a slog.Attr) bool {
		err, _ = a.Value.Any().(error)
		return err == nil
	})
	return err
}

// traced adds the trace of the context to each record.
type traced struct{ slog.Handler }

func withTrace(h slog.Handler) slog.Handler { return traced{h} }

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.Any("trace", ctx.Value(traceKey{})))
	return t.Handler.Handle(ctx, r)
}

// reusedContext is a context of a framework that the next request gets too.
type reusedContext struct {
	context.Context
	trace string
}

func (c *reusedContext) Value(key any) any {
	if key == (traceKey{}) {
		return c.trace
	}
	return c.Context.Value(key)
}

func TestAHandlerBesideTheQueueSeesTheCall(t *testing.T) {
	h := asynchandler.NewJSONHandler(io.Discard, nil)
	var seen error
	sentry := looker{func(_ context.Context, r slog.Record) { seen = errorOf(r) }}
	logger := slog.New(slog.NewMultiHandler(sentry, h))
	failed := &requestError{404}
	logger.Error("m", "err", failed)
	assert.Same(t, failed, seen)
	require.NoError(t, h.Close())
}

func TestAMiddlewareAroundTheQueueSeesTheContext(t *testing.T) {
	var out bytes.Buffer
	h := asynchandler.NewTextHandler(&out, nil)
	logger := slog.New(withTrace(h))
	c := &reusedContext{t.Context(), "first"}
	logger.InfoContext(c, "m")
	c.trace = "second"
	require.NoError(t, h.Close())
	assert.Contains(t, out.String(), "trace=first")
}

func TestWithContextFuncTakesWhatIsNeededOfAContextThatIsUsedAgain(t *testing.T) {
	var trace any
	next := looker{func(ctx context.Context, _ slog.Record) { trace = ctx.Value(traceKey{}) }}
	h := asynchandler.New(next, asynchandler.WithContextFunc(func(ctx context.Context) context.Context {
		return context.WithValue(context.Background(), traceKey{}, ctx.Value(traceKey{}))
	}))
	c := &reusedContext{t.Context(), "first"}
	slog.New(h).InfoContext(c, "m")
	c.trace = "second"
	require.NoError(t, h.Close())
	assert.Equal(t, "first", trace)
}

func TestCaptureCopyTakesStringsOverMemoryThatIsUsedAgain(t *testing.T) {
	w := &bytes.Buffer{}
	buffer := []byte("first ")
	h := asynchandler.NewJSONHandler(w, nil, asynchandler.WithCapture(asynchandler.CaptureCopy))
	slog.New(h).Info("m", "path", unsafe.String(&buffer[0], len(buffer)))
	copy(buffer, "second")
	require.NoError(t, h.Close())
	assert.Contains(t, w.String(), `"path":"first "`)
}

func TestTheRecordKnowsItsCaller(t *testing.T) {
	w := &bytes.Buffer{}
	h := asynchandler.NewJSONHandler(w, &slog.HandlerOptions{AddSource: true})
	slog.New(h).Info("m")
	require.NoError(t, h.Close())
	assert.Contains(t, w.String(), "TestTheRecordKnowsItsCaller")

	var function string
	own := asynchandler.New(looker{func(_ context.Context, r slog.Record) {
		frame, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		function = frame.Function
	}})
	slog.New(own).Info("m")
	require.NoError(t, own.Close())
	assert.True(t, strings.HasSuffix(function, "TestTheRecordKnowsItsCaller"), function)
}

func TestErrorsAreFoundByTheirTypes(t *testing.T) {
	var err error
	next := looker{func(_ context.Context, r slog.Record) { err = errorOf(r) }}
	{
		h := asynchandler.New(next)
		slog.New(h).Error("m", "err", &requestError{404})
		require.NoError(t, h.Close())
	}
	var failed *requestError
	found := errors.As(err, &failed)
	require.True(t, found)
	assert.Equal(t, 404, failed.code)
	assert.NotEqual(t, failed, err, "the outermost type is that of the capture")

	h := asynchandler.New(next, asynchandler.WithCapture(asynchandler.CaptureReference))
	slog.New(h).Error("m", "err", failed)
	require.NoError(t, h.Close())
	assert.Same(t, failed, err)
}

func TestARedactionByTypeIsGivenToTheQueue(t *testing.T) {
	redact := func(_ []string, a slog.Attr) slog.Attr {
		if _, ok := a.Value.Any().(*requestError); ok {
			a.Value = slog.StringValue("redacted")
		}
		return a
	}
	var value string
	next := looker{func(_ context.Context, r slog.Record) {
		r.Attrs(func(a slog.Attr) bool { value = a.Value.String(); return true })
	}}
	h := asynchandler.New(next, asynchandler.WithReplaceAttr(redact))
	slog.New(h).Error("m", "err", &requestError{404})
	require.NoError(t, h.Close())
	assert.Equal(t, "redacted", value)
}

func TestAFunctionThatIsFrozenFlushesFirst(t *testing.T) {
	var out bytes.Buffer
	h := asynchandler.NewTextHandler(&out, nil)
	invoke := func(ctx context.Context) {
		defer func() { _ = h.Flush(ctx) }()
		slog.New(h).InfoContext(ctx, "answered")
	}
	invoke(t.Context())
	assert.Contains(t, out.String(), "msg=answered")
	require.NoError(t, h.Close())
}

func TestWhatAFinalizerFreesIsCopied(t *testing.T) {
	w := &bytes.Buffer{}
	memory := []byte("mapped")
	region := &struct{ text string }{unsafe.String(&memory[0], len(memory))}
	h := asynchandler.NewTextHandler(w, nil, asynchandler.WithCapture(asynchandler.CaptureCopy))
	slog.New(h).Info("read", "head", region.text)
	runtime.KeepAlive(region)
	copy(memory, "freed!")
	require.NoError(t, h.Close())
	assert.Contains(t, w.String(), "head=mapped")
}

func TestAMiddlewareOverADestinationOfItsOwn(t *testing.T) {
	w := &bytes.Buffer{}
	middleware := withTrace
	h := asynchandler.New(middleware(slog.NewTextHandler(w, nil)))
	slog.New(h).Info("m")
	require.NoError(t, h.Close())
	assert.Contains(t, w.String(), "msg=m")
}

func TestADestinationLogsThroughALoggerOfItsOwn(t *testing.T) {
	var client struct{ Logger *slog.Logger }
	client.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	assert.IsType(t, (*slog.TextHandler)(nil), client.Logger.Handler())
}
