package asynchandler

import (
	"errors"

	"github.com/asynchandler/asynchandler/breaker"
)

// gate is a breaker as the queue sees it.
type gate struct{ *breaker.Breaker }

// BreakerStats returns what Stats shows of the breaker.
func (g gate) BreakerStats() BreakerStats { return BreakerStats(g.Snapshot()) }

// newBreaker returns the breaker that the options ask for. A panic is a failure,
// whatever the user's predicates say of errors.
func newBreaker(o *options, onError func(error)) *breaker.Breaker {
	s := o.settings
	if isSuccessful := s.IsSuccessful; isSuccessful != nil {
		s.IsSuccessful = func(err error) bool { return !isPanic(err) && isSuccessful(err) }
	}
	if isExcluded := s.IsExcluded; isExcluded != nil {
		s.IsExcluded = func(err error) bool { return !isPanic(err) && isExcluded(err) }
	}
	return breaker.NewBreaker(s, onError)
}

// callbackPanicked is told by the breaker of a panic in a callback of its settings.
func (h *Handler) callbackPanicked(err error) {
	if p, ok := errors.AsType[*breaker.PanicError](err); ok {
		h.queue.Panicked(p.Value, p.Stack)
	}
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*PanicError](err)
	return ok
}
