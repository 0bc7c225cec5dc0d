package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/spool"
)

// newSpooledHandler returns a handler that delivers each record to the Collector before it
// counts as delivered. So an outage is one to asynchandler, which puts on the disk what does
// not fit into memory, and what a process that ends in the outage leaves.
func newSpooledHandler(ctx context.Context, c config) (*asynchandler.Handler, error) {
	queue, err := spool.Open(c.spool, spool.Options{})
	if err != nil {
		return nil, err
	}
	exporter, err := otlploggrpc.New(ctx,
		otlploggrpc.WithEndpoint(c.endpoint),
		otlploggrpc.WithInsecure(),
		otlploggrpc.WithTimeout(5*time.Second),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{}), // asynchandler tries again
		reconnecting())
	if err != nil {
		return nil, errors.Join(err, queue.Close())
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(&confirming{exporter}))
	bridge := otelslog.NewHandler("github.com/asynchandler/asynchandler/examples/otlp", otelslog.WithLoggerProvider(provider))
	return asynchandler.New(confirmed{bridge},
		asynchandler.WithSpool(queue),
		asynchandler.WithCapacity(c.queue),
		asynchandler.WithCloseTimeout(c.grace),
		asynchandler.WithOnShutdown(func(ctx context.Context) error {
			if err := provider.Shutdown(ctx); err != nil {
				return fmt.Errorf("OpenTelemetry: %w", err)
			}
			return nil
		})), nil
}

// confirmed is the bridge, which returns no error by itself, with that of confirming.
type confirmed struct{ slog.Handler }

// confirmation is the key of a context's value: where confirming puts its error.
type confirmation struct{}

func (h confirmed) Handle(ctx context.Context, r slog.Record) error {
	var failed error
	err := h.Handler.Handle(context.WithValue(ctx, confirmation{}, &failed), r)
	return errors.Join(err, failed)
}

func (h confirmed) WithAttrs(attrs []slog.Attr) slog.Handler {
	return confirmed{h.Handler.WithAttrs(attrs)}
}

func (h confirmed) WithGroup(name string) slog.Handler { return confirmed{h.Handler.WithGroup(name)} }

// confirming is a processor that exports each record at once, and says how that went.
type confirming struct{ sdklog.Exporter }

// OnEmit is called by the bridge's Handle.
func (p *confirming) OnEmit(ctx context.Context, r *sdklog.Record) error {
	err := p.Export(ctx, []sdklog.Record{*r})
	if failed, ok := ctx.Value(confirmation{}).(*error); ok {
		*failed = err
		return nil
	}
	return err
}

// Enabled says that all records are wanted.
func (p *confirming) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
