package asynchandler_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
)

// watch checks what is true of the statistics at any moment, until stop is closed.
func (s *subject) watch(every time.Duration, stop <-chan struct{}) {
	var last asynchandler.Stats
	for {
		now := s.Stats()
		s.checkBalance(now)
		assert.LessOrEqual(s.t, now.MemoryUsed, now.MemoryLimit)
		for _, pair := range [][2]uint64{
			{last.Received, now.Received},
			{last.Delivered, now.Delivered},
			{last.Fallback, now.Fallback},
			{last.Failed, now.Failed},
			{last.Dropped, now.Dropped},
		} {
			assert.LessOrEqual(s.t, pair[0], pair[1], "a counter goes back: %+v, before %+v", now, last)
		}
		last = now
		select {
		case <-stop:
			return
		case <-time.After(every):
		}
	}
}

func (s *subject) checkBalance(st asynchandler.Stats) {
	sum := st.Delivered + st.Fallback + st.Failed + st.Dropped + uint64(st.Depth)
	assert.Equal(s.t, st.Received, sum, "%+v", st)
}

// check holds the statistics against the ledger. Nobody does anything meanwhile, but calls
// into next may hang, and so may callers in their wake.
func (s *subject) check(ended, bubble bool) {
	taken, torn := s.settled()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.Stats()
	s.checkBalance(st)
	returned, direct, doubtful, underway := 0, 0, 0, 0
	for id, g := range s.given {
		if g.doubtful {
			doubtful++
		}
		switch {
		case g.returned:
			returned++
		case g.producer < 0:
			underway++ // from a shutdown function that was left behind, perhaps
		}
		if !g.returned || g.err != nil && !errors.Is(g.err, asynchandler.ErrClosed) && !errors.Is(g.err, asynchandler.ErrDropped) {
			direct++ // or ended by next, which was called on the caller, or still inside
		}
		s.checkResult(id, g, slices.Contains(s.fallback, id))
	}
	assert.LessOrEqual(s.t, returned, int(st.Received))
	assert.LessOrEqual(s.t, int(st.Received), len(s.given))
	s.checkOnce(taken)
	s.checkOutcomes(st, len(taken), direct)
	s.checkDrops(st)
	s.checkOrder(taken)
	if s.writes {
		assert.Len(s.t, s.output, int(st.WrittenBytes))
	}
	if !ended {
		return
	}
	assert.LessOrEqual(s.t, len(s.given)-underway, int(st.Received)+doubtful)
	assert.Zero(s.t, st.Depth, "%+v", st)
	assert.Zero(s.t, st.InFlight)
	assert.Zero(s.t, st.MemoryUsed)
	if torn != "" {
		assert.NotZero(s.t, s.undrained+direct, "a torn line after all was delivered: %q", torn)
	}
	assert.Equal(s.t, s.setting.functions, s.functions, "functions run at the shutdown")
	s.checkTrouble(st)
	if st.Stalls == 0 && !bubble { // in a bubble there is no monotonic time
		assert.Equal(s.t, st.Delivered+st.Fallback, st.Latency.Count)
	}
}

// checkOutcomes compares the counts of what next and the fallback took. Where a line was torn
// in a call after the end, its rest may follow although it has failed; and a delivery that
// hangs may have written some lines in a Write before the one that hangs. A call of the fallback
// that hangs is given up, whatever it returns in the end.
func (s *subject) checkOutcomes(st asynchandler.Stats, taken, direct int) {
	early := direct
	switch {
	case !s.writes:
		early = 0
	case st.Depth > 0: // InFlight is 0 while a call is at the moment of its beginning, which lasts in a bubble
		early += s.batch
	}
	assert.LessOrEqual(s.t, int(st.Delivered), taken)
	assert.GreaterOrEqual(s.t, int(st.Delivered)+early, taken)
	assert.LessOrEqual(s.t, int(st.Fallback), len(s.fallback))
	assert.GreaterOrEqual(s.t, st.Fallback+st.Stalls, uint64(len(s.fallback)))
	assert.Equal(s.t, s.reports, int(st.DropReports), "drop reports")
	if _, _, blameIt := s.next.harm(); blameIt == 0 && s.inOrder && s.breaker && !s.hasFallback && s.undrained == 0 {
		assert.LessOrEqual(s.t, int(st.Failed), s.directFailures(), "an outage is no record's fault")
	}
}

