package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunSendsEachRecordWithItsTrace(t *testing.T) {
	c := newCollector(t)
	c.start(t)
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-endpoint", c.endpoint, "-rate", "200", "-for", "500ms"}, &stderr)
	require.Zero(t, code, stderr.String())
	assert.Contains(t, stderr.String(), "0 dropped")

	traces := map[string]float64{} // and the request of each
	bodies := map[string]int{}
	for _, r := range c.records(t) {
		request := r.Attributes["request"].(float64)
		if first, known := traces[r.Trace]; known {
			assert.Equal(t, first, request, "a trace is that of one request")
		}
		traces[r.Trace] = request
		bodies[r.Body]++
		assert.Equal(t, "INFO", r.Severity)
	}
	assert.NotEmpty(t, traces)
	assert.NotContains(t, traces, strings.Repeat("0", 32))
	assert.NotContains(t, traces, "")
	assert.Equal(t, map[string]int{"request started": len(traces), "request served": len(traces)}, bodies)
}

func TestATraceThatFailsIsSentWithItsDebugRecords(t *testing.T) {
	c := newCollector(t)
	c.start(t)
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-endpoint", c.endpoint, "-rate", "200", "-for", "500ms", "-fail", "10"}, &stderr)
	require.Zero(t, code, stderr.String())

	traces := map[string][]string{}
	for _, r := range c.records(t) {
		traces[r.Trace] = append(traces[r.Trace], r.Severity+" "+r.Body)
	}
	failed := 0
	for id, records := range traces {
		if len(records) == 2 {
			assert.Equal(t, []string{"INFO request started", "INFO request served"}, records)
			continue
		}
		failed++
		assert.Equal(t, []string{"INFO request started", "DEBUG cache miss", "ERROR request failed"}, records, id)
	}
	assert.NotZero(t, failed)
	assert.Less(t, failed, len(traces))
}

func TestRunSaysWhatIsWrongInOneLine(t *testing.T) {
	nobody := freeAddress(t)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-x"}, 2, "-x"},
		{"argument", []string{"x"}, 2, `unknown argument "x"`},
		{"no port", []string{"-endpoint", "localhost"}, 2, "want host:port"},
		{"a URL", []string{"-endpoint", "http://localhost:4317"}, 2, "want host:port"},
		{"no rate", []string{"-rate", "0"}, 2, "-rate 0"},
		{"no number", []string{"-queue", "many"}, 2, "-queue"},
		{"no queue", []string{"-queue", "0"}, 2, "-queue 0"},
		{"fewer than none", []string{"-fail", "-1"}, 2, "-fail -1"},
		{"less than nothing", []string{"-every", "-1s"}, 2, "-every -1s"},
		{"no time", []string{"-for", "0s"}, 2, "-for"},
		{"nobody listens", []string{"-endpoint", nobody}, 1, "no Collector: dial tcp " + nobody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			assert.Equal(t, tt.code, run(t.Context(), tt.args, &stderr))
			assert.Contains(t, stderr.String(), tt.want)
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}
}

func TestRunPrintsItsFlags(t *testing.T) {
	var stderr bytes.Buffer
	assert.Zero(t, run(t.Context(), []string{"-h"}, &stderr))
	assert.Contains(t, stderr.String(), "-endpoint host:port")
}
