package notify_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/notify"
)

// tell takes as many as there may be told at once.
func tell(p *notify.Pace, now time.Time) (n int, wait time.Duration) {
	for ; n < 1000; n++ {
		var ok bool
		if wait, ok = p.Take(now); !ok {
			break
		}
	}
	return n, wait
}

func TestTenAreToldAtOnceThenFiveASecond(t *testing.T) {
	var p notify.Pace
	now := time.Unix(0, 0)
	n, wait := tell(&p, now)
	assert.Equal(t, 10, n)
	assert.Equal(t, 200*time.Millisecond, wait)
	_, ok := p.Take(now.Add(199 * time.Millisecond))
	assert.False(t, ok)
	total := 0
	for range 10_000 { // 10 s
		now = now.Add(time.Millisecond)
		n, _ = tell(&p, now)
		total += n
	}
	assert.Equal(t, 50, total)
	n, _ = tell(&p, now.Add(time.Hour))
	assert.Equal(t, 1, n, "a quiet hour earns no burst")
}

func TestSomethingThatGoesWellMakesThePaceAFullOne(t *testing.T) {
	var p notify.Pace
	now := time.Unix(0, 0)
	tell(&p, now)
	p.Reset()
	n, wait := tell(&p, now)
	assert.Equal(t, 10, n)
	assert.Equal(t, 200*time.Millisecond, wait)
}
