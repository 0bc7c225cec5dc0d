package promexport_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/asynchandler/asynchandler"
)

// BenchmarkScrape is one answer to Prometheus for one handler, as text.
func BenchmarkScrape(b *testing.B) {
	h := asynchandler.NewJSONHandler(io.Discard, nil)
	defer h.Close()
	_, r := register(b, h)
	metrics := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	b.ReportAllocs()
	for b.Loop() {
		metrics.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}

// BenchmarkThroughputWhileScraped logs as fast as it can for one second without and for
// one second with a scrape in the middle of it, in turn, and reports both and the median
// of their ratios: 1 means that scrapes cost nothing. Each iteration takes two seconds.
func BenchmarkThroughputWhileScraped(b *testing.B) {
	h := asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithOverflow(asynchandler.Block))
	defer h.Close()
	_, r := register(b, h)
	metrics := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	scrape := func() {
		metrics.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}

	var ratios, alone, scraped []float64
	for i := 0; b.Loop(); i++ {
		second := func() { alone = append(alone, logForASecond(h)) }
		if i%2 == 0 { // which of them comes first takes turns too
			second()
		}
		timer := time.AfterFunc(time.Second/2, scrape)
		scraped = append(scraped, logForASecond(h))
		timer.Stop()
		if i%2 == 1 {
			second()
		}
		ratios = append(ratios, scraped[i]/alone[i])
	}
	b.ReportMetric(0, "ns/op") // says nothing here
	b.ReportMetric(median(alone), "records/s-alone")
	b.ReportMetric(median(scraped), "records/s-scraped")
	b.ReportMetric(median(ratios), "scraped/alone")
}

// logForASecond returns how many records went through in a second.
func logForASecond(h *asynchandler.Handler) float64 {
	logger := slog.New(h)
	before, begin := h.Stats().Delivered, time.Now()
	for time.Since(begin) < time.Second {
		for range 1000 {
			logger.Info("request", "method", "GET", "path", "/", "status", 200)
		}
	}
	return float64(h.Stats().Delivered-before) / time.Since(begin).Seconds()
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
