package promexport

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asynchandler/asynchandler"
)

// Source is what a [Collector] shows: an [asynchandler.Handler], or anything else that
// has its statistics. Stats must be safe for concurrent use.
//
// A Stats that panics, or that has not returned after half a second, costs the scrape
// only the series of its own source. While such a call is stuck, no other is made.
type Source interface {
	// Stats returns a snapshot, as [asynchandler.Handler.Stats] does.
	Stats() asynchandler.Stats
}

// patience is how long a scrape waits for the sources. It is well below the shortest
// scrape timeouts in use, so that one source that hangs does not cost the others theirs.
const patience = 500 * time.Millisecond

// Collector is a [prometheus.Collector] for any number of sources. Create it with
// [NewCollector], or use the zero Collector, which has no sources.
//
// A closed handler is still shown, with its final counts, until it is removed.
//
// All methods may be called concurrently, also during a scrape. A source that is added or
// removed meanwhile may or may not be in it.
type Collector struct {
	mu      sync.Mutex
	sources set
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a collector of these sources, added in that order. It is not
// registered yet. There can be one in each registry.
func NewCollector(sources ...Source) *Collector {
	c := &Collector{}
	for _, s := range sources {
		c.Add(s)
	}
	return c
}

// Add shows s from the next scrape on. Its label handler is the name that Stats tells
// now, made valid UTF-8, and stays that until s is removed. If another source has the
// label already, s gets the first of name-2, name-3 and so on that is free. A source that
// has no name, or whose Stats fails now, is labelled unknown.
//
// A source that was added before is not added again, and neither is a handler with the
// queue of one that was: all handlers derived from one another are one source.
func (c *Collector) Add(s Source) {
	added := &source{Source: s}
	// Without mu: a source that hangs must not hold up scrapes.
	stats := added.stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources.add(added, stats)
}

// Remove ends what Add began, and makes the label free for another source. Any handler
// with the queue of the one that was added will do. For a source that was never added it
// does nothing, and neither for one that cannot be compared, such as a func: pass a
// pointer.
func (c *Collector) Remove(s Source) {
	removed := &source{Source: s}
	c.mu.Lock()
	found := c.sources.remove(removed.identity())
	c.mu.Unlock()
	if found {
		return
	}
	if stats := removed.stats(); stats != nil { // without mu, as in Add
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sources.remove(queueOf(stats))
	}
}

// Describe sends the descriptors of all metrics, whatever the sources.
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range slices.Concat(numbers, spoolNumbers) {
		descs <- m.desc
	}
	for _, desc := range []*prometheus.Desc{dropped, breakerState, breakerTransitions, deliveryLatency, deliveryDuration} {
		descs <- desc
	}
}

// Collect takes one snapshot of each source, all at the same time, and sends its metrics.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	sources := c.sources.list()
	c.mu.Unlock()

	calls := make([]*call, len(sources))
	for i, s := range sources {
		calls[i] = s.call()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, s := range sources {
		if stats := calls[i].wait(ctx); stats != nil {
			collect(metrics, s.labels, stats)
		}
	}
}
