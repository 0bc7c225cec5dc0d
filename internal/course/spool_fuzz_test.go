package course_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

// spooled is a script with a disk.
type spooled struct{ script }

func (s *spooled) event(b byte) {
	d, n := s.disk, b>>4
	switch b % 16 {
	case 6: // there is no fallback beside it
		d.way = [...]course.Way{course.Free, course.Busy, course.Hung, course.Free}[n%4]
		d.few = []int{math.MaxInt, 3}[n/4%2]
	case 9:
		if n < 8 {
			s.evicts(int(n))
		} else {
			d.fails = n%2 == 1
		}
	case 10:
		switch {
		case n == 0:
			s.crash()
		case n < 4:
			d.late = s.draining
		default:
			s.c.Wake()
		}
	default:
		s.script.event(b)
	}
}

// end lets all be well. In a shutdown some may be left on the disk.
func (s *spooled) end() {
	d := s.disk
	s.mode, s.f.Next, s.f.Pressed = 0, course.Unasked, false
	d.way, d.fails, d.few = course.Free, false, math.MaxInt
	for range 3 {
		s.pass(time.Hour)
	}
	s.balanced()
	assert.Zero(s.t, s.c.Len()-s.c.Stored()+len(s.queue))
	assert.False(s.t, s.c.Torn())
	if !s.draining {
		assert.Len(s.t, s.fates, int(s.seq))
		assert.Empty(s.t, d.records)
	}
}

func FuzzEachRecordHasOneFateWithADisk(f *testing.F) {
	f.Add([]byte{0x15, 0x18, 0xf0, 0xfc, 0xfc, 0x05, 0xfc})             // an outage
	f.Add([]byte{0x15, 0x18, 0xf0, 0xf0, 0xfc, 0x25, 0xfc, 0x0a, 0x05}) // a crash behind bad records
	f.Add([]byte{0x25, 0x03, 0x18, 0x03, 0xf0, 0xfc, 0xf3, 0xfc, 0x05}) // bad ones
	f.Add([]byte{0x37, 0x18, 0xf0, 0x26, 0xf0, 0x06, 0x07, 0xfc})       // a hang, of the disk too
	f.Add([]byte{0x15, 0x18, 0xf0, 0x39, 0xf0, 0xfc, 0x49, 0x05, 0xfc}) // a full disk
	f.Add([]byte{0x15, 0x18, 0xf0, 0x99, 0xf0, 0xfc, 0x89, 0x05, 0xfc}) // a broken one
	f.Add([]byte{0x15, 0x18, 0xf0, 0x75, 0xfc, 0x05, 0x0b, 0x30, 0xfc}) // torn, in a shutdown
	f.Fuzz(func(t *testing.T, events []byte) {
		events = events[:min(len(events), 200)]
		s := &spooled{script{rig: newRig(t)}}
		s.answers = s.answer
		s.disk = &disk{loaded: loadedSeq, few: math.MaxInt, prefixOnly: len(events) > 0 && events[0]%8 == 7}
		for _, b := range events {
			s.event(b)
			s.settle()
			s.balanced()
			if d := s.disk; d.facts(s.f.Now).Way == course.Free && s.f.Next == course.Unasked && !s.draining && !s.probing {
				require.Zero(t, d.removable(), "what is done stays on the disk")
			}
			require.False(t, t.Failed())
		}
		s.end()
	})
}
