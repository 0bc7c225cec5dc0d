package course_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

// script is what a fuzz test does to a rig: each byte is an event.
type script struct {
	*rig
	mode byte // of the destination
}

// answer is what the destination says to a record.
func (s *script) answer(h *course.Held[item]) (a answer) {
	a.taken = true
	switch s.mode % 8 {
	case 1: // it is down
		a.taken = false
	case 2:
		a.taken = !h.Value.bad
	case 3: // it refuses batches as a whole
		a.taken, a.unknown = !h.Value.bad, true
	case 4:
		a.taken, a.Permanent = !h.Value.bad, true
	case 5:
		a.taken, a.Panicked = !h.Value.bad, true
	case 6:
		a.taken, a.Torn = h.Torn() || h.Seq%5 != 0, true
	case 7: // it is down, in the middle of a line
		a.taken, a.Torn = false, true
	}
	return a
}

func (s *script) event(b byte) {
	ways := [...]course.Way{course.Free, course.Missing, course.Busy, course.Hung}
	n := b >> 4
	switch b % 16 {
	case 0, 1, 2:
		for range n + 1 {
			s.comes(false)
		}
	case 3, 4:
		s.comes(true)
	case 5:
		s.mode = n
	case 6:
		s.f.Fallback = ways[n%4]
	case 7:
		s.f.Next = [...]course.Way{course.Unasked, course.Unasked, course.Busy, course.Hung}[n%4]
		if s.f.Next == course.Hung && s.probing {
			s.probing = false
			s.c.EndProbe()
		}
	case 8:
		s.f.Pressed = n%2 == 1
	case 9:
		s.evict(uint64(n))
	case 10:
		s.c.Wake()
	case 11:
		if n == 0 && !s.draining {
			s.draining, s.probing = true, false
			s.c.Drain(s.f.Next == course.Hung)
		}
	default:
		s.pass(time.Millisecond << n)
	}
}

// evict drops some of those held, as a full queue does.
func (s *script) evict(n uint64) {
	s.c.Remove(func(h *course.Held[item]) bool {
		out := !h.Torn() && h.Seq%7 == n%7
		if out {
			s.fates[h.Value.id] = "dropped"
		}
		return out
	})
}

// end lets all be well, so that each record must have its fate soon.
func (s *script) end() {
	if s.mode, s.f.Next = 0, course.Unasked; s.f.Fallback == course.Busy {
		s.f.Fallback = course.Free
	}
	s.pass(time.Hour)
	assert.Zero(s.t, s.c.Len()+len(s.queue))
	assert.Len(s.t, s.fates, int(s.seq))
	assert.False(s.t, s.c.Torn())
	assert.Zero(s.t, s.rested.Wait)
}

func FuzzEachRecordHasOneFate(f *testing.F) {
	f.Add([]byte{0x15, 0x30, 0xfc, 0xfc, 0x05, 0xfc})       // an outage
	f.Add([]byte{0x25, 0x03, 0x03, 0x30, 0xac, 0x03, 0xac}) // bad records
	f.Add([]byte{0x35, 0x73, 0x30, 0x03, 0xfc})             // a batch
	f.Add([]byte{0x75, 0x30, 0xac, 0x06, 0xac, 0x0a, 0xac}) // a torn line, and a fallback
	f.Add([]byte{0x15, 0x30, 0xfc, 0x75, 0xfc, 0xfc, 0xfc}) // torn in a probe
	f.Add([]byte{0x15, 0x30, 0xfc, 0x06, 0x0b, 0x30, 0xac}) // a shutdown
	f.Add([]byte{0x25, 0x26, 0x03, 0x30, 0xac, 0x03, 0xfc}) // a fallback that is busy
	f.Add([]byte{0x37, 0x30, 0x06, 0xfc, 0x07, 0x27, 0x18}) // a hang
	f.Fuzz(func(t *testing.T, events []byte) {
		events = events[:min(len(events), 200)] // long scripts find no more than short ones
		s := &script{rig: newRig(t)}
		s.answers = s.answer
		for _, b := range events {
			s.event(b)
			s.settle()
			require.False(t, t.Failed())
		}
		s.end()
	})
}
