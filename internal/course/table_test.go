package course_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

// row reads: with those waiting, when that has happened, it decides so.
type row struct {
	waiting, happened, decides string
}

func play(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.happened, func(t *testing.T) {
			d := newDesk(t, r.waiting)
			d.happens(r.happened)
			assert.Equal(t, r.decides, d.decides())
		})
	}
}

func TestADestinationThatIsWellGetsBatches(t *testing.T) {
	play(t, []row{
		{"", "", "rest"},
		{"abc", "", "try abc"},
		{"abcdefghij", "", "try abcdefgh"},
		{"abc", "next is unasked", "ask for abc"},
		{"", "next is unasked", "rest"},
		{"abc", "a is held; b is held", "try ab"},
	})
}

func TestARecordThatFailsIsTriedAgainAndThenOneBehindIt(t *testing.T) {
	const twice = "a fails; 10ms passes; a fails; "
	play(t, []row{
		{"abc", "a fails", "rest for 10ms, whatever comes"},
		{"abc", "a fails; 4ms passes", "rest for 6ms, whatever comes"},
		{"abc", "a fails; 10ms passes", "try a"},
		{"abc", "a fails; 10ms passes; next is unasked", "ask for a"},
		{"abc", twice, "rest for 10ms, whatever comes"},
		{"abc", twice + "10ms passes", "try b"},
		{"abcd", twice + "10ms passes; b fails", "rest for 20ms, whatever comes"},
		{"abcd", twice + "10ms passes; b fails; 20ms passes; c fails", "rest for 40ms, whatever comes"},
		{"abcd", twice + "10ms passes; b fails; 20ms passes; c fails; 40ms passes", "try d"},
		{"abc", "a fails; 10ms passes; a is taken", "try bc"},
		{"abc", "a fails; a is evicted", "rest for 10ms, whatever comes"},
		{"abc", "a fails; a is evicted; 10ms passes", "try b"},
		{"a", "a fails; a is evicted; 10ms passes", "rest"},
	})
}

func TestARecordBehindThatIsTakenPutsThoseBeforeItAtFault(t *testing.T) {
	const fault = "a fails; 10ms passes; a fails; 10ms passes; b is taken; "
	play(t, []row{
		{"abcdefghij", "a fails; b is taken", "try cdef"}, // in steps
		{"abcdefghij", "a fails; b is taken; c is taken", "try defghij"},
		{"abc", "a fails; b is taken; 10ms passes", "try a"}, // beside the traffic
		{"abc", fault + "10ms passes; c is taken", "try a"},
		{"abc", fault + "20ms passes; a fails", "given up, try c"},
		{"ab", fault, "rest for 10ms"},
		{"ab", fault + "c comes", "try c"},
		{"abcd", "a fails; b fails; c is taken; 10ms passes; a fails; b fails; d is taken", "rest for 20ms"},
		{"abcdef", "a fails; b is taken; 10ms passes; a fails; c is taken", "try def"},
		{"abcdefghijklmn", "a fails; b is taken; c is taken; 10ms passes; a fails", "try defghijk"}, // whole batches
		{"ab", "b is held; a fails; 10ms passes; a is taken", "try b"},
	})
}

func TestARecordIsGivenUpOnlyIfItIsAtFault(t *testing.T) {
	const thrice = "a fails; 10ms passes; a fails; 20ms passes; a fails; "
	play(t, []row{
		{"a", thrice, "rest for 40ms"},
		{"ab", thrice + "b is taken", "rest for 40ms"},
		{"ab", thrice + "b is taken; 40ms passes; a fails", "given up, rest"}, // at the first failure after
		{"ab", "a fails; a fails; b is taken; a fails", "given up, rest"},     // at the third
		{"ab", "a fails; b is taken; a fails", "rest for 20ms"},
		{"ab", "a fails for good", "given up, try b"},
		{"ab", "a panics", "given up, try b"},
		{"ab", "a fails; a fails for good", "given up, rest for 10ms, whatever comes"},
		{"ab", "b is taken; a fails; a fails; a fails", "rest for 40ms"}, // that was before
	})
}

func TestWithoutAGateARecordIsGivenUpPlainly(t *testing.T) {
	d := newDesk(t, "a")
	d.c.Plain = true
	d.happens("a fails; a fails")
	assert.Equal(t, "rest for 20ms", d.decides())
	d.happens("a fails")
	assert.Equal(t, "given up, rest for 10ms", d.decides())
}

func TestRecordsThatFailTogetherAreTriedOneByOne(t *testing.T) {
	play(t, []row{
		{"abcd", "abc fail together", "try a"}, // at once: nobody knows whether it is bad
		{"abcd", "abc fail together; a fails", "rest for 10ms, whatever comes"},
		{"abcd", "abc fail together; a fails; 10ms passes", "try b"},
		{"abcd", "abc fail together; a fails; 5ms passes; b is taken", "try c"},
		{"abcd", "abc fail together; a is taken", "try bc"},
		{"abcd", "abc fail together; a is evicted; 10ms passes", "try b"},
		{"abcd", "abc fail together; fallback is free", "try a"}, // nobody knows whose fault it was
		{"abcd", "abc fail together; fallback is free; a fails", "diverted, divert a"},
	})
}

