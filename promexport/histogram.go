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
	native, err := prometheus.NewConstNativeHistogram(deliveryDuration, h.count(), h.stats.Sum.Seconds(), h.stats.Buckets, nil,
		h.stats.Zero, latency.Schema, latency.ZeroThreshold, time.Time{}, h.label)
	if err != nil {
		return err
	}
	if err := native.Write(out); err != nil {
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

// count is derived from the buckets, as Prometheus refuses a histogram whose count differs
// from their sum.
func (h *histogram) count() uint64 {
	n := h.stats.Zero
	for _, bucket := range h.stats.Buckets {
		n += uint64(bucket)
	}
	return n
}
