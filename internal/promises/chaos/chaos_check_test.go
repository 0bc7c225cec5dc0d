package chaos_test

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
	sum := st.Delivered + st.Fallback + st.Failed + st.Dropped + uint64(st.Depth) + uint64(st.Spooled)
	assert.Equal(s.t, st.Received+st.Recovered, sum, "%+v", st)
}

// still returns the statistics and what next has taken, of one moment: a function that a
// shutdown has left behind may log on a machine with little time for it.
func (s *subject) still() (st asynchandler.Stats, taken []string, torn string) {
	for {
		st = s.Stats()
		taken, torn = s.settled()
		if now := s.Stats(); now.Received == st.Received && now.Delivered == st.Delivered {
			return st, taken, torn
		}
	}
}

// check holds the statistics against the ledger. Nobody does anything meanwhile, but calls
// into next may hang, and so may callers in their wake.
func (s *subject) check(ended, bubble bool) {
	st, taken, torn := s.still()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkBalance(st)
	returned, direct, doubtful, underway := 0, 0, 0, 0
	for id, g := range s.given {
		if g.before {
			continue
		}
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
	assert.LessOrEqual(s.t, int(st.Received), len(s.given)-int(st.Recovered))
	s.checkOnce(place{"next", taken}, place{"fallback", s.fallback})
	s.checkNotDropped(taken, s.fallback)
	s.checkOutcomes(st, len(taken), direct)
	s.checkDrops(st)
	if ended && s.disk != nil && s.disk.mayFail() {
		s.checkOrder(taken[:s.early], 0) // in the shutdown memory may be delivered, which is younger
	} else {
		s.checkOrder(taken, 0)
	}
	if s.writes {
		assert.Len(s.t, s.output, int(st.WrittenBytes))
	}
	if !ended {
		return
	}
	assert.LessOrEqual(s.t, len(s.given)-underway, int(st.Received+st.Recovered)+doubtful)
	unfinished := 0 // of a record that was torn after the end, who comes next writes the rest
	if torn != "" && direct > 0 {
		unfinished = 1
	}
	assert.LessOrEqual(s.t, st.Depth, unfinished, "%+v", st)
	assert.Zero(s.t, st.InFlight)
	assert.Zero(s.t, st.MemoryUsed)
	if torn != "" && !s.tornLine { // of a record that is on the disk, perhaps
		assert.NotZero(s.t, s.undrained+direct, "a torn line after all was delivered: %q", torn)
	}
	assert.Equal(s.t, s.setting.functions, s.functions, "functions run at the shutdown")
	s.checkTrouble(st, bubble)
	if s.disk != nil {
		s.disk.check(taken)
	}
	switch {
	case st.Stalls > 0 || bubble: // in a bubble there is no monotonic time
	case s.hasSpool: // nor in what comes from the disk
		assert.GreaterOrEqual(s.t, st.Delivered, st.Latency.Count)
	default:
		assert.Equal(s.t, st.Delivered+st.Fallback, st.Latency.Count)
	}
}

// checkOutcomes compares the counts of what next and the fallback took. Where a line was
// torn in a call after the end, its rest may follow although it has failed; and a delivery
// that hangs may have written some lines in a Write before the one that hangs. A call of
// the fallback that hangs is given up, whatever it returns in the end.
func (s *subject) checkOutcomes(st asynchandler.Stats, taken, direct int) {
	early := direct
	switch {
	case !s.writes:
		early = 0
	case st.Depth+st.Spooled > 0: // InFlight is 0 while a call is at the moment of its beginning, which lasts in a bubble
		early += s.batch
	}
	assert.LessOrEqual(s.t, int(st.Delivered), taken)
	assert.GreaterOrEqual(s.t, int(st.Delivered)+early, taken)
	assert.LessOrEqual(s.t, int(st.Fallback), len(s.fallback))
	assert.GreaterOrEqual(s.t, st.Fallback+st.Stalls, uint64(len(s.fallback)))
	assert.Equal(s.t, s.reports, int(st.DropReports), "drop reports")
	if _, _, blameIt := s.next.harm(); blameIt == 0 && s.endless && s.breaker && !s.hasFallback && s.undrained == 0 {
		assert.LessOrEqual(s.t, int(st.Failed), s.directFailures(), "an outage is no record's fault")
	}
}

func (s *subject) directFailures() (n int) {
	for _, g := range s.given {
		if !g.before && (!g.returned || g.err != nil) {
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
		assert.Contains(s.t, []asynchandler.DropReason{asynchandler.DropOverflow, asynchandler.DropMemory, asynchandler.DropShutdown, asynchandler.DropSpool}, reason, id)
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

// place is where records were found.
type place struct {
	name string
	ids  []string
}

// checkOnce checks that no record was seen in two places, or twice in one.
func (s *subject) checkOnce(places ...place) {
	seen := map[string]string{}
	for _, place := range places {
		for _, id := range place.ids {
			assert.NotNil(s.t, s.given[id], "%q was never given to Handle", id)
			assert.Empty(s.t, seen[id], "%s is at %s too", id, place.name)
			seen[id] = place.name
		}
	}
}

// checkNotDropped checks that no record that was seen was dropped too.
func (s *subject) checkNotDropped(seen ...[]string) {
	ids := slices.Concat(seen...)
	for id, reason := range s.dropped {
		assert.NotNil(s.t, s.given[id], "%q was never given to Handle", id)
		assert.NotContains(s.t, ids, id, "was dropped as %s too", reason)
	}
}

// checkDrops compares the calls of OnDrop with the counts. There is none for what a call from
// within OnDrop drops: that record, or others that it takes the place of. A call that waits for
// room has still to tell what it has dropped to make room.
func (s *subject) checkDrops(st asynchandler.Stats) {
	silent, waiting := 0, false
	for _, g := range s.given {
		if g.silent {
			silent++
		}
		waiting = waiting || !g.returned && !g.before
	}
	missing := map[asynchandler.DropCount]int{}
	for _, d := range st.Drops {
		missing[asynchandler.DropCount{Reason: d.Reason, Level: d.Level}] += int(d.Count)
	}
	for id, reason := range s.dropped {
		missing[asynchandler.DropCount{Reason: reason, Level: s.given[id].level}]--
	}
	own := 0
	for what, n := range missing {
		switch {
		case what.Reason == asynchandler.DropSpool && s.holding.Load() > 0: // the worker tells of those
		case silent == 0 && !waiting:
			assert.Zero(s.t, n, "calls of OnDrop for %v", what)
		case what.Reason != asynchandler.DropOverflow && what.Reason != asynchandler.DropMemory:
			own += n
		}
		assert.GreaterOrEqual(s.t, n, 0, "calls of OnDrop for %v", what)
	}
	assert.LessOrEqual(s.t, own, silent, "drops that OnDrop was not called for")
}

// checkOrder checks that the records of each producer are in their order, but for those that
// next had refused before, and for so many others.
func (s *subject) checkOrder(ids []string, others int) {
	var late []string
	latest := map[int]int{}
	for _, id := range ids {
		g := s.given[id]
		if g == nil || g.producer < 0 || s.refused[id] {
			continue
		}
		_, number, _ := strings.Cut(id, "-")
		n, err := strconv.Atoi(number)
		assert.NoError(s.t, err)
		if n < latest[g.producer] {
			late = append(late, id)
		}
		latest[g.producer] = max(latest[g.producer], n)
	}
	assert.LessOrEqual(s.t, len(late), others, "too late: %s, in %s", late, ids)
}

// checkTrouble compares what the error handler was told with the counts.
func (s *subject) checkTrouble(st asynchandler.Stats, bubble bool) {
	assert.LessOrEqual(s.t, s.told.failures, int(st.DeliveryErrors))
	assert.LessOrEqual(s.t, s.told.stalls, int(st.Stalls))
	all := s.told.failures + s.told.stalls + s.told.panics + s.told.suppressed
	assert.GreaterOrEqual(s.t, all, int(st.DeliveryErrors+st.Stalls))
	assert.LessOrEqual(s.t, all, int(st.DeliveryErrors+st.Stalls+st.Panics))
	assert.LessOrEqual(s.t, s.told.panics, int(st.Panics))
	if bubble {
		assert.True(s.t, s.panicsCounted(), "panics that are in no count")
	} // else settle has waited for that, and a callback may throw any time now
	byNext, exits, _ := s.next.harm()
	byOther, exits2, _ := s.other.harm()
	if s.disk != nil { // which has no fallback beside it
		byOther, exits2, _ = s.disk.fate.harm()
	}
	// A Goexit of next, called after the end by what a callback logs, ends the callback too.
	assert.LessOrEqual(s.t, int(st.Panics), byNext+byOther+exits+exits2)
	assert.Equal(s.t, st.Panics+st.DeliveryErrors+st.Stalls > 0, st.LastError != "")
}

// panicsCounted reports whether the statistics know of all panics and Goexits so far.
func (s *subject) panicsCounted() bool {
	byNext, _, _ := s.next.harm()
	byOther, _, _ := s.other.harm()
	if s.disk != nil {
		byOther, _, _ = s.disk.fate.harm()
	}
	seen := int(s.Stats().Panics)
	if s.writes {
		seen *= 2 // the writer may panic over the lines before the record whose handler did: one panic then
	}
	return byNext+byOther <= seen
}
