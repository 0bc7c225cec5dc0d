package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// openOtel returns the SDK's batch processor, which overwrites the oldest records when it is
// full: there is no other policy.
func openOtel(s sink) (*subject, error) {
	w, closeFile, err := s.open()
	if err != nil {
		return nil, err
	}
	processor := sdklog.NewBatchProcessor(&lineExporter{w: w}, sdklog.WithMaxQueueSize(s.capacity))
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(processor))
	ctx := context.Background()
	return &subject{
		logger: newSlogLogger(otelslog.NewHandler("benchmarks", otelslog.WithLoggerProvider(provider))),
		flush:  func(int) error { return provider.ForceFlush(ctx) },
		close:  inOrder(func() error { return provider.Shutdown(ctx) }, closeFile),
	}, nil
}

// lineExporter writes one JSON line for each record, one Write for each batch. It is about the
// least that an exporter can do.
type lineExporter struct {
	w   io.Writer
	buf []byte
}

func (e *lineExporter) Export(_ context.Context, records []sdklog.Record) error {
	e.buf = e.buf[:0]
	for _, r := range records {
		e.buf = r.Timestamp().AppendFormat(append(e.buf, `{"time":"`...), time.RFC3339Nano)
		e.buf = append(append(e.buf, `","level":"`...), r.SeverityText()...)
		e.buf = strconv.AppendQuote(append(e.buf, `","msg":`...), r.Body().AsString())
		r.WalkAttributes(e.attribute)
		e.buf = append(e.buf, "}\n"...)
	}
	_, err := e.w.Write(e.buf)
	return err
}

func (e *lineExporter) attribute(a attribute.KeyValue) bool {
	e.buf = append(strconv.AppendQuote(append(e.buf, ','), string(a.Key)), ':')
	switch a.Value.Type() {
	case attribute.INT64:
		e.buf = strconv.AppendInt(e.buf, a.Value.AsInt64(), 10)
	default:
		e.buf = strconv.AppendQuote(e.buf, a.Value.String())
	}
	return true
}

func (e *lineExporter) ForceFlush(context.Context) error { return nil }
func (e *lineExporter) Shutdown(context.Context) error   { return nil }
