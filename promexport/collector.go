package promexport

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
// All methods may be called concurrently, also during a scrape: that one shows a source
// which is added or removed meanwhile or does not.
type Collector struct {
	mu      sync.Mutex
	sources []*source // replaced, never changed, so that a scrape can read them without mu
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
// A source that was added before is not added again.
func (c *Collector) Add(s Source) {
	added := &source{Source: s}
	name := "unknown"
	// Without mu: a source that hangs must not hold up scrapes.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if stats := added.call().wait(ctx); stats != nil && stats.Name != "" {
		name = strings.ToValidUTF8(stats.Name, "\uFFFD")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.sources, added.is) {
		return
	}
	added.label = c.freeLabel(name)
	c.sources = append(slices.Clip(c.sources), added)
}

// freeLabel returns name, with a suffix if another source has it.
func (c *Collector) freeLabel(name string) string {
	label := name
	taken := func(s *source) bool { return s.label == label }
	for n := 2; slices.ContainsFunc(c.sources, taken); n++ {
		label = fmt.Sprintf("%s-%d", name, n)
	}
	return label
}

// Remove ends what Add began, and makes the label free for another source. For a source
// that was never added it does nothing, and neither for one that cannot be compared, such
// as a func: pass a pointer.
func (c *Collector) Remove(s Source) {
	removed := &source{Source: s}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources = slices.DeleteFunc(slices.Clone(c.sources), removed.is)
}

// Describe sends the descriptors of all metrics, whatever the sources.
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range numbers {
		descs <- m.desc
	}
	for _, desc := range []*prometheus.Desc{dropped, breakerState, breakerTransitions, deliveryLatency, deliveryDuration} {
		descs <- desc
	}
}

// Collect takes one snapshot of each source, all at the same time, and sends its metrics.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	sources := c.sources
	c.mu.Unlock()

	calls := make([]*call, len(sources))
	for i, s := range sources {
		calls[i] = s.call()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, s := range sources {
		if stats := calls[i].wait(ctx); stats != nil {
			collect(metrics, s.label, stats)
		}
	}
}
