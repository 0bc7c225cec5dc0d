package promexport

import (
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asynchandler/asynchandler"
)

var (
	dropped = newDesc("records_dropped_total",
		"Records lost without being tried, by reason and level. overflow: the queue was full. block_timeout: a caller waited "+
			"in vain. memory: the memory limit was reached. oversize: larger than that limit. closed: logged during or after "+
			"the shutdown. shutdown: its time ran out. reentrant: logged by the destination itself. spool: gone from the disk. For overflow and memory "+
			"make the destination faster, or raise capacity or limit.",
		"reason", "level")
	breakerState = newDesc("breaker_state",
		"1 for the state that the breaker is in; all 0 without a breaker. open means that the destination is left alone: look at "+
			"delivery_errors_total and stalls_total.",
		"state")
	breakerTransitions = newDesc("breaker_transitions_total",
		"Changes of the breaker, by the state it changed to. Many to open mean a destination that comes and goes.",
		"to")
	deliveryLatency = newDesc("delivery_latency_seconds",
		"Time from the log call to the delivery; quantiles of the last minute. High with a low delivery_duration_seconds: the queue "+
			"is long. High with both: the destination is slow.")
)

// reasons are the values of the label reason that are there from the start.
var reasons = [...]asynchandler.DropReason{
	asynchandler.DropOverflow, asynchandler.DropBlockTimeout, asynchandler.DropMemory, asynchandler.DropOversize,
	asynchandler.DropClosed, asynchandler.DropShutdown, asynchandler.DropReentrant, asynchandler.DropSpool,
}

// collect sends all metrics of one source.
func collect(metrics chan<- prometheus.Metric, l *labels, s *asynchandler.Stats) {
	for _, m := range numbers {
		metrics <- &sample{m.desc, l.handler, m.kind, m.value(s)}
	}
	if s.HasSpool {
		for _, m := range spoolNumbers {
			metrics <- &sample{m.desc, l.handler, m.kind, m.value(s)}
		}
	}
	collectDrops(metrics, l, s.Drops)
	collectBreaker(metrics, l, &s.Breaker)
	metrics <- prometheus.MustNewConstSummary(deliveryLatency, s.Latency.Count, s.Latency.Sum.Seconds(), quantiles(&s.Latency), l.name)
	metrics <- &histogram{l.name, &s.DeliveryDuration}
}

// collectDrops adds up the drops by their labels, with a 0 where there is none: rate() sees
// the first drop only if there was a 0 before it.
func collectDrops(metrics chan<- prometheus.Metric, l *labels, drops []asynchandler.DropCount) {
	counts := make(map[dropKey]uint64, len(l.drops))
	for _, d := range drops {
		counts[dropKey{strings.ToValidUTF8(string(d.Reason), "\uFFFD"), levelLabel(d.Level)}] += d.Count
	}
	for key, pairs := range l.drops {
		metrics <- &sample{dropped, pairs, prometheus.CounterValue, float64(counts[key])}
		delete(counts, key)
	}
	for key, n := range counts { // reasons of a source that is no handler
		metrics <- prometheus.MustNewConstMetric(dropped, prometheus.CounterValue, float64(n), l.name, key.reason, key.level)
	}
}

func levelLabel(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	}
	return "error"
}

func collectBreaker(metrics chan<- prometheus.Metric, l *labels, b *asynchandler.BreakerStats) {
	entered := [...]uint64{b.Closed, b.Opened, b.HalfOpened} // as in states
	for i, state := range states {
		var in float64
		if b.State == state {
			in = 1
		}
		metrics <- &sample{breakerState, l.states[i], prometheus.GaugeValue, in}
		metrics <- &sample{breakerTransitions, l.transitions[i], prometheus.CounterValue, float64(entered[i])}
	}
}

// quantiles returns NaN, as Prometheus has it, if nothing was delivered in the last minute.
func quantiles(l *asynchandler.LatencyStats) map[float64]float64 {
	seconds := time.Duration.Seconds
	if l.Max == 0 {
		seconds = func(time.Duration) float64 { return math.NaN() }
	}
	return map[float64]float64{0.5: seconds(l.P50), 0.9: seconds(l.P90), 0.95: seconds(l.P95), 0.99: seconds(l.P99)}
}
