package course_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

type held = course.Held[string]

// desk tells a Course what a script says. Records are single letters, the alphabet is their
// age.
type desk struct {
	t       *testing.T
	c       course.Course[string]
	f       course.Facts
	waiting []string
	last    string // what became of the record that failed last
	charges int    // failures that the gate has heard of
}

func newDesk(t *testing.T, waiting string) *desk {
	d := &desk{t: t, waiting: strings.Split(waiting, "")}
	if waiting == "" {
		d.waiting = nil
	}
	d.c.MaxAttempts, d.c.OpenTime = 3, 5*time.Second
	d.f = course.Facts{
		Now:   time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
		Batch: 8, Next: course.Free, Fallback: course.Missing,
	}
	return d
}

var (
	ways = map[string]course.Way{
		"free": course.Free, "unasked": course.Unasked, "missing": course.Missing,
		"refused": course.Refused, "busy": course.Busy, "hung": course.Hung,
	}
	failures = map[string]course.Failure{
		"fails": {}, "fails for good": {Permanent: true}, "panics": {Panicked: true}, "is torn": {Torn: true},
	}
)

// happens plays a script: sentences with semicolons in between.
func (d *desk) happens(script string) {
	for sentence := range strings.SplitSeq(script, ";") {
		if sentence = strings.TrimSpace(sentence); sentence != "" {
			d.last = ""
			d.hear(sentence)
		}
	}
}

func (d *desk) hear(sentence string) {
	subject, rest, _ := strings.Cut(sentence, " ")
	failure, isFailure := failures[rest]
	switch {
	case isFailure:
		d.fail(subject, failure)
	case rest == "fail together":
		if d.c.FailedTogether(d.take(subject), false, d.f.Now) {
			d.charges++
		}
	case rest == "is taken", rest == "are taken":
		taken := d.take(subject)
		d.c.Taken(taken[len(taken)-1].Seq, d.f.Batch, d.f.Now)
	case rest == "is held":
		d.c.Hold(d.take(subject)...)
	case rest == "is evicted":
		d.c.Remove(func(h *held) bool { return h.Value == subject })
	case rest == "comes":
		d.waiting = append(d.waiting, subject)
	case rest == "passes":
		d.pass(subject)
	case sentence == "the queue is pressed":
		d.f.Pressed = true
	case strings.HasPrefix(sentence, "the disk is "):
		d.f.Spool.On, d.f.Spool.Way = true, d.way(strings.TrimPrefix(sentence, "the disk "))
	case sentence == "the gate gives a probe":
		d.f.Next, d.f.Probe = course.Free, true
	case sentence == "the gate closes":
		d.f.Next, d.f.Probe = course.Free, false
	case subject == "refused":
		d.refuse(rest)
	case sentence == "somebody wakes it":
		d.c.Wake()
	case sentence == "a shutdown begins":
		d.c.Drain(false)
	case sentence == "a shutdown begins while next is down":
		d.c.Drain(true)
	case subject == "next":
		d.f.Next = d.way(rest)
	case subject == "fallback":
		d.f.Fallback = d.way(rest)
	default:
		require.Fail(d.t, "not understood", sentence)
	}
}

func (d *desk) way(s string) course.Way {
	way, ok := ways[strings.TrimPrefix(s, "is ")]
	require.True(d.t, ok, s)
	return way
}

func (d *desk) pass(s string) {
	passed, err := time.ParseDuration(s)
	require.NoError(d.t, err)
	d.f.Now = d.f.Now.Add(passed)
}

// refuse is what the gate does when it is asked and is open.
func (d *desk) refuse(retry string) {
	var err error
	d.f.Next = course.Refused
	d.f.Probe = false
	d.f.Retry, err = time.ParseDuration(strings.TrimPrefix(retry, "for "))
	require.NoError(d.t, err)
	d.c.Wake()
}

func (d *desk) fail(name string, f course.Failure) {
	f.Fallback = d.f.Fallback == course.Free || d.f.Fallback == course.Busy
	fate, charge := d.c.Failed(d.take(name)[0], f, d.f.Now)
	d.last = map[course.Fate]string{course.GivenUp: "given up, ", course.Diverted: "diverted, "}[fate]
	if charge {
		d.charges++
	}
}

// take takes records out of those held, or of the queue.
func (d *desk) take(names string) (records []held) {
	for name := range strings.SplitSeq(names, "") {
		if i := d.find(name); i >= 0 {
			records = d.c.Take(records, i, 1)
			continue
		}
		i := slices.Index(d.waiting, name)
		require.GreaterOrEqual(d.t, i, 0, "%s is nowhere", name)
		d.waiting = slices.Delete(d.waiting, i, i+1)
		records = append(records, held{Value: name, Seq: uint64(name[0])})
	}
	return records
}

func (d *desk) find(name string) int {
	for i := range d.c.Len() {
		if d.c.At(i).Value == name {
			return i
		}
	}
	return -1
}

// decides says in words what became of the record that failed last, and what to do now.
func (d *desk) decides() string {
	d.f.Waiting = len(d.waiting)
	return d.last + d.words(d.c.Decide(d.f))
}

func (d *desk) words(is course.Decision) string {
	switch is.Act {
	case course.Ask:
		return "ask for " + d.names(is)
	case course.Try:
		return "try " + d.names(is)
	case course.Divert:
		return "divert " + d.names(is)
	case course.EndProbe:
		return "end the probe"
	}
	s := "rest"
	if is.Wait > 0 {
		s = fmt.Sprintf("rest for %v", is.Wait)
	}
	if is.Busy {
		s += ", whatever comes"
	}
	if is.Till {
		s += ", till the queue is pressed"
	}
	return s
}

func (d *desk) names(is course.Decision) (names string) {
	if is.From == course.Queue {
		return strings.Join(d.waiting[:min(is.N, len(d.waiting))], "")
	}
	for i := range is.N {
		names += d.c.At(is.From + i).Value
	}
	return names
}

// failAt lets a record fail whose name is no letter of a script.
func (d *desk) failAt(name string) { d.fail(name, course.Failure{}) }
