package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
)

// newJSONL returns the factory of the exporter that the configuration calls jsonl.
func newJSONL() exporter.Factory {
	return exporter.NewFactory(
		component.MustNewType("jsonl"),
		func() component.Config { return &jsonlConfig{} },
		exporter.WithLogs(func(_ context.Context, _ exporter.Settings, c component.Config) (exporter.Logs, error) {
			return &jsonl{path: c.(*jsonlConfig).Path}, nil
		}, component.StabilityLevelDevelopment),
	)
}

type jsonlConfig struct {
	Path string `mapstructure:"path"`
}

// Validate is called by the Collector.
func (c *jsonlConfig) Validate() error {
	if c.Path == "" {
		return errors.New("path: want a file")
	}
	return nil
}

// jsonl appends each log record to a file. It has no queue: the Collector confirms
// records when they are in the file.
type jsonl struct {
	path string
	file *os.File
}

// line is a record in the file.
type line struct {
	Trace      string         `json:"trace_id"`
	Span       string         `json:"span_id"`
	Severity   string         `json:"severity"`
	Body       string         `json:"body"`
	Attributes map[string]any `json:"attributes"`
}

// Start opens the file.
func (j *jsonl) Start(context.Context, component.Host) (err error) {
	j.file, err = os.OpenFile(j.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

// Shutdown closes the file. It is also called where Start was not.
func (j *jsonl) Shutdown(context.Context) error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// Capabilities says that records are only read.
func (*jsonl) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs writes a request in one go, so that requests side by side cannot mix.
func (j *jsonl) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, r := range scope.LogRecords().All() {
				if err := encoder.Encode(line{
					Trace:      r.TraceID().String(),
					Span:       r.SpanID().String(),
					Severity:   r.SeverityText(),
					Body:       r.Body().AsString(),
					Attributes: r.Attributes().AsRaw(),
				}); err != nil {
					return err
				}
			}
		}
	}
	_, err := j.file.Write(lines.Bytes())
	return err
}
