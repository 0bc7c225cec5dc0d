package promexport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/asynchandler/asynchandler/promexport"
)

// BenchmarkScrapeOfMany is one scrape of 500 handlers: what the collector does of it,
// what the registry adds, and all of it, as text.
func BenchmarkScrapeOfMany(b *testing.B) {
	var sources []promexport.Source
	for n := range 500 {
		s := &fixed{stats: full()}
		s.stats.Name = fmt.Sprint("handler", n)
		sources = append(sources, s)
	}
	c := promexport.NewCollector(sources...)
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	metrics := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	b.Run("collect", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sent := make(chan prometheus.Metric, 100)
			go func() { c.Collect(sent); close(sent) }()
			for range sent { // as a registry does, without looking
			}
		}
	})
	b.Run("gather", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			answer := httptest.NewRecorder()
			metrics.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			b.ReportMetric(float64(answer.Body.Len()), "bytes")
		}
	})
}
