package course_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/course"
)

// picky takes all but bad records, at once.
func picky(h *course.Held[item]) answer { return answer{taken: !h.Value.bad} }

func TestBadRecordsInARowDelayGoodOnesAsLittleAsPromised(t *testing.T) {
	for bad, atMost := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: 500 * time.Millisecond, 4: 500 * time.Millisecond, 16: openTime, 64: openTime,
	} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			r := newRig(t)
			r.answers = picky
			for range bad {
				r.comes(true)
			}
			for range 10_000 { // 1000 a second
				r.comes(false)
				r.pass(time.Millisecond)
			}
			r.pass(time.Minute)
			assert.LessOrEqual(t, r.delay, atMost+500*time.Millisecond*time.Duration(min(bad/5, 1))) // the tries before it opens
			assert.Equal(t, map[string]int{"delivered": 10_000, "failed": bad}, count(r.fates))
		})
	}
}

func TestOneBadRecordInTenDelaysNoneByMoreThanASecond(t *testing.T) {
	r := newRig(t)
	r.answers = picky
	for i := range 20_000 {
		r.comes(i%10 == 0)
		r.pass(time.Millisecond)
	}
	r.pass(time.Minute)
	assert.LessOrEqual(t, r.delay, time.Second)
	assert.True(t, r.g.opened.IsZero())
	assert.Equal(t, map[string]int{"delivered": 18_000, "failed": 2_000}, count(r.fates))
}

func TestAfterAnOutageAllAreDeliveredInOrder(t *testing.T) {
	r := newRig(t)
	down := true
	var order []uint64
	r.answers = func(h *course.Held[item]) answer {
		if !down {
			order = append(order, h.Seq)
		}
		return answer{taken: !down}
	}
	for range 60 * 50 {
		r.comes(false)
		r.pass(20 * time.Millisecond)
	}
	assert.Empty(t, r.fates)
	down = false
	r.pass(openTime)
	assert.Equal(t, map[string]int{"delivered": 3_000}, count(r.fates))
	assert.IsIncreasing(t, order)
}

func TestAShutdownBehindBadRecordsTakesTheirTries(t *testing.T) {
	r := newRig(t)
	r.answers = picky
	for range 4 {
		r.comes(true)
	}
	r.comes(false)
	r.draining = true
	r.c.Drain(false)
	r.pass(time.Second)
	assert.Equal(t, map[string]int{"delivered": 1, "failed": 4}, count(r.fates))
}

func TestAShutdownAfterAnOutageIsInOrder(t *testing.T) {
	r := newRig(t)
	down := true
	var order []uint64
	r.answers = func(h *course.Held[item]) answer {
		order = append(order, h.Seq)
		return answer{taken: !down}
	}
	for range 100 {
		r.comes(false)
		r.pass(100 * time.Millisecond)
	}
	down, order = false, nil
	r.draining = true
	r.c.Drain(true)
	r.settle()
	assert.Equal(t, map[string]int{"delivered": 100}, count(r.fates))
	assert.IsIncreasing(t, order)
}

func TestOneRecordWithNothingBehindItNeverOpensTheGate(t *testing.T) {
	r := newRig(t)
	r.answers = picky
	r.comes(true)
	r.pass(time.Hour)
	assert.True(t, r.g.opened.IsZero())
	assert.Equal(t, 1, r.c.Len(), "nobody knows whose fault it is")
	r.comes(false)
	r.pass(10 * time.Second)
	assert.Equal(t, map[string]int{"delivered": 1, "failed": 1}, count(r.fates))
	assert.LessOrEqual(t, r.delay, 10*time.Millisecond)
}

func count(fates map[uint64]string) map[string]int {
	n := map[string]int{}
	for _, fate := range fates {
		n[fate]++
	}
	return n
}
