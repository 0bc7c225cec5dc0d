package waitroom_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/waitroom"
)

const ms = time.Millisecond

// credit is one with the delivery that is under way.
type credit struct {
	*waitroom.Credit
	charge *waitroom.Charge
}

func (c credit) begin() { *c.charge = waitroom.Charge{} }

func (c credit) Settle(n int, d time.Duration) { c.Credit.Settle(c.charge, n, d) }

func (c credit) Stand(passed, age time.Duration, begun int) {
	c.Credit.Stand(c.charge, passed, age, begun)
}

func TestCreditFollowsWhatDeliveriesTake(t *testing.T) {
	stand := func(c credit, from, to time.Duration, begun int) { // ticks that come in time
		for age := from + waitroom.Tick; age <= to; age += waitroom.Tick {
			c.Stand(waitroom.Tick, age, begun)
		}
	}
	for _, tt := range []struct {
		name    string
		happens func(credit)
		left    time.Duration // of 100 ms
	}{
		{"it is full at first", func(credit) {}, 100 * ms},
		{"a delivery costs what it takes longer than 20 µs a record", func(c credit) { c.Settle(100, 5*ms) }, 97 * ms},
		{"one of 20 µs a record costs nothing", func(c credit) { c.Settle(100, 2*ms) }, 100 * ms},
		{"a fast one earns", func(c credit) { c.Settle(0, 50*ms); c.Settle(1000, 5*ms) }, 65 * ms},
		{"never more than there may be", func(c credit) { c.Settle(1_000_000, ms) }, 100 * ms},
		{"what does not last until the next tick is nothing", func(c credit) { c.Settle(0, 99*ms) }, 0},
		{"but it counts", func(c credit) { c.Settle(0, 99*ms); c.Settle(100, 0) }, 3 * ms},
		{"never less than nothing", func(c credit) { c.Settle(1, time.Hour) }, 0},
		{"what was not there is not owed", func(c credit) { c.Settle(1, time.Hour); c.Settle(1000, 10*ms) }, 10 * ms},
		{"a call costs nothing before its end in its first 10 ms", func(c credit) { stand(c, 0, 10*ms, 0) }, 100 * ms},
		{"then they are charged with it", func(c credit) { stand(c, 0, 12*ms, 0) }, 88 * ms},
		{"and what comes after", func(c credit) { stand(c, 0, 50*ms, 0) }, 50 * ms},
		{"until nothing is left", func(c credit) { stand(c, 0, time.Second, 0) }, 0},
		{"records that were begun earn while it goes on", func(c credit) { stand(c, 0, 20*ms, 300) }, 86 * ms},
		{"each of them once", func(c credit) { stand(c, 0, 20*ms, 300); stand(c, 20*ms, 30*ms, 300) }, 76 * ms},
		{"a call is not charged twice", func(c credit) { stand(c, 0, 50*ms, 0); c.Settle(0, 50*ms) }, 50 * ms},
		{"only for what comes after the last tick", func(c credit) { stand(c, 0, 50*ms, 0); c.Settle(0, 51*ms) }, 49 * ms},
		{"what was begun does not earn twice", func(c credit) { stand(c, 0, 20*ms, 300); c.Settle(300, 20*ms) }, 86 * ms},
		{"first ticks alone change nothing at the end", func(c credit) { stand(c, 0, 8*ms, 0); c.Settle(100, 8*ms) }, 94 * ms},
		{"a hang that returns earns its records only", func(c credit) { stand(c, 0, time.Minute, 0); c.Settle(500, time.Minute) }, 10 * ms},
		{"a late tick counts as one", func(c credit) { c.Stand(time.Hour, time.Hour, 0) }, 98 * ms},
		{"and the end knows that it was late", func(c credit) { c.Stand(52*ms, 52*ms, 0); c.Settle(0, 52*ms) }, 98 * ms},
		{"more lateness than time is none", func(c credit) { c.Stand(52*ms, 5*ms, 0); c.Settle(0, 5*ms) }, 100 * ms},
		{"the next delivery begins anew", func(c credit) {
			c.Stand(52*ms, 52*ms, 10)
			c.begin()
			c.Settle(0, 10*ms)
		}, 100*ms - 2*ms + 200*time.Microsecond - 10*ms},
		{"one beside it is charged for itself", func(c credit) {
			stand(c, 0, 50*ms, 0)
			c.Credit.Settle(&waitroom.Charge{}, 1000, 20*ms)
			c.Settle(0, 50*ms)
		}, 50 * ms},
		{"time in which nothing is tried costs", func(c credit) { c.Idle(2 * ms); c.Idle(ms) }, 97 * ms},
		{"a late tick of it counts as one, too", func(c credit) { c.Idle(time.Hour) }, 98 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := credit{waitroom.NewCredit(100 * ms), &waitroom.Charge{}}
			tt.happens(c)
			assert.Equal(t, tt.left, c.Left())
		})
	}
}

func TestTheZeroCreditIsNone(t *testing.T) {
	var c waitroom.Credit
	c.Settle(&waitroom.Charge{}, 1000, 0)
	assert.Zero(t, c.Left())
}