func (s *subject) directFailures() (n int) {
	for _, g := range s.given {
		if !g.returned || g.err != nil {
			n++
		}
	}
	return n
}

// checkResult compares what Handle returned with what became of the record.
func (s *subject) checkResult(id string, g *given, instead bool) {
	reason, dropped := s.dropped[id]
	switch {
	case !g.returned || g.silent:
	case g.err == nil && dropped:
		assert.Contains(s.t, []asynchandler.DropReason{asynchandler.DropOverflow, asynchandler.DropMemory, asynchandler.DropShutdown}, reason, id)
	case g.err == nil:
	case errors.Is(g.err, asynchandler.ErrClosed):
		assert.Equal(s.t, asynchandler.DropClosed, reason, id)
	case errors.Is(g.err, asynchandler.ErrDropped):
		assert.Contains(s.t, []asynchandler.DropReason{
			asynchandler.DropOverflow, asynchandler.DropBlockTimeout, asynchandler.DropMemory, asynchandler.DropOversize, asynchandler.DropReentrant,
		}, reason, id)
	default: // next's own, after the end
		assert.False(s.t, dropped || instead, "%s: %v", id, g.err)
	}
}

// checkOnce checks that no record was seen in two places, or twice in one.
func (s *subject) checkOnce(taken []string) {
	seen := map[string]string{}
	for _, place := range []struct {
		name string
		ids  []string
	}{{"next", taken}, {"fallback", s.fallback}} {
		for _, id := range place.ids {
			assert.NotNil(s.t, s.given[id], "%q was never given to Handle", id)
			assert.Empty(s.t, seen[id], "%s is at %s too", id, place.name)
			seen[id] = place.name
		}
	}
	for id, reason := range s.dropped {
		assert.NotNil(s.t, s.given[id], "%q was never given to Handle", id)
		assert.Empty(s.t, seen[id], "%s was dropped as %s too", id, reason)
	}
}

// checkDrops compares the calls of OnDrop with the counts. What OnDrop itself logs is dropped
// without a call.
func (s *subject) checkDrops(st asynchandler.Stats) {
	silent := 0
	for _, g := range s.given {
		if g.silent {
			silent++
		}
	}
	assert.LessOrEqual(s.t, len(s.dropped), int(st.Dropped))
	assert.GreaterOrEqual(s.t, len(s.dropped)+silent, int(st.Dropped))
	if silent > 0 {
		return
	}
	missing := map[string]int{}
	for _, d := range st.Drops {
		missing[string(d.Reason)+d.Level.String()] += int(d.Count)
	}
	for id, reason := range s.dropped {
		missing[string(reason)+s.given[id].level.String()]--
	}
	for what, n := range missing {
		assert.Zero(s.t, n, "calls of OnDrop for %s", what)
	}
	assert.LessOrEqual(s.t, missing[string(asynchandler.DropShutdown)], s.undrained)
}

// checkOrder checks that next got the records of each producer in their order.
func (s *subject) checkOrder(taken []string) {
	if !s.inOrder {
		return
	}
	latest := map[int]int{}
	for _, id := range taken {
		g := s.given[id]
		if g == nil || g.producer < 0 {
			continue
		}
		_, number, _ := strings.Cut(id, "-")
		n, err := strconv.Atoi(number)
		assert.NoError(s.t, err)
		assert.LessOrEqual(s.t, latest[g.producer], n, "%s was delivered too late", id)
		latest[g.producer] = n
	}
}

// checkTrouble compares what the error handler was told with the counts.
func (s *subject) checkTrouble(st asynchandler.Stats) {
	assert.Equal(s.t, s.told.failures, int(st.DeliveryErrors))
	assert.Equal(s.t, s.told.stalls, int(st.Stalls))
	assert.LessOrEqual(s.t, s.told.panics, int(st.Panics))
	byNext, exits, _ := s.next.harm()
	byOther, exits2, _ := s.other.harm()
	assert.LessOrEqual(s.t, byNext+byOther, int(st.Panics))
	// A Goexit of next, called after the end by what a callback logs, ends the callback too.
	assert.LessOrEqual(s.t, int(st.Panics), byNext+byOther+exits+exits2)
	assert.Equal(s.t, st.Panics+st.DeliveryErrors+st.Stalls > 0, st.LastError != "")
}
