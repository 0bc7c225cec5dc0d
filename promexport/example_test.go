package promexport_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/promexport"
)

func Example() {
	h := asynchandler.NewJSONHandler(os.Stdout, nil, asynchandler.WithName("access"))
	defer h.Close()

	prometheus.MustRegister(promexport.NewCollector(h))
	http.Handle("/metrics", promhttp.Handler())
}

// A registry of its own, and what a scrape shows.
func ExampleNewCollector() {
	h := asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithName("access"))
	registry := prometheus.NewRegistry()
	registry.MustRegister(promexport.NewCollector(h))
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})

	logger := slog.New(h)
	logger.Info("request", "path", "/")
	logger.Info("request", "path", "/favicon.ico")
	if err := h.Close(); err != nil { // delivers what waits
		fmt.Println(err)
	}

	scrape := httptest.NewRecorder()
	metrics.ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for lines := bufio.NewScanner(scrape.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "asynchandler_records_delivered_total") ||
			strings.HasPrefix(lines.Text(), "asynchandler_breaker_state") {
			fmt.Println(lines.Text())
		}
	}
	// Output:
	// asynchandler_breaker_state{handler="access",state="closed"} 1
	// asynchandler_breaker_state{handler="access",state="half-open"} 0
	// asynchandler_breaker_state{handler="access",state="open"} 0
	// asynchandler_records_delivered_total{handler="access"} 2
}

// All members of a MultiHandler in one line.
func ExampleSources() {
	m := asynchandler.NewMultiHandler(
		asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithName("app")),
		asynchandler.NewTextHandler(io.Discard, nil, asynchandler.WithName("audit")),
	)
	defer m.Close()

	registry := prometheus.NewRegistry()
	registry.MustRegister(promexport.NewCollector(promexport.Sources(m)...))

	count, err := testutil.GatherAndCount(registry, "asynchandler_queue_depth")
	fmt.Println(count, "queues", err)
	// Output: 2 queues <nil>
}

// A handler that is made later and ends before the program does.
func ExampleCollector_Add() {
	collector := promexport.NewCollector()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector)
	show := func() {
		families, err := registry.Gather()
		fmt.Println(len(families), "metrics", err)
	}

	h := asynchandler.NewTextHandler(io.Discard, nil, asynchandler.WithName("import"))
	collector.Add(h)
	show()
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	collector.Remove(h)
	show()
	// Output:
	// 22 metrics <nil>
	// 0 metrics <nil>
}
