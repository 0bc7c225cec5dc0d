package promexport

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asynchandler/asynchandler/recorder"
)

// recorders is a [prometheus.Collector] of recorders. It never changes.
type recorders struct {
	handlers []*recorder.Handler
	labels   []string
}

// NewRecorderCollector returns a collector of the statistics of recorders: what becomes of
// the records below the level that is shown. It is not registered yet, there can be one in
// each registry, and it may be used concurrently. A scrape takes one snapshot of each.
//
// All metrics begin with asynchandler_recorder_ and have the label handler, which is the
// Name in [recorder.Options]. Of several with the same name the second is shown as name-2,
// and so on. A nil recorder is left out. Recorders derived with WithAttrs and WithGroup have
// the statistics of the one they come from: add only that.
func NewRecorderCollector(handlers ...*recorder.Handler) prometheus.Collector {
	c := &recorders{}
	taken := make(map[string]bool)
	for _, h := range handlers {
		if h == nil {
			continue
		}
		name := h.Stats().Name
		label := name
		for n := 2; taken[label]; n++ {
			label = fmt.Sprintf("%s-%d", name, n)
		}
		taken[label] = true
		c.handlers = append(c.handlers, h)
		c.labels = append(c.labels, label)
	}
	return c
}

// recorderNumber is a metric with one value for each recorder.
type recorderNumber struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*recorder.Stats) float64
}

func recorderDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("asynchandler_recorder_"+name, help, append([]string{"handler"}, labels...), nil)
}

var recorderNumbers = []recorderNumber{
	{
		recorderDesc("records_kept_total",
			"Records below the level that is shown. Each ends as emitted, forgotten, evicted or unwanted, or still counts in records."),
		prometheus.CounterValue, func(s *recorder.Stats) float64 { return float64(s.Kept) },
	},
	{
		recorderDesc("records_emitted_total",
			"Kept records that were let out because something went wrong. If it rises, look for the errors that come after them in the log."),
		prometheus.CounterValue, func(s *recorder.Stats) float64 { return float64(s.Emitted) },
	},
	{
		recorderDesc("records_forgotten_total",
			"Kept records of scopes that ended well. Usually nearly all are."),
		prometheus.CounterValue, func(s *recorder.Stats) float64 { return float64(s.Forgotten) },
	},
	{
		recorderDesc("records_unwanted_total",
			"Kept records that were let out in vain: the destination is not enabled for their level. Give it the level Keep."),
		prometheus.CounterValue, func(s *recorder.Stats) float64 { return float64(s.Unwanted) },
	},
	{
		recorderDesc("records",
			"Records kept now, or being let out."),
		prometheus.GaugeValue, func(s *recorder.Stats) float64 { return float64(s.Held) },
	},
	{
		recorderDesc("scopes",
			"Scopes that have records kept. If it stays at MaxScopes, scopes are not ended: call the function that Begin returns."),
		prometheus.GaugeValue, func(s *recorder.Stats) float64 { return float64(s.Scopes) },
	},
	{
		recorderDesc("memory_used_bytes",
			"Estimated memory that the kept records hold. Near memory_limit_bytes, the scopes that were quiet longest lose records."),
		prometheus.GaugeValue, func(s *recorder.Stats) float64 { return float64(s.Bytes) },
	},
	{
		recorderDesc("memory_limit_bytes",
			"Limit of memory_used_bytes."),
		prometheus.GaugeValue, func(s *recorder.Stats) float64 { return float64(s.MaxBytes) },
	},
}

var recorderEvicted = recorderDesc("records_evicted_total",
	"Kept records that were given up, by reason. records: too many in their scope. scopes: too many scopes. bytes: the memory limit. "+
		"age: too old. Where a scope is let out all the same, the log says how many are missing.",
	"reason")

// Describe sends the descriptors of all metrics.
func (c *recorders) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range recorderNumbers {
		descs <- m.desc
	}
	descs <- recorderEvicted
}

// Collect sends the metrics of all recorders.
func (c *recorders) Collect(metrics chan<- prometheus.Metric) {
	for i, h := range c.handlers {
		s, label := h.Stats(), c.labels[i]
		for _, m := range recorderNumbers {
			metrics <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&s), label)
		}
		for reason, n := range map[string]uint64{
			"records": s.EvictedBy.Records, "scopes": s.EvictedBy.Scopes, "bytes": s.EvictedBy.Bytes, "age": s.EvictedBy.Age,
		} {
			metrics <- prometheus.MustNewConstMetric(recorderEvicted, prometheus.CounterValue, float64(n), label, reason)
		}
	}
}
