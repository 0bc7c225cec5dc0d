package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/recorder"
)

// textOptions show the kept level, and no times, which differ.
var textOptions = &slog.HandlerOptions{
	Level: slog.LevelDebug,
	ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	},
}

// One of two requests fails: only its DEBUG lines are shown.
func Example() {
	logger := slog.New(recorder.New(slog.NewTextHandler(os.Stdout, textOptions), recorder.Options{}))
	request := func(id int, err error) {
		ctx, forget := recorder.Begin(context.Background())
		defer forget()
		l := logger.With("request", id)
		l.DebugContext(ctx, "cache miss", "key", "user:7")
		l.DebugContext(ctx, "query", "rows", 1)
		if err != nil {
			l.ErrorContext(ctx, "request failed", "err", err)
			return
		}
		l.InfoContext(ctx, "request served")
	}
	request(1, nil)
	request(2, errors.New("no connection"))
	// Output:
	// level=INFO msg="request served" request=1
	// level=DEBUG msg="cache miss" request=2 key=user:7
	// level=DEBUG msg=query request=2 rows=1
	// level=ERROR msg="request failed" request=2 err="no connection"
}

// A middleware for net/http in ten lines.
func ExampleBegin() {
	logger := slog.New(recorder.New(slog.NewTextHandler(os.Stdout, textOptions), recorder.Options{}))
	remember := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, forget := recorder.Begin(r.Context())
			defer forget()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
	server := remember(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		logger.DebugContext(r.Context(), "looked up", "path", r.URL.Path)
		if r.URL.Path == "/fail" {
			logger.ErrorContext(r.Context(), "failed", "path", r.URL.Path)
		}
	}))
	for _, path := range []string{"/ok", "/fail"} {
		server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
	}
	// Output:
	// level=DEBUG msg="looked up" path=/fail
	// level=ERROR msg=failed path=/fail
}

type jobKey struct{}

// Scopes by a value in the context, which have no end of their own.
func ExampleOptions_scope() {
	h := recorder.New(slog.NewTextHandler(os.Stdout, textOptions), recorder.Options{
		Scope:      func(ctx context.Context) any { return ctx.Value(jobKey{}) },
		MaxRecords: 2,
	})
	logger := slog.New(h)
	good := context.WithValue(context.Background(), jobKey{}, "import 1")
	bad := context.WithValue(context.Background(), jobKey{}, "import 2")
	for line := range 4 {
		logger.DebugContext(good, "line read", "n", line)
		logger.DebugContext(bad, "line read", "n", line)
	}
	logger.ErrorContext(bad, "no such column")
	fmt.Println("forgotten:", h.Forget(good))
	// Output:
	// level=WARN msg="2 earlier records were not kept" count=2
	// level=DEBUG msg="line read" n=2
	// level=DEBUG msg="line read" n=3
	// level=ERROR msg="no such column"
	// forgotten: 2
}

// Something else than a log record says that there is trouble.
func ExampleHandler_Emit() {
	h := recorder.New(slog.NewTextHandler(os.Stdout, textOptions), recorder.Options{})
	ctx, forget := recorder.Begin(context.Background())
	defer forget()
	slog.New(h).DebugContext(ctx, "waiting for the lock", "owner", 17)
	fmt.Println("let out:", h.Emit(ctx))
	// Output:
	// level=DEBUG msg="waiting for the lock" owner=17
	// let out: 1
}

// Before an asynchandler handler, what is let out enters the queue.
func ExampleNew() {
	queue := asynchandler.NewTextHandler(os.Stdout, textOptions)
	logger := slog.New(recorder.New(queue, recorder.Options{}))
	logger.Debug("connecting", "try", 1)
	logger.Debug("connecting", "try", 2)
	logger.Error("no connection", "err", io.ErrUnexpectedEOF)
	if err := queue.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// level=DEBUG msg=connecting try=1
	// level=DEBUG msg=connecting try=2
	// level=ERROR msg="no connection" err="unexpected EOF"
}
