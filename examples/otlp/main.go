// Otlp sends log records to an OpenTelemetry Collector: through asynchandler and
// OpenTelemetry's slog bridge, over OTLP/gRPC, each with the trace of the request that
// logged it. A Collector must listen; README.md has one to start:
//
//	go -C examples/otlp run . -endpoint 127.0.0.1:4317
//
// Restart the Collector meanwhile: nothing is lost. What would be, and who says so, is
// in README.md.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/recorder"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stderr io.Writer) (code int) {
	console := log.New(stderr, "otlp: ", 0)
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Print(err)
		return 2
	}
	if err := dial(ctx, c.endpoint); err != nil && c.spool == "" {
		console.Print("no Collector: ", err)
		return 1
	}
	h, err := newHandler(ctx, c, console)
	if err != nil {
		console.Print(err)
		return 1
	}
	logger := slog.New(recorder.New(h, recorder.Options{Scope: traceOf}))
	serve(ctx, logger.With("pid", os.Getpid()), c, func() { console.Print(account(h.Stats(), c)) })
	if err := h.Close(); err != nil { // delivers what still waits
		console.Print(strings.ReplaceAll(err.Error(), "\n", "; "))
		code = 1
	}
	console.Print(account(h.Stats(), c))
	return code
}

// account says what became of the records.
func account(st asynchandler.Stats, c config) string {
	if c.spool != "" {
		return fmt.Sprintf("%d logged + %d from the disk = %d delivered + %d failed + %d dropped + %d waiting + %d on the disk",
			st.Received, st.Recovered, st.Delivered, st.Failed, st.Dropped, st.Depth, st.Spooled)
	}
	return fmt.Sprintf("%d logged = %d given to OpenTelemetry + %d failed + %d dropped + %d waiting",
		st.Received, st.Delivered, st.Failed, st.Dropped, st.Depth)
}

// dial says at once that nobody listens. A service would rather start all the same.
func dial(ctx context.Context, endpoint string) error {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", endpoint)
	if err != nil {
		return err
	}
	return conn.Close()
}

// serve stands for a service that answers requests. It calls tell as often as c says.
func serve(ctx context.Context, logger *slog.Logger, c config, tell func()) {
	ctx, cancel := context.WithTimeout(ctx, c.duration)
	defer cancel()
	tick := time.NewTicker(time.Second / time.Duration(c.rate))
	defer tick.Stop()
	began, told, n := time.Now(), time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for due := time.Since(began).Seconds() * float64(c.rate); float64(n) < due; n++ { // a busy machine leaves ticks out
				request(ctx, logger, n, c.fail > 0 && n%c.fail == 0)
			}
		}
		if c.every > 0 && time.Since(told) >= c.every {
			told = time.Now()
			tell()
		}
	}
}

// request logs with the context of a request, which has its trace. As with net/http the
// context is cancelled when the request is over, which is before the records are delivered.
func request(ctx context.Context, logger *slog.Logger, n int, fails bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var ids trace.SpanContextConfig // a tracer would choose them
	_, _ = rand.Read(ids.TraceID[:])
	_, _ = rand.Read(ids.SpanID[:])
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(ids))
	logger.InfoContext(ctx, "request started", "request", n)
	logger.DebugContext(ctx, "cache miss", "request", n)
	if fails {
		logger.ErrorContext(ctx, "request failed", "request", n, "status", 500)
		return
	}
	logger.InfoContext(ctx, "request served", "request", n, "status", 200)
}

// traceOf makes each trace a scope of the recorder: its DEBUG records are sent if one of its
// records is an ERROR. What belongs to no trace has one scope for all.
func traceOf(ctx context.Context) any {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID()
	}
	return nil
}
