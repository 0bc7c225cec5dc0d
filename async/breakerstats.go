package async

// BreakerStats is the state of the circuit breaker and how often it changed to
// each state. It has no name of its own, so that a breaker can return it without
// an import of this package.
type BreakerStats = struct {
	// State is "closed", "open", "half-open" or, without a breaker, "off".
	State      string `json:"state"`
	Opened     uint64 `json:"opened"`      // changes to open
	HalfOpened uint64 `json:"half_opened"` // changes to half-open
	Closed     uint64 `json:"closed"`      // changes to closed
}

// An ObservableGate is a [Gate] whose state [Stats] shows. The Breaker of package
// breaker is one.
type ObservableGate interface {
	Gate
	// Stats returns the present state. It is called with no lock held, and
	// concurrently; it must not wait for a delivery.
	Stats() BreakerStats
}
