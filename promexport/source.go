package promexport

import (
	"context"
	"reflect"
	"sync/atomic"

	"github.com/asynchandler/asynchandler"
)

// Sources returns the members of m, each of which has a queue of its own:
//
//	promexport.NewCollector(promexport.Sources(m)...)
func Sources(m *asynchandler.MultiHandler) []Source {
	var members []Source
	for _, h := range m.Handlers() {
		members = append(members, h)
	}
	return members
}

// source is a Source that may misbehave, and what the set of all knows of it.
type source struct {
	Source
	labels *labels
	ids    []any
	late   atomic.Pointer[call] // the last one that was not waited for to the end
}

// identity is equal for two with the same Source. It is nil for one that is nil or cannot
// be compared.
func (s *source) identity() any {
	if reflect.ValueOf(s.Source).Comparable() {
		return s.Source
	}
	return nil
}

// stats asks for one snapshot. It returns nil if that fails.
func (s *source) stats() *asynchandler.Stats {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.call().wait(ctx)
}

// call calls Stats on a goroutine of its own. It returns nil if an earlier call is stuck:
// each scrape would leave another goroutine behind.
func (s *source) call() *call {
	if late := s.late.Load(); late != nil && len(late.result) == 0 {
		return nil
	}
	c := &call{source: s, result: make(chan *asynchandler.Stats, 1)}
	go c.run()
	return c
}

// call is one call of Stats.
type call struct {
	source *source
	result chan *asynchandler.Stats // gets nil if Stats panicked
}

func (c *call) run() {
	var stats *asynchandler.Stats
	defer func() {
		_ = recover() // the source is missing from the scrape, which is what an alert can see
		c.result <- stats
	}()
	got := c.source.Stats()
	stats = &got
}

// wait returns what Stats returned, or nil if it panicked or ctx ends first.
func (c *call) wait(ctx context.Context) *asynchandler.Stats {
	if c == nil {
		return nil
	}
	select {
	case stats := <-c.result:
		return stats
	case <-ctx.Done():
	}
	select {
	case stats := <-c.result: // another source used up the time, not this one
		return stats
	default:
		c.source.late.Store(c)
		return nil
	}
}
