package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// TestPrometheus lets a real Prometheus server watch the program: under load, during an
// outage of the log's destination, and after it. Unlike other tests it goes by the wall
// clock, as the server does.
func TestPrometheus(t *testing.T) {
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("needs a Prometheus server (apt-get install prometheus); .ci/run installs one and fails if this is skipped")
	}
	program := start(t, "-drill", "-capacity", "32")
	p := startPrometheus(t, binary, program.url)

	stopLoad := underLoad(program.url)
	p.eventually(t, "quantiles of the latency", func(c *assert.CollectT) {
		for _, q := range []string{"0.5", "0.9", "0.95", "0.99"} {
			latency := p.query(c, `asynchandler_delivery_latency_seconds{quantile="`+q+`"}`)
			assert.Greater(c, latency, 0.0, q) // not so for NaN
		}
	})
	stopLoad()
	p.compare(t, program)
	p.healthyRules(t)
	assert.Empty(t, p.firing(t), "before the outage")

	require.Equal(t, http.StatusOK, program.hang(t, "15s")) // the breaker is open from the stall timeout until the call returns
	stopLoad = underLoad(program.url)
	p.eventually(t, "the alert for lost errors", func(c *assert.CollectT) {
		assert.Contains(c, p.firing(c), "AsynchandlerImportantRecordsLost")
	})
	p.eventually(t, "the alert for the breaker", func(c *assert.CollectT) {
		assert.Contains(c, p.firing(c), "AsynchandlerBreakerOpen")
	})
	stopLoad()
	p.eventually(t, "no alert", func(c *assert.CollectT) {
		assert.Empty(c, p.firing(c))
	})
	stats := program.stats(t)
	assert.NotZero(t, stats.Dropped)
	assert.Equal(t, uint64(1), stats.Breaker.Opened)
	p.compare(t, program)
}

// TestMetricsPassPromtool lets promtool look at what the program shows.
func TestMetricsPassPromtool(t *testing.T) {
	binary, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("needs promtool (apt-get install prometheus); .ci/run installs it and fails if this is skipped")
	}
	answer, err := http.Get(start(t).url + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	check := exec.Command(binary, "check", "metrics")
	check.Stdin = answer.Body
	complaints, err := check.CombinedOutput()
	require.NoError(t, err, string(complaints))
	assert.Empty(t, string(complaints))
}

// underLoad sends requests until stop is called, which returns when all are answered.
func underLoad(url string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { generate(ctx, url, 200) })
	}
	return func() { cancel(); wg.Wait() }
}

// server is a Prometheus server.
type server struct{ url string }

// startPrometheus runs a server that scrapes target each second, until the end of the
// test.
func startPrometheus(t *testing.T, binary, target string) *server {
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	rules, err := os.ReadFile("../../promexport/rules/asynchandler.rules.yml")
	require.NoError(t, err)
	// The real rules, but for the times: minutes would be too long for a test.
	short := strings.NewReplacer("[5m]", "[10s]", "offset 5m", "offset 10s", "for: 5m", "for: 1s", "for: 2m", "for: 1s")
	write("rules.yml", short.Replace(string(rules)))
	write("prometheus.yml", fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: webserver
    static_configs: [{targets: [%q]}]
`, strings.TrimPrefix(target, "http://")))

	address := freeAddress(t)
	cmd := exec.Command(binary, "--config.file="+folder+"/prometheus.yml", "--storage.tsdb.path="+folder+"/data",
		"--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it then leaves the folder alone
		_ = cmd.Wait()
	})
	s := &server{url: "http://" + address}
	s.eventually(t, "a first scrape", func(c *assert.CollectT) {
		assert.Equal(c, 1.0, s.query(c, "up"))
	})
	return s
}

// freeAddress returns an address that nobody listens on right now.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// eventually waits until what has no complaints.
func (s *server) eventually(t *testing.T, name string, what func(*assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, what, time.Minute, 200*time.Millisecond, name)
}

// query returns the value of an expression with one result, or NaN.
func (s *server) query(t assert.TestingT, expr string) float64 {
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	s.ask(t, "query?query="+url.QueryEscape(expr), &answer)
	if len(answer.Data.Result) != 1 {
		return math.NaN()
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	assert.NoError(t, err, expr)
	return v
}

// ask asks the HTTP API of the server.
func (s *server) ask(t assert.TestingT, path string, v any) {
	answer, err := http.Get(s.url + "/api/v1/" + path)
	if !assert.NoError(t, err) { // at first it does not listen yet
		return
	}
	defer answer.Body.Close()
	assert.NoError(t, json.NewDecoder(answer.Body).Decode(v))
}

// firing returns the names of the alerts that fire.
func (s *server) firing(t assert.TestingT) (names []string) {
	var answer struct {
		Data struct {
			Alerts []struct {
				State  string
				Labels map[string]string
			}
		}
	}
	s.ask(t, "alerts", &answer)
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" {
			names = append(names, a.Labels["alertname"])
		}
	}
	return names
}

// healthyRules checks that the server can evaluate all rules.
func (s *server) healthyRules(t *testing.T) {
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	s.ask(t, "rules", &answer)
	require.Len(t, answer.Data.Groups, 2)
	for _, g := range answer.Data.Groups {
		for _, r := range g.Rules {
			assert.Equal(t, "ok", r.Health, r.Name+": "+r.LastError)
		}
	}
}

// compare waits until the server has scraped what the program says of itself, now that
// nothing is logged.
func (s *server) compare(t *testing.T, p *process) {
	t.Helper()
	s.eventually(t, "the same numbers", func(c *assert.CollectT) {
		stats := p.stats(t)
		for expr, want := range numbers(&stats) {
			assert.Equal(c, want, s.query(c, expr), expr)
		}
	})
}

// numbers returns what expressions are to have as their value.
func numbers(s *asynchandler.Stats) map[string]float64 {
	n := map[string]float64{
		"asynchandler_records_received_total":                      float64(s.Received),
		"asynchandler_records_delivered_total":                     float64(s.Delivered),
		"asynchandler_records_failed_total":                        float64(s.Failed),
		"sum(asynchandler_records_dropped_total)":                  float64(s.Dropped),
		"asynchandler_queue_depth":                                 0,
		"asynchandler_queue_capacity":                              32,
		"asynchandler_queue_peak_depth":                            float64(s.PeakDepth),
		"asynchandler_written_bytes_total":                         float64(s.WrittenBytes),
		"asynchandler_stalls_total":                                float64(s.Stalls),
		"asynchandler_in_flight_seconds":                           0,
		"asynchandler_callers_waiting":                             0,
		"asynchandler_memory_used_bytes":                           0,
		"asynchandler_delivery_latency_seconds_count":              float64(s.Latency.Count),
		"asynchandler_delivery_latency_seconds_sum":                s.Latency.Sum.Seconds(),
		"asynchandler_delivery_duration_seconds_count":             float64(s.DeliveryDuration.Count),
		`asynchandler_delivery_duration_seconds_bucket{le="+Inf"}`: float64(s.DeliveryDuration.Count),
		`asynchandler_breaker_state{state="closed"}`:               1,
		`asynchandler_breaker_transitions_total{to="open"}`:        float64(s.Breaker.Opened),
		"count(asynchandler_records_dropped_total)":                float64(len(s.Drops)),
	}
	for _, d := range s.Drops {
		n[fmt.Sprintf("asynchandler_records_dropped_total{reason=%q,level=%q}", d.Reason, strings.ToLower(d.Level.String()))] = float64(d.Count)
	}
	return n
}
