package promexport_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/promexport"
	"github.com/asynchandler/asynchandler/recorder"
)

// newRecorder returns one whose numbers all differ.
func newRecorder(name string) *recorder.Handler {
	h := recorder.New(slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}),
		recorder.Options{Name: name, Keep: slog.LevelDebug - 1, MaxRecords: 5, MaxBytes: 1 << 20})
	l := slog.New(h)
	log := func(level slog.Level, times int) {
		for range times {
			l.Log(context.Background(), level, "step")
		}
	}
	log(slog.LevelDebug, 8) // evicts 3
	log(slog.LevelDebug-1, 1)
	log(slog.LevelError, 1)
	log(slog.LevelDebug, 3)
	h.Forget(context.Background())
	log(slog.LevelDebug, 2)
	return h
}

func TestRecorderMetrics(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	require.NoError(t, r.Register(promexport.NewRecorderCollector(newRecorder("a"))))
	s := newRecorder("a").Stats()
	assert.NoError(t, testutil.GatherAndCompare(r, strings.NewReader(fmt.Sprintf(`
# HELP asynchandler_recorder_records Records kept now, or being let out.
# TYPE asynchandler_recorder_records gauge
asynchandler_recorder_records{handler="a"} 2
# HELP asynchandler_recorder_records_evicted_total Kept records that were given up, by reason. records: too many in their scope. scopes: too many scopes. bytes: the memory limit. age: too old. Where a scope is let out all the same, the log says how many are missing.
# TYPE asynchandler_recorder_records_evicted_total counter
asynchandler_recorder_records_evicted_total{handler="a",reason="age"} 0
asynchandler_recorder_records_evicted_total{handler="a",reason="bytes"} 0
asynchandler_recorder_records_evicted_total{handler="a",reason="records"} 4
asynchandler_recorder_records_evicted_total{handler="a",reason="scopes"} 0
# HELP asynchandler_recorder_memory_used_bytes Estimated memory that the kept records hold. Near memory_limit_bytes, the scopes that were quiet longest lose records.
# TYPE asynchandler_recorder_memory_used_bytes gauge
asynchandler_recorder_memory_used_bytes{handler="a"} %d
`, s.Bytes)), "asynchandler_recorder_records", "asynchandler_recorder_records_evicted_total", "asynchandler_recorder_memory_used_bytes"))
	for name, want := range map[string]float64{
		"records_kept_total": 14, "records_emitted_total": 4, "records_forgotten_total": 3, "records_unwanted_total": 1,
		"records": 2, "scopes": 1, "memory_limit_bytes": 1 << 20,
	} {
		assert.Equal(t, want, recorderValue(t, r, name), name)
	}
}

func recorderValue(t *testing.T, r *prometheus.Registry, name string) float64 {
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "asynchandler_recorder_"+name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no such metric: ", name)
	return 0
}

func TestRecorderMetricsPassTheLinter(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(promexport.NewRecorderCollector(newRecorder("a"), newRecorder("b"), newRecorder("a"), nil, newRecorder("")))
	problems, err := testutil.GatherAndLint(r)
	require.NoError(t, err)
	assert.Empty(t, problems)
	families, err := r.Gather()
	require.NoError(t, err)
	var labels []string
	for _, m := range families[0].GetMetric() {
		labels = append(labels, m.GetLabel()[0].GetValue())
	}
	assert.Equal(t, []string{"a", "a-2", "b", "default"}, labels)
}

func TestBothCollectorsFitIntoOneRegistry(t *testing.T) {
	r := prometheus.NewPedanticRegistry()
	queue := asynchandler.NewJSONHandler(io.Discard, nil)
	defer queue.Close()
	require.NoError(t, r.Register(promexport.NewCollector(queue)))
	require.NoError(t, r.Register(promexport.NewRecorderCollector(recorder.New(queue, recorder.Options{}))))
	_, err := r.Gather()
	assert.NoError(t, err)
}

func ExampleNewRecorderCollector() {
	queue := asynchandler.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug})
	defer queue.Close()
	h := recorder.New(queue, recorder.Options{Name: "requests"})

	prometheus.MustRegister(promexport.NewCollector(queue), promexport.NewRecorderCollector(h))
	slog.SetDefault(slog.New(h))
}
