package course_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/course"
)

func TestWhoSeesToOthersWhenACallBegins(t *testing.T) {
	for happened, who := range map[string]course.StandIn{
		"":                                       course.Nobody,
		"fallback is free":                       course.Nobody, // next is well
		"fallback is free; next is unasked":      course.Nobody,
		"fallback is free; the queue is pressed": course.Nobody,
		"a fails":                                course.Nobody, // nobody else would take them
		"a fails; the queue is pressed":          course.Nobody,
		"a fails; fallback is busy; the queue is pressed":                          course.Nobody,
		"a fails; fallback is hung; the queue is pressed":                          course.Nobody,
		"a fails; fallback is free":                                                course.OnCall,
		"a fails; fallback is free; the queue is pressed":                          course.Another,
		"a fails; b is taken; fallback is free; the queue is pressed":              course.Nobody,
		"a fails; fallback is free; the queue is pressed; a shutdown begins":       course.Nobody,
		"a fails; fallback is free; a shutdown begins":                             course.Nobody,
		"a fails; fallback is free; the queue is pressed; the gate gives a probe":  course.Another,
		"a fails; a fails; fallback is free; the queue is pressed; 1h passes":      course.Another,
		"a fails for good; fallback is free; the queue is pressed; b is taken":     course.Nobody,
		"abc fail together; fallback is free; the queue is pressed; a is evicted":  course.Another,
		"abc fail together; fallback is free; the queue is pressed; abc are taken": course.Nobody,
	} {
		t.Run(happened, func(t *testing.T) {
			d := newDesk(t, "abc")
			d.happens(happened)
			assert.Equal(t, who, d.c.StandBy(d.f))
		})
	}
}

func TestWhoIsRelievedOfALongCall(t *testing.T) {
	const pressed = "fallback is free; the queue is pressed; "
	for _, r := range []struct {
		happened string
		call     course.Call
		relieved bool
	}{
		{"fallback is free", course.Call{Next: true, Still: time.Hour}, false}, // there is room
		{pressed, course.Call{Next: true, Still: course.Long}, true},
		{pressed, course.Call{Next: true, Still: course.Long - 1}, false}, // it may return
		{pressed + "a fails", course.Call{Next: true}, true},              // it may well be in vain
		{pressed + "a fails; b is taken", course.Call{Next: true}, false},
		{pressed + "a fails", course.Call{Still: course.Long - 1}, false}, // next's trouble, not the fallback's
		{"fallback is busy; the queue is pressed", course.Call{Still: course.Long}, true},
		{"fallback is free", course.Call{Next: true, Late: true}, true},
		{"fallback is free", course.Call{Late: true}, true},
		{"the disk is free", course.Call{Next: true, Still: course.Long}, false},
		{"the disk is free; the queue is pressed", course.Call{Next: true, Still: course.Long}, true},
		{"the disk is refused; the queue is pressed", course.Call{Next: true, Still: course.Long}, false}, // nor elsewhere
		{"the disk is busy; the queue is pressed", course.Call{Next: true, Still: course.Long}, false},
		{"the disk is refused; the queue is pressed", course.Call{Next: true, Late: true}, false},
		{"the disk is refused; " + pressed, course.Call{Next: true, Still: course.Long}, true},
		{"the disk is busy; the queue is pressed", course.Call{Still: course.Long}, true}, // next is tried meanwhile
	} {
		t.Run(r.happened, func(t *testing.T) {
			d := newDesk(t, "abc")
			d.happens(r.happened)
			assert.Equal(t, r.relieved, d.c.Relieve(d.f, r.call))
		})
	}
}
