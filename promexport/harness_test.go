package promexport_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/promexport"
)

// fixed is a source that always says the same.
type fixed struct {
	stats asynchandler.Stats
	calls atomic.Int64
}

func (f *fixed) Stats() asynchandler.Stats {
	f.calls.Add(1)
	return f.stats
}

func named(name string) *fixed { return &fixed{stats: asynchandler.Stats{Name: name}} }

// sourceFunc cannot be compared.
type sourceFunc func() asynchandler.Stats

func (f sourceFunc) Stats() asynchandler.Stats { return f() }

// register returns a registry that checks everything it can, with a collector.
func register(t testing.TB, sources ...promexport.Source) (*promexport.Collector, *prometheus.Registry) {
	c := promexport.NewCollector(sources...)
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(c))
	return c, r
}

// family returns the metrics of one name, without asynchandler_.
func family(t testing.TB, r prometheus.Gatherer, name string) []*dto.Metric {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "asynchandler_"+name {
			return f.GetMetric()
		}
	}
	return nil
}

// handlers returns the values of the label handler that a scrape has.
func handlers(t testing.TB, r prometheus.Gatherer) []string {
	t.Helper()
	var names []string
	for _, m := range family(t, r, "queue_depth") {
		names = append(names, m.GetLabel()[0].GetValue())
	}
	return names
}

// value returns the value of the one series that has these values of labels, in the
// order of the labels' names.
func value(t testing.TB, r prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range family(t, r, name) {
		var values []string
		for _, pair := range m.GetLabel() {
			values = append(values, pair.GetValue())
		}
		if strings.Join(values, "|") == strings.Join(labels, "|") {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() // one of them is nil
		}
	}
	t.Fatalf("no series %s%q", name, labels)
	return 0
}

// full has another value in each field.
func full() asynchandler.Stats {
	return asynchandler.Stats{
		Name: "access", Received: 100, Delivered: 40, Fallback: 20, Failed: 10, Dropped: 12,
		Drops: []asynchandler.DropCount{
			{Reason: asynchandler.DropOverflow, Level: -4, Count: 5},
			{Reason: asynchandler.DropMemory, Level: 8, Count: 7},
		},
		Depth: 18, Capacity: 64, PeakDepth: 33, MemoryUsed: 4096, MemoryLimit: 65536,
		DeliveryErrors: 11, Panics: 1, Stalls: 2, DropReports: 3, WrittenBytes: 5000,
		InFlight: 1500 * time.Millisecond, Blocked: 2500 * time.Millisecond, Waiting: 17,
		HasSpool: true, Spooled: 13, SpooledBytes: 7000, SpoolLimit: 9000, SpoolBroken: true, SpooledTotal: 21, Recovered: 14, SpoolDamaged: 4,
		Latency: asynchandler.LatencyStats{
			Count: 70, Sum: 7 * time.Second, P50: 50 * time.Millisecond, P90: 90 * time.Millisecond,
			P95: 95 * time.Millisecond, P99: 99 * time.Millisecond, Max: 100 * time.Millisecond,
		},
		DeliveryDuration: asynchandler.DurationStats{
			Count: 6, Sum: 3 * time.Second,
			Classic: []asynchandler.DurationBucket{
				{UpperBound: time.Millisecond, Count: 1},
				{UpperBound: time.Second, Count: 6},
			},
		},
		Breaker:       asynchandler.BreakerStats{State: "half-open", Opened: 9, HalfOpened: 8, Closed: 6},
		LastError:     "refused",
		LastErrorTime: time.Unix(1700000000, 5e8),
	}
}
