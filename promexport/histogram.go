package promexport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/latency"
)

var deliveryDuration = newDesc("delivery_duration_seconds",
	"How long the destination took for one delivery: a Write, or a run of Handles. If it is high, the destination is slow; if it is "+
		"low while delivery_latency_seconds is high, the queue is long.")

// histogram is a [prometheus.Metric] with native and classic buckets. The constant
// histograms of client_golang have either the ones or the others.
type histogram struct {
	label string
	stats *asynchandler.DurationStats
}

// Desc returns the descriptor of the metric.
func (h *histogram) Desc() *prometheus.Desc { return deliveryDuration }

// Write encodes the metric.
func (h *histogram) Write(out *dto.Metric) error {
	metric, err := h.native()
	if err != nil {
		return err
	}
	if err := metric.Write(out); err != nil {
		return err
	}
	out.Histogram.CreatedTimestamp = nil // not known
	for _, b := range h.stats.Classic {
		out.Histogram.Bucket = append(out.Histogram.Bucket, &dto.Bucket{
			UpperBound:      new(b.UpperBound.Seconds()),
			CumulativeCount: new(b.Count),
		})
	}
	return nil
}

// native returns a histogram without classic buckets. It has no native ones either if they
// do not add up to the count: Prometheus refuses such a histogram, and statistics that no
// handler made have none.
func (h *histogram) native() (prometheus.Metric, error) {
	count, sum := h.stats.Count, h.stats.Sum.Seconds()
	zero, buckets := h.stats.Exponential()
	total := zero
	for _, n := range buckets {
		total += uint64(n)
	}
	if total != count {
		return prometheus.NewConstHistogram(deliveryDuration, count, sum, nil, h.label)
	}
	return prometheus.NewConstNativeHistogram(deliveryDuration, count, sum, buckets, nil, zero, latency.Schema, latency.ZeroThreshold, time.Time{}, h.label)
}
