package course_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAProbeTriesTheOldestThenOthersThatWereNotTried(t *testing.T) {
	const probe = "a fails; b fails; c is held; refused for 5s; 5s passes; the gate gives a probe; "
	play(t, []row{
		{"abcde", probe, "try a"},
		{"ab", "a fails; b is taken; the gate gives a probe", "try a"}, // if all are at fault
		{"", "the gate gives a probe", "rest"},                         // they were evicted meanwhile
	})
	d := newDesk(t, "abcde")
	d.happens(probe)
	for _, next := range []string{"a", "c", "d", "e", "b"} {
		require.Equal(t, "try "+next, d.decides())
		assert.True(t, d.c.Probing())
		d.happens(next + " fails")
	}
	assert.Equal(t, "end the probe", d.decides(), "each was tried")
	assert.False(t, d.c.Probing())
}

func TestAProbeEndsWithTheFirstRecordThatIsTaken(t *testing.T) {
	d := newDesk(t, "abc")
	d.happens("a fails; the gate gives a probe")
	require.Equal(t, "try a", d.decides())
	d.happens("a fails")
	require.Equal(t, "try b", d.decides())
	d.happens("b is taken")
	assert.False(t, d.c.Probing())
	assert.False(t, d.c.Troubled())
	d.happens("the gate closes")
	assert.Equal(t, "try c", d.decides())
}

func TestAProbeIsBoundedInNumberAndTime(t *testing.T) {
	d := newDesk(t, "")
	for i := range 100 {
		d.waiting = append(d.waiting, string(rune('A'+i)))
	}
	d.happens("the gate gives a probe")
	for i := range 65 {
		name := string(rune('A' + i))
		require.Equal(t, "try "+name, d.decides())
		d.failAt(name)
	}
	assert.Equal(t, "end the probe", d.decides())
	require.Equal(t, "try A", d.decides(), "the next round begins with the oldest")
	d.failAt("A")
	require.Equal(t, "try "+string(rune('A'+65)), d.decides(), "and goes on where the last one ended")
	d.failAt(string(rune('A' + 65)))
	d.happens("99ms passes")
	require.Equal(t, "try "+string(rune('A'+66)), d.decides())
	d.failAt(string(rune('A' + 66)))
	d.happens("1ms passes")
	assert.Equal(t, "end the probe", d.decides())
}

func TestAProbeCanBeEndedFromOutside(t *testing.T) {
	d := newDesk(t, "ab")
	d.happens("the gate gives a probe")
	require.Equal(t, "try a", d.decides())
	d.c.EndProbe()
	assert.False(t, d.c.Probing())
	require.Equal(t, "try a", d.decides())
	d.happens("a shutdown begins")
	assert.False(t, d.c.Probing(), "a shutdown has no use for it")
}

func TestNothingOvertakesATornRecord(t *testing.T) {
	play(t, []row{
		{"abc", "a is torn", "rest for 10ms, whatever comes"},
		{"a", "a is torn", "rest for 10ms"},
		{"abc", "a is torn; 10ms passes", "try a"},
		{"abc", "a is torn; 10ms passes; a is torn", "rest for 20ms, whatever comes"},
		{"abc", "a is torn; 1s passes; a is torn; 1s passes; a is torn; 1s passes; a is torn", "rest for 80ms, whatever comes"}, // never given up
		{"abc", "b is torn; a is held; 10ms passes", "try b"},
		{"abc", "a is torn; 10ms passes; the gate gives a probe", "try a"},
		{"abc", "a is torn; refused for 5s", "rest for 5s, whatever comes"},
		{"abc", "a is torn; fallback is free", "divert bc"}, // but the fallback has no part of it
		{"abc", "a is torn; fallback is free; 10ms passes", "try a"},
		{"abc", "a is torn; b is held; fallback is free", "divert b"},
		{"abc", "a is torn; fallback is free; next is hung; 1h passes", "divert bc"},
		{"a", "a is torn; fallback is free", "rest for 10ms"},
		{"abc", "a is torn; 10ms passes; a is taken", "try bc"},
	})
	d := newDesk(t, "ab")
	d.happens("a is torn")
	assert.True(t, d.c.Torn())
	assert.True(t, d.c.At(0).Torn())
	assert.True(t, d.c.Troubled())
}

// It would keep the probe's ticket for ever, since no other may be tried.
func TestATornRecordEndsAProbe(t *testing.T) {
	d := newDesk(t, "abc")
	d.happens("the gate gives a probe")
	require.Equal(t, "try a", d.decides())
	d.happens("a is torn")
	assert.Equal(t, "end the probe", d.decides())
	assert.False(t, d.c.Probing())
}

func TestATornRecordIsTroubleThoughItWasAtFaultBefore(t *testing.T) {
	d := newDesk(t, "abc")
	d.happens("a fails; b is taken; 10ms passes; a is torn")
	assert.True(t, d.c.Troubled(), "nothing else can be tried")
}

