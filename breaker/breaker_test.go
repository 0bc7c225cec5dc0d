package breaker_test

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
)

var errNext = errors.New("next failed")

// longest is the longest open time that a Timeout can lead to.
func longest(timeout time.Duration) time.Duration { return timeout + timeout/10 }

func allow(t *testing.T, b *breaker.Breaker) (ticket uint64, probe bool) {
	t.Helper()
	p := b.Allow()
	ticket, probe, retry, ok := p.Ticket, p.Probe, p.Retry, p.OK
	require.True(t, ok, "refused in state %s", b.Stats().State)
	require.Zero(t, retry)
	return ticket, probe
}

func refuse(t *testing.T, b *breaker.Breaker) (retry time.Duration) {
	t.Helper()
	p := b.Allow()
	probe, retry, ok := p.Probe, p.Retry, p.OK
	require.False(t, ok, "allowed in state %s", b.Stats().State)
	require.False(t, probe)
	require.Positive(t, retry)
	return retry
}

func call(t *testing.T, b *breaker.Breaker, succeeded bool, err error) {
	t.Helper()
	ticket, _ := allow(t, b)
	b.Done(ticket, succeeded, err)
}

// fail opens a closed breaker that has the default rule.
func fail(t *testing.T, b *breaker.Breaker) {
	t.Helper()
	for range 5 {
		call(t, b, false, errNext)
	}
	require.Equal(t, "open", b.Stats().State)
}

// untilProbe opens the breaker, lets the open time pass and takes the probe.
func untilProbe(t *testing.T, b *breaker.Breaker) (ticket uint64) {
	t.Helper()
	fail(t, b)
	time.Sleep(refuse(t, b))
	ticket, probe := allow(t, b)
	require.True(t, probe)
	require.Equal(t, "half-open", b.Stats().State)
	return ticket
}

func TestDefaults(t *testing.T) {
	tests := []struct {
		name     string
		settings gobreaker.Settings
		failures int
		timeout  time.Duration
		probes   int
	}{
		{"zero", gobreaker.Settings{}, 5, 5 * time.Second, 1},
		{"timeout", gobreaker.Settings{Timeout: time.Minute}, 5, time.Minute, 1},
		{"max requests", gobreaker.Settings{MaxRequests: 3}, 5, 5 * time.Second, 3},
		{"ready to trip", gobreaker.Settings{ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.TotalFailures >= 2
		}}, 2, 5 * time.Second, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := breaker.NewBreaker(breaker.Options{Settings: tt.settings})
				assert.Equal(t, breaker.Stats{State: "closed"}, b.Stats())
				for range tt.failures {
					assert.Equal(t, "closed", b.Stats().State)
					call(t, b, false, errNext)
				}
				assert.Equal(t, breaker.Stats{State: "open", Opened: 1}, b.Stats())

				time.Sleep(tt.timeout)
				refuse(t, b)
				time.Sleep(longest(tt.timeout) - tt.timeout)
				assert.Equal(t, "open", b.Stats().State, "looking on must not change the state")
				for range tt.probes {
					ticket, probe := allow(t, b)
					assert.True(t, probe)
					assert.Equal(t, "half-open", b.Stats().State)
					b.Done(ticket, true, nil)
				}
				assert.Equal(t, breaker.Stats{State: "closed", Opened: 1, HalfOpened: 1, Closed: 1}, b.Stats())
				_, probe := allow(t, b)
				assert.False(t, probe)
			})
		})
	}
}

func TestNewBreakerPanics(t *testing.T) {
	tests := []struct {
		name     string
		settings gobreaker.Settings
		want     string
	}{
		{"timeout", gobreaker.Settings{Timeout: -1}, "breaker: Settings.Timeout(-1ns): want >= 0"},
		{"interval", gobreaker.Settings{Interval: -time.Second}, "breaker: Settings.Interval(-1s): want >= 0"},
		{"bucket period", gobreaker.Settings{BucketPeriod: -1}, "breaker: Settings.BucketPeriod(-1ns): want >= 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.PanicsWithValue(t, tt.want, func() { breaker.NewBreaker(breaker.Options{Settings: tt.settings}) })
		})
	}
}

func TestOpenTimeJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 10 * time.Second
		seen := map[time.Duration]bool{}
		for range 200 {
			b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{Timeout: timeout}})
			fail(t, b)
			retry := refuse(t, b)
			require.Greater(t, retry, timeout)
			require.LessOrEqual(t, retry, longest(timeout))
			seen[retry] = true

			time.Sleep(retry - 1)
			require.Equal(t, time.Duration(1), refuse(t, b))
			time.Sleep(time.Nanosecond)
			_, probe := allow(t, b)
			require.True(t, probe)
		}
		assert.Greater(t, len(seen), 100, "the open times hardly differ")
	})
}

func TestRetryIsEnough(t *testing.T) {
	// Without room for jitter only the nanosecond beyond gobreaker's own expiry is left.
	for _, timeout := range []time.Duration{1, 9, 10, 11, time.Millisecond, math.MaxInt64} {
		t.Run(timeout.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{Timeout: timeout}})
				fail(t, b)
				retry := refuse(t, b)
				if timeout == math.MaxInt64 {
					require.Equal(t, timeout, retry)
					return
				}
				require.Greater(t, retry, timeout)
				time.Sleep(retry)
				_, probe := allow(t, b)
				require.True(t, probe)
			})
		})
	}
}

func TestDone(t *testing.T) {
	type result struct {
		succeeded bool
		err       error
	}
	errMine := errors.New("the record's fault")
	errFine := errors.New("not really an error")
	tests := []struct {
		name    string
		results []result
		want    gobreaker.Counts
	}{
		{"success", []result{{true, nil}}, gobreaker.Counts{Requests: 1, TotalSuccesses: 1, ConsecutiveSuccesses: 1}},
		{"failure", []result{{false, errNext}}, gobreaker.Counts{Requests: 1, TotalFailures: 1, ConsecutiveFailures: 1}},
		{"nothing", []result{{false, errNext}, {false, nil}}, gobreaker.Counts{Requests: 1, TotalFailures: 1, ConsecutiveFailures: 1}},
		{
			"a run ends the streak before it",
			[]result{{false, errNext}, {false, errNext}, {true, errNext}},
			gobreaker.Counts{Requests: 4, TotalSuccesses: 1, TotalFailures: 3, ConsecutiveFailures: 1},
		},
		{
			"excluded",
			[]result{{false, errNext}, {false, errMine}},
			gobreaker.Counts{Requests: 2, TotalFailures: 1, TotalExclusions: 1, ConsecutiveFailures: 1},
		},
		{
			"successful",
			[]result{{false, errNext}, {false, errFine}},
			gobreaker.Counts{Requests: 2, TotalFailures: 1, TotalSuccesses: 1, ConsecutiveSuccesses: 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{
				IsExcluded: func(err error) bool {
					assert.Error(t, err, "asked about nil")
					return errors.Is(err, errMine)
				},
				IsSuccessful: func(err error) bool { return errors.Is(err, errFine) },
			}})
			for _, r := range tt.results {
				call(t, b, r.succeeded, r.err)
			}
			assert.Equal(t, tt.want, b.Counts())
			assert.Equal(t, "closed", b.Stats().State)
		})
	}
}