func TestARecordFoundAtFaultLatelyMakesTheNextOneLookLikeOneMore(t *testing.T) {
	const lately = "a fails; b is taken; 10ms passes; a fails; 20ms passes; a fails; "
	play(t, []row{
		{"abcd", lately + "c fails", "try d"}, // without a pause
		{"abcd", lately + "970ms passes; c fails", "rest for 10ms, whatever comes"},
		{"abcde", lately + "c fails; d fails", "rest for 10ms, whatever comes"},
		{"abc", lately + "c fails", "rest for 10ms"}, // nothing behind
	})
}

func TestWithNothingBehindThePauseGrowsToTheOpenTime(t *testing.T) {
	d := newDesk(t, "a")
	d.happens("a fails; 10ms passes")
	for _, pause := range []string{"20ms", "40ms", "80ms", "160ms", "320ms", "640ms", "1.28s", "2.56s", "5s", "5s"} {
		require.Equal(t, "try a", d.decides())
		d.happens("a fails")
		assert.Equal(t, "rest for "+pause, d.decides())
		d.happens(pause + " passes")
	}
	d.happens("a fails; b comes")
	assert.Equal(t, "rest for 10ms, whatever comes", d.decides(), "now one behind it can tell")
}

func TestInAnOutageWhoWaitedLongestIsTriedUnlessThereAreOthers(t *testing.T) {
	d := newDesk(t, "abcd")
	d.happens("a fails; 1s passes; b fails; 1s passes; c fails; 1s passes; d fails; 1s passes")
	assert.Equal(t, "try a", d.decides())
	d.happens("a fails; 10ms passes")
	assert.Equal(t, "try b", d.decides())
	d.happens("b fails; e comes")
	assert.Equal(t, "rest for 80ms, whatever comes", d.decides(), "the fourth has failed")
	d.happens("80ms passes")
	assert.Equal(t, "try e", d.decides())
}

func TestHoweverManyHaveFailedTheNextOneIsTried(t *testing.T) {
	d := newDesk(t, "")
	for i := range 5000 {
		h := held{Value: "a", Seq: uint64(i + 1)}
		d.c.Failed(h, course.Failure{}, d.f.Now)
		d.happens("1s passes")
	}
	d.waiting = []string{"b"}
	d.f.Waiting = 1
	assert.Equal(t, course.Decision{Act: course.Try, From: course.Queue, N: 1}, d.c.Decide(d.f))
	d.happens("the gate gives a probe")
	assert.Equal(t, course.Decision{Act: course.Try, From: 0, N: 1}, d.c.Decide(d.f), "the oldest")
	assert.Equal(t, course.Decision{Act: course.Try, From: course.Queue, N: 1}, d.c.Decide(d.f))
}

func TestADestinationThatIsRefusedIsLeftAlone(t *testing.T) {
	play(t, []row{
		{"abc", "refused for 5s", "rest for 5s, whatever comes"},
		{"", "refused for 5s", "rest for 5s, whatever comes"},
		{"abc", "next is busy", "rest, whatever comes"},
		{"abc", "next is hung", "rest, whatever comes"},
		{"abc", "a fails; next is hung; 1h passes", "rest, whatever comes"},
	})
}

func TestWhoIsWokenTriesTheOldestAtOnce(t *testing.T) {
	const outage = "a fails; 10ms passes; a fails; 10ms passes; b fails; c is held; "
	play(t, []row{
		{"abcd", outage + "somebody wakes it", "try a"},
		{"abcd", outage + "refused for 5s; next is free", "try a"},
		{"abcd", outage + "a shutdown begins", "try a"},
		{"abcd", outage + "a shutdown begins; a is taken", "try bc"},
		{"abcd", "a fails; b is taken; c fails; somebody wakes it", "try c"}, // not who is at fault
		{"a", "a fails; somebody wakes it", "try a"},
	})
}

func TestWhatTheGateHearsOf(t *testing.T) {
	for happened, charges := range map[string]int{
		"a fails":                            1,
		"a fails; a fails; a fails":          1, // one record is one failure
		"a fails; b fails; a fails; b fails": 2,
		"a fails for good":                   0,
		"a panics":                           1,
		"a fails; a panics":                  1,
		"a is torn; a is torn":               1,
		"abc fail together":                  1,
		"abc fail together; a fails; b fails; c fails": 3,
		"abc fail together; abc fail together":         1,
	} {
		t.Run(happened, func(t *testing.T) {
			d := newDesk(t, "abcd")
			d.happens(happened)
			assert.Equal(t, charges, d.charges)
		})
	}
}
