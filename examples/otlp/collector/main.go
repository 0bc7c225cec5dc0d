// Command collector is an OpenTelemetry Collector with one receiver, OTLP over gRPC, and
// one exporter, which appends each log record to a file as a line of JSON:
//
//	go run . -endpoint 127.0.0.1:4317 -out records.jsonl
//
// SIGTERM and Ctrl-C stop it: what it has confirmed by then is in the file.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry"
)

// config is the Collector's. The "yaml:" tells it to take the text itself.
const config = `yaml:
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: %q
exporters:
  jsonl:
    path: %q
service:
  pipelines:
    logs:
      receivers: [otlp]
      exporters: [jsonl]
`

func main() {
	log.SetFlags(0)
	log.SetPrefix("collector: ")
	endpoint := flag.String("endpoint", "127.0.0.1:4317", "`address` to listen on")
	out := flag.String("out", "records.jsonl", "`file` to append to")
	flag.Parse()
	if _, _, err := net.SplitHostPort(*endpoint); err != nil || flag.NArg() > 0 {
		log.Fatal("want -endpoint host:port and no arguments")
	}
	if err := run(fmt.Sprintf(config, *endpoint, *out)); err != nil {
		log.Fatal(err)
	}
}

// run returns when a signal has stopped the Collector.
func run(config string) error {
	c, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "collector", Version: "0.0.0"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs:              []string{config},
			ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()},
		}},
	})
	if err != nil {
		return err
	}
	return c.Run(context.Background())
}

// factories is what the configuration may name. The Collector's own telemetry is off: a
// factory without options makes none.
func factories() (f otelcol.Factories, err error) {
	f.Telemetry = telemetry.NewFactory(func() component.Config { return &struct{}{} })
	if f.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory()); err != nil {
		return f, err
	}
	f.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](newJSONL())
	return f, err
}