func TestTheFallbackGetsWhatIsRefused(t *testing.T) {
	const free = "fallback is free; "
	play(t, []row{
		{"abc", free + "a fails", "diverted, divert a"},
		{"abc", free + "a fails for good", "diverted, divert a"},
		{"abc", free + "a panics", "diverted, divert a"},
		{"abc", free + "a is torn", "divert bc"},
		{"abc", free + "the gate gives a probe; a fails", "diverted, divert a"}, // the probe's too
		{"abc", free + "refused for 5s", "divert abc"},
		{"abcdefghij", free + "refused for 5s", "divert abcdefgh"},
		{"abc", free + "b is held; refused for 5s", "divert b"},
		{"", free + "refused for 5s", "rest for 5s"},
		{"abc", free + "next is hung", "divert abc"},
		{"", free + "next is hung", "rest"},
		{"abc", free + "next is busy", "rest, till the queue is pressed"},
		{"abc", free + "next is busy; the queue is pressed", "divert abc"},
		{"abc", free + "the queue is pressed", "try abc"}, // next takes its records
		{"abc", free + "b fails; b is evicted", "try a"},
		{"abc", free + "b fails; b is evicted; the queue is pressed", "divert ac"},
		{"abc", free + "b fails; b is evicted; the queue is pressed; the gate gives a probe", "try a"},
		{"abc", free + "b fails; b is evicted; the queue is pressed; 10ms passes", "try a"}, // it may always be
		{"abcd", free + "b fails; b is evicted; c fails; c is evicted; the queue is pressed; 10ms passes", "divert ad"},
		{"abc", free + "a is taken; the queue is pressed", "try bc"},
		{"abc", "a fails; fallback is busy", "rest for 10ms, whatever comes"},
		{"abc", "fallback is busy; refused for 5s", "rest for 5s, whatever comes"},
		{"abc", "fallback is hung; next is hung", "rest, whatever comes"},
		{"abc", "a fails; fallback is free; 1h passes", "divert a"}, // as soon as it can
	})
}

func TestWhatIsForAFallbackThatIsBusyWaitsForIt(t *testing.T) {
	const busy = "fallback is busy; "
	play(t, []row{
		{"abc", busy + "a fails", "diverted, rest for 10ms, whatever comes"},
		{"abc", busy + "a fails; 10ms passes", "try b"}, // not a again
		{"abc", busy + "a fails; 10ms passes; b is taken", "try c"},
		{"abc", busy + "a fails; b is taken; 1h passes; c is taken", "rest"}, // whoever was at fault
		{"abcd", busy + "a fails; 10ms passes; b is taken; c fails", "diverted, try d"},
		{"ab", busy + "a fails; b fails", "diverted, rest"},
		{"ab", busy + "a fails; b fails; 1h passes; next is unasked", "rest"},
		{"a", busy + "a fails; c comes; 10ms passes", "try c"},
		{"abc", busy + "a fails for good", "diverted, try bc"},
		{"abc", busy + "a panics", "diverted, try bc"},
		{"abc", busy + "a fails; somebody wakes it", "try b"},
		{"abc", busy + "a fails; fallback is free", "divert a"},
		{"abc", busy + "a fails; fallback is hung; 10ms passes", "try a"}, // it may never return
		{"abc", busy + "a is torn; 10ms passes", "try a"},                 // but the fallback has no part of it
		{"abc", busy + "ab fail together", "try a"},                       // nobody knows whose fault it was
		{"abc", busy + "b is held; a fails; c is held; 10ms passes", "try b"},
		{"abcd", busy + "b fails; a is held; c is held; d is taken", "try a"},
		{"abc", busy + "a fails; refused for 5s; the gate gives a probe", "try b"},
		{"a", busy + "a fails; refused for 5s; the gate gives a probe", "rest"},
		{"abc", "a shutdown begins; " + busy + "a fails", "diverted, try b"},
		{"a", "a shutdown begins; " + busy + "a fails; 1h passes", "rest"},
	})
}

func TestInAShutdownNextIsTriedOnceIfItWasDown(t *testing.T) {
	const down = "fallback is free; a shutdown begins while next is down; "
	const up = "fallback is free; a shutdown begins; "
	play(t, []row{
		{"abcd", down, "try abcd"},
		{"abcd", down + "a fails", "diverted, divert a"},
		{"abcd", down + "a fails; a is evicted", "divert bcd"}, // the rest, at once
		{"abcd", down + "a panics; a is evicted", "divert bcd"},
		{"abcd", down + "a fails for good; a is evicted", "try bcd"}, // that says nothing of next
		{"abcd", down + "a fails; a is evicted; b is taken", "try cd"},
		{"abcd", up + "a fails; a is evicted", "try b"},
		{"abcd", up + "a fails; a is evicted; b fails; b is evicted", "try c"}, // perhaps these are bad
		{"abcd", up + "a fails; a is evicted; 100ms passes; b fails; b is evicted", "divert cd"},
		{"abcd", "fallback is free; a fails; a is evicted; a shutdown begins; b fails; b is evicted", "divert cd"},
		{"abcd", "ab fail together; " + down + "a fails; a is evicted", "divert b"}, // the gate knew of a
		{"abcd", down + "ab fail together", "divert a"},
		{"abcd", "a shutdown begins while next is down; a fails; 10ms passes", "try a"}, // nobody else takes it
		{"abcd", "a shutdown begins; a fails; 10ms passes; a fails; 10ms passes; b is taken", "try cd"},
		{"abcd", "a shutdown begins; a fails; b fails; c fails", "try d"}, // without a pause, as in a probe
	})
}

func TestThoseHeldAreInTheOrderOfTheirAge(t *testing.T) {
	d := newDesk(t, "abcde")
	d.happens("c fails; a fails; e is held; b is torn; d is held")
	var order string
	d.c.Remove(func(h *held) bool {
		order += h.Value
		return h.Value != "c"
	})
	assert.Equal(t, "abcde", order)
	require.Equal(t, 1, d.c.Len())
	assert.Equal(t, "c", d.c.At(0).Value)
	taken := d.c.Take(nil, 0, 1)
	assert.Equal(t, 1, taken[0].Attempts)
	assert.Zero(t, d.c.Len())
}
