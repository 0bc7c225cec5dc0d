package promexport

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asynchandler/asynchandler"
)

// number is a metric with one value for each source.
type number struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*asynchandler.Stats) float64
}

func gauge(name, help string, value func(*asynchandler.Stats) float64) number {
	return number{newDesc(name, help), prometheus.GaugeValue, value}
}

func counter(name, help string, value func(*asynchandler.Stats) float64) number {
	return number{newDesc(name, help), prometheus.CounterValue, value}
}

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("asynchandler_"+name, help, append([]string{"handler"}, labels...), nil)
}

var numbers = []number{
	gauge("queue_depth",
		"Records that wait or are being delivered. If it stays near the capacity, records are about to be dropped: "+
			"look at the breaker and at delivery_duration_seconds.",
		func(s *asynchandler.Stats) float64 { return float64(s.Depth) }),
	gauge("queue_capacity",
		"Records that may wait. Compare queue_depth with it.",
		func(s *asynchandler.Stats) float64 { return float64(s.Capacity) }),
	gauge("queue_peak_depth",
		"Largest queue_depth since the start, also between scrapes. If it reached the capacity, raise that or make the destination faster.",
		func(s *asynchandler.Stats) float64 { return float64(s.PeakDepth) }),

	counter("records_received_total",
		"Records logged. Each ends as delivered, fallback, failed or dropped, or still counts in queue_depth or spool_records.",
		func(s *asynchandler.Stats) float64 { return float64(s.Received) }),
	counter("records_delivered_total",
		"Records that the destination took. If it stands still while records are received, look at the breaker and at in_flight_seconds.",
		func(s *asynchandler.Stats) float64 { return float64(s.Delivered) }),
	counter("records_fallback_total",
		"Records that the fallback took because the destination did not: look for them there.",
		func(s *asynchandler.Stats) float64 { return float64(s.Fallback) }),
	counter("records_failed_total",
		"Records given up because the destination, and the fallback if there is one, refused them. They are lost: "+
			"the error handler, and last_error in the statistics, say why.",
		func(s *asynchandler.Stats) float64 { return float64(s.Failed) }),

	counter("delivery_errors_total",
		"Failed attempts to deliver, of which one record can have many. If it rises, the destination is in trouble: last_error in the statistics says how.",
		func(s *asynchandler.Stats) float64 { return float64(s.DeliveryErrors) }),
	counter("panics_total",
		"Panics in the destination and in callbacks. Each is a bug there: the error handler gets the stack.",
		func(s *asynchandler.Stats) float64 { return float64(s.Panics) }),
	counter("stalls_total",
		"Deliveries that did not return within the stall timeout. The destination hangs: in_flight_seconds says whether it still does.",
		func(s *asynchandler.Stats) float64 { return float64(s.Stalls) }),
	counter("written_bytes_total",
		"Bytes that the writer took; 0 for handlers without one. Use it to plan disk and network.",
		func(s *asynchandler.Stats) float64 { return float64(s.WrittenBytes) }),
	counter("caller_blocked_seconds_total",
		"Time that callers waited for room, added up, waits that still run included. If it rises, logging slows the program "+
			"down: raise the capacity, set a block timeout, or let the overflow policy drop.",
		func(s *asynchandler.Stats) float64 { return s.Blocked.Seconds() }),
	gauge("callers_waiting",
		"Callers that wait for room right now. If it stays above 0, log calls hold up the program: look at the breaker and at "+
			"delivery_duration_seconds.",
		func(s *asynchandler.Stats) float64 { return float64(s.Waiting) }),
	gauge("in_flight_seconds",
		"Time since the delivery that is running has begun or done a record, 0 if none is. "+
			"If it grows from scrape to scrape, the destination hangs.",
		func(s *asynchandler.Stats) float64 { return s.InFlight.Seconds() }),

	gauge("memory_used_bytes",
		"Estimated memory that the waiting records hold. Near memory_limit_bytes, records are dropped for want of memory.",
		func(s *asynchandler.Stats) float64 { return float64(s.MemoryUsed) }),
	gauge("memory_limit_bytes",
		"Limit of memory_used_bytes. Handlers with one budget all show the limit that they share.",
		func(s *asynchandler.Stats) float64 { return float64(s.MemoryLimit) }),
	gauge("last_error_timestamp_seconds",
		"Time of the last delivery error, panic or stall as Unix time, 0 if there was none. What it was is last_error in the statistics.",
		lastError),
}

// spoolNumbers are there for a handler with a spool.
var spoolNumbers = []number{
	gauge("spool_records",
		"Records on the disk of a handler with a spool. If it does not fall although the breaker is closed, the disk cannot be read: "+
			"look at last_error in the statistics.",
		func(s *asynchandler.Stats) float64 { return float64(s.Spooled) }),
	gauge("spool_bytes",
		"Bytes that the spool takes on the disk. Near its bound the oldest records go, dropped for the reason spool: repair the "+
			"destination, or raise MaxBytes.",
		func(s *asynchandler.Stats) float64 { return float64(s.SpooledBytes) }),
	gauge("spool_limit_bytes",
		"Bound of spool_bytes, which is MaxBytes; 0 if the spool does not say.",
		func(s *asynchandler.Stats) float64 { return float64(s.SpoolLimit) }),
	gauge("spool_broken",
		"1 if the last call into the spool failed or one hangs, else 0. Records stay in memory then, where the overflow policy decides: "+
			"last_error in the statistics says what is wrong.",
		func(s *asynchandler.Stats) float64 {
			if s.SpoolBroken {
				return 1
			}
			return 0
		}),
	counter("spool_damaged_total",
		"Records on the disk that were found damaged, and are lost. If it rises, the disk is bad, or something else writes into the folder.",
		func(s *asynchandler.Stats) float64 { return float64(s.SpoolDamaged) }),
	counter("records_spooled_total",
		"Records that were put on the disk, as the destination did not take them in time.",
		func(s *asynchandler.Stats) float64 { return float64(s.SpooledTotal) }),
	counter("records_recovered_total",
		"Records that an earlier process has left on the disk. They are in no records_received_total of this process.",
		func(s *asynchandler.Stats) float64 { return float64(s.Recovered) }),
}

func lastError(s *asynchandler.Stats) float64 {
	if s.LastErrorTime.IsZero() {
		return 0
	}
	return float64(s.LastErrorTime.UnixNano()) / 1e9
}
