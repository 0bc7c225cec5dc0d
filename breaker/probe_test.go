package breaker_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/breaker"
)

func TestLateDoneDoesNotCount(t *testing.T) {
	b := breaker.NewBreaker(breaker.Options{})
	late, _ := allow(t, b)
	fail(t, b)
	before := b.Counts()
	b.Done(late, true, nil)
	assert.Equal(t, before, b.Counts())
	assert.Equal(t, "open", b.Stats().State)
}

func TestIntervalClearsCounts(t *testing.T) {
	tests := []struct {
		name     string
		settings gobreaker.Settings
	}{
		{"fixed window", gobreaker.Settings{Interval: time.Minute}},
		{"rolling window", gobreaker.Settings{Interval: time.Minute, BucketPeriod: 10 * time.Second}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := breaker.NewBreaker(breaker.Options{Settings: tt.settings})
				for range 4 {
					call(t, b, false, errNext)
				}
				time.Sleep(2 * time.Minute)
				call(t, b, false, errNext)
				assert.Equal(t, "closed", b.Stats().State)
				assert.Equal(t, uint32(1), b.Counts().ConsecutiveFailures)
			})
		})
	}
}

func TestProbe(t *testing.T) {
	errMine := errors.New("the record's fault")
	tests := []struct {
		name      string
		succeeded bool
		err       error
		want      breaker.Stats
	}{
		{"success", true, nil, breaker.Stats{State: "closed", Opened: 1, HalfOpened: 1, Closed: 1}},
		{"failure", false, errNext, breaker.Stats{State: "open", Opened: 2, HalfOpened: 1}},
		{"success, then failure", true, errNext, breaker.Stats{State: "open", Opened: 2, HalfOpened: 1}},
		{"excluded", false, errMine, breaker.Stats{State: "half-open", Opened: 1, HalfOpened: 1}},
		{"nothing", false, nil, breaker.Stats{State: "half-open", Opened: 1, HalfOpened: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{
					IsExcluded: func(err error) bool { return errors.Is(err, errMine) },
				}})
				ticket := untilProbe(t, b)
				assert.Equal(t, 5*time.Second, refuse(t, b), "a second call during the only probe")
				b.Done(ticket, tt.succeeded, tt.err)
				assert.Equal(t, tt.want, b.Stats())
				switch tt.want.State {
				case "open":
					assert.Greater(t, refuse(t, b), 5*time.Second)
				case "half-open":
					_, probe := allow(t, b)
					assert.True(t, probe, "the probe that showed nothing must leave its place")
				}
			})
		})
	}
}

func TestSeveralProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{MaxRequests: 2}})
		first := untilProbe(t, b)
		second, probe := allow(t, b)
		assert.True(t, probe)
		refuse(t, b)
		b.Done(first, true, nil)
		assert.Equal(t, "half-open", b.Stats().State)
		refuse(t, b)
		b.Done(second, true, nil)
		assert.Equal(t, "closed", b.Stats().State)
	})
}
