package async

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// LogValue returns a group with the keys that Stats has as JSON. Of Drops it has what
// is not 0, by reason and then by level; times that JSON has in nanoseconds are that
// here too.
func (s Stats) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("name", s.Name),
		slog.Uint64("received", s.Received),
		slog.Uint64("delivered", s.Delivered),
		slog.Uint64("fallback", s.Fallback),
		slog.Uint64("failed", s.Failed),
		slog.Uint64("dropped", s.Dropped),
		slog.GroupAttrs("drops", s.dropAttrs()...),
		slog.Int("depth", s.Depth),
		slog.Int("capacity", s.Capacity),
		slog.Int("peak_depth", s.PeakDepth),
		slog.Int64("memory_used_bytes", s.MemoryUsed),
		slog.Int64("memory_limit_bytes", s.MemoryLimit),
		slog.Uint64("delivery_errors", s.DeliveryErrors),
		slog.Uint64("panics", s.Panics),
		slog.Uint64("stalls", s.Stalls),
		slog.Uint64("drop_reports", s.DropReports),
		slog.Uint64("written_bytes", s.WrittenBytes),
		nanoseconds("in_flight_ns", s.InFlight),
		nanoseconds("blocked_ns", s.Blocked),
		slog.Int("waiting", s.Waiting),
		slog.Int("spooled", s.Spooled),
		slog.Int64("spooled_bytes", s.SpooledBytes),
		slog.Int64("spool_limit_bytes", s.SpoolLimit),
		slog.Bool("spool_broken", s.SpoolBroken),
		slog.Uint64("spooled_total", s.SpooledTotal),
		slog.Uint64("recovered", s.Recovered),
		slog.Uint64("spool_damaged", s.SpoolDamaged),
		slog.Any("latency", s.Latency),
		slog.Any("delivery_duration", s.DeliveryDuration),
		slog.GroupAttrs("breaker",
			slog.String("state", s.Breaker.State),
			slog.Uint64("opened", s.Breaker.Opened),
			slog.Uint64("half_opened", s.Breaker.HalfOpened),
			slog.Uint64("closed", s.Breaker.Closed),
		),
	}
	if s.LastError != "" {
		attrs = append(attrs, slog.String("last_error", s.LastError), slog.Time("last_error_time", s.LastErrorTime))
	}
	return slog.GroupValue(attrs...)
}

// dropAttrs returns a group for each reason for which records were dropped.
func (s *Stats) dropAttrs() (byReason []slog.Attr) {
	for _, reason := range reasons {
		var byLevel []slog.Attr
		for _, d := range s.Drops {
			if d.Reason == reason && d.Count > 0 {
				byLevel = append(byLevel, slog.Uint64(d.Level.String(), d.Count))
			}
		}
		if len(byLevel) > 0 {
			byReason = append(byReason, slog.GroupAttrs(string(reason), byLevel...))
		}
	}
	return byReason
}

// LogValue returns a group with the keys that LatencyStats has as JSON.
func (l LatencyStats) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Uint64("count", l.Count),
		nanoseconds("sum_ns", l.Sum),
		nanoseconds("p50_ns", l.P50),
		nanoseconds("p90_ns", l.P90),
		nanoseconds("p95_ns", l.P95),
		nanoseconds("p99_ns", l.P99),
		nanoseconds("max_ns", l.Max),
	)
}

// LogValue returns a group with the count and the sum.
func (d DurationStats) LogValue() slog.Value {
	return slog.GroupValue(slog.Uint64("count", d.Count), nanoseconds("sum_ns", d.Sum))
}

func nanoseconds(key string, d time.Duration) slog.Attr { return slog.Int64(key, int64(d)) }

// String says in one line what became of the records and what the state is now. For
// programs there is JSON: the text may change.
func (s Stats) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q: %d received, ", s.Name, s.Received)
	if s.Recovered > 0 {
		fmt.Fprintf(&b, "%d recovered, ", s.Recovered)
	}
	fmt.Fprintf(&b, "%d delivered, %d to the fallback, %d failed, %d dropped%s; depth %d of %d, breaker %s",
		s.Delivered, s.Fallback, s.Failed, s.Dropped, s.dropText(), s.Depth, s.Capacity, s.Breaker.State)
	if s.Spooled > 0 {
		fmt.Fprintf(&b, ", %d on the disk", s.Spooled)
	}
	if s.SpoolBroken {
		b.WriteString(", the spool is broken")
	}
	if s.Waiting > 0 {
		fmt.Fprintf(&b, ", %d callers wait for room", s.Waiting)
	}
	if s.InFlight > 0 {
		fmt.Fprintf(&b, ", a delivery runs for %v", s.InFlight)
	}
	if s.LastError != "" {
		fmt.Fprintf(&b, ", last error %q", s.LastError)
	}
	return b.String()
}

// dropText says how many records were dropped for each reason, in parentheses.
func (s *Stats) dropText() string {
	var parts []string
	for _, reason := range s.dropAttrs() {
		var n uint64
		for _, level := range reason.Value.Group() {
			n += level.Value.Uint64()
		}
		parts = append(parts, fmt.Sprintf("%s %d", reason.Key, n))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
