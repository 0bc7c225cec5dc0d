package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/asynchandler/asynchandler"
)

// patience is how long OpenTelemetry tries to deliver a batch before it throws it away.
const patience = time.Minute

// newHandler returns a handler that delivers to the Collector by way of OpenTelemetry.
// Its Close closes both: first asynchandler drains into OpenTelemetry's queue, and then
// OpenTelemetry drains that.
func newHandler(ctx context.Context, c config, console *log.Logger) (*asynchandler.Handler, error) {
	reportLosses(console)
	if c.spool != "" {
		return newSpooledHandler(ctx, c)
	}
	exporter, err := newExporter(ctx, c.endpoint)
	if err != nil {
		return nil, err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter,
		sdklog.WithMaxQueueSize(c.queue),     // default: 2048
		sdklog.WithExportTimeout(patience)))) // default: 30 s
	bridge := otelslog.NewHandler("github.com/asynchandler/asynchandler/examples/otlp",
		otelslog.WithLoggerProvider(provider))
	return asynchandler.New(bridge,
		asynchandler.WithCloseTimeout(c.grace),
		asynchandler.WithOnShutdown(func(ctx context.Context) error {
			if err := provider.Shutdown(ctx); err != nil {
				return fmt.Errorf("OpenTelemetry has not delivered all: %w", err)
			}
			return nil
		})), nil
}

// newExporter returns one that gets over a restart of the Collector. The defaults do not:
// WithTimeout is 10 s, and bounds all tries of a batch together.
//
// It speaks gRPC because otlploghttp gives up a batch at the first refused connection.
func newExporter(ctx context.Context, endpoint string) (*otlploggrpc.Exporter, error) {
	return otlploggrpc.New(ctx,
		otlploggrpc.WithEndpoint(endpoint),
		otlploggrpc.WithInsecure(), // no TLS: for the loopback interface
		otlploggrpc.WithTimeout(patience),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{
			Enabled:         true,
			InitialInterval: 250 * time.Millisecond,
			MaxInterval:     2 * time.Second,
			MaxElapsedTime:  patience,
		}),
		reconnecting())
}

// reconnecting has gRPC look for the Collector more often than by default.
func reconnecting() otlploggrpc.Option {
	reconnect := backoff.DefaultConfig
	reconnect.MaxDelay = 2 * time.Second // default: 2 min
	return otlploggrpc.WithDialOption(grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           reconnect,
		MinConnectTimeout: 5 * time.Second,
	}))
}

// reportLosses prints what OpenTelemetry loses. Without it a full queue is silent, and
// asynchandler's Stats do not show it: to them a record in that queue is delivered.
func reportLosses(console *log.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // batches thrown away
		console.Print(strings.ReplaceAll(err.Error(), "\n", "; "))
	}))
	// Records thrown away by a full queue are a warning, which is verbosity 1.
	otel.SetLogger(funcr.New(func(_, message string) { console.Print(message) }, funcr.Options{Verbosity: 1}))
}
