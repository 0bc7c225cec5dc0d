package promexport

import (
	"context"
	"reflect"
	"sync/atomic"

	"github.com/asynchandler/asynchandler"
)

// source is a Source that may misbehave, and the label it is shown with.
type source struct {
	Source
	label string
	late  atomic.Pointer[call] // the last one that was not waited for to the end
}

// is reports whether other has the same Source. One that cannot be compared is like none.
func (s *source) is(other *source) bool {
	return reflect.ValueOf(s.Source).Comparable() && reflect.ValueOf(other.Source).Comparable() &&
		s.Source == other.Source
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
