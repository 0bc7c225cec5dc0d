package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/breaker"
)

func TestTrip(t *testing.T) {
	const timeout = 5 * time.Second
	tests := []struct {
		name string
		hang func(*testing.T, *breaker.Breaker) (ticket uint64) // leaves one call in flight
		want breaker.Stats
	}{
		{
			"closed", func(t *testing.T, b *breaker.Breaker) uint64 {
				ticket, _ := allow(t, b)
				return ticket
			},
			breaker.Stats{State: "open", Opened: 1},
		},
		{"half-open", untilProbe, breaker.Stats{State: "open", Opened: 2, HalfOpened: 1}},
		{
			"open", func(t *testing.T, b *breaker.Breaker) uint64 {
				ticket, _ := allow(t, b)
				fail(t, b)
				time.Sleep(2 * timeout) // the circuit within has expired
				return ticket
			},
			breaker.Stats{State: "open", Opened: 1},
		},
		{
			"after a reset", func(t *testing.T, b *breaker.Breaker) uint64 {
				ticket, _ := allow(t, b)
				b.Trip()
				b.Reset()
				return ticket
			},
			breaker.Stats{State: "open", Opened: 2, Closed: 1},
		},
	}
	for _, tt := range tests {
		for _, err := range []error{nil, errNext} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{Timeout: timeout}})
					hung := tt.hang(t, b)
					b.Trip()
					b.Trip()
					assert.Equal(t, tt.want, b.Stats())
					time.Sleep(time.Hour)
					assert.Equal(t, timeout, refuse(t, b), "open as long as the call hangs")
					assert.Equal(t, tt.want, b.Stats())

					b.Done(hung, err == nil, err)
					if err == nil {
						assert.Equal(t, "closed", b.Stats().State, "that was the probe")
						return
					}
					assert.Equal(t, tt.want, b.Stats())
					time.Sleep(timeout)
					refuse(t, b)
					time.Sleep(longest(timeout) - timeout)
					ticket, probe := allow(t, b)
					assert.True(t, probe)
					b.Done(ticket, true, nil)
					assert.Equal(t, "closed", b.Stats().State)
				})
			})
		}
	}
}

func TestTripWaitsForAllHungCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.NewBreaker(breaker.Options{})
		first, _ := allow(t, b)
		second, _ := allow(t, b)
		b.Trip()
		b.Done(first, true, nil)
		time.Sleep(time.Hour)
		refuse(t, b)
		b.Done(second, true, nil)
		allow(t, b)
	})
}

func TestTripTooLate(t *testing.T) {
	b := breaker.NewBreaker(breaker.Options{})
	call(t, b, true, nil)
	b.Trip()
	assert.Equal(t, breaker.Stats{State: "closed"}, b.Stats())
	allow(t, b)
}

func TestReset(t *testing.T) {
	tests := []struct {
		name   string
		before func(*testing.T, *breaker.Breaker)
		closed uint64
	}{
		{"closed", func(t *testing.T, b *breaker.Breaker) {
			for range 4 {
				call(t, b, false, errNext)
			}
		}, 0},
		{"open", fail, 1},
		{"half-open", func(t *testing.T, b *breaker.Breaker) { untilProbe(t, b) }, 1},
		{"hung", func(t *testing.T, b *breaker.Breaker) {
			for range 20 {
				allow(t, b)
			}
			b.Trip()
		}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := breaker.NewBreaker(breaker.Options{})
				tt.before(t, b)
				b.Reset()
				assert.Equal(t, "closed", b.Stats().State)
				assert.Equal(t, tt.closed, b.Stats().Closed)
				assert.Zero(t, b.Counts())
				for range 4 {
					call(t, b, false, errNext)
				}
				assert.Equal(t, "closed", b.Stats().State, "failures before the reset count")
				call(t, b, false, errNext)
				assert.Equal(t, "open", b.Stats().State)
				time.Sleep(longest(5 * time.Second))
				_, probe := allow(t, b)
				assert.True(t, probe)
			})
		})
	}
}

func TestResetDuringCall(t *testing.T) {
	tests := []struct {
		name  string
		start func(*testing.T, *breaker.Breaker) (ticket uint64)
	}{
		{"closed", func(t *testing.T, b *breaker.Breaker) uint64 {
			ticket, _ := allow(t, b)
			return ticket
		}},
		{"probe", untilProbe},
		{"hung", func(t *testing.T, b *breaker.Breaker) uint64 {
			ticket, _ := allow(t, b)
			b.Trip()
			return ticket
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{ReadyToTrip: func(c gobreaker.Counts) bool {
					return c.ConsecutiveFailures >= 5
				}}})
				old := tt.start(t, b)
				b.Reset()
				for range 4 {
					call(t, b, false, errNext)
				}
				before := b.Counts()
				b.Done(old, true, errNext)
				assert.Equal(t, before, b.Counts())
				assert.Equal(t, "closed", b.Stats().State)

				// The new circuit's half-open state is none of the old call's business either.
				b.Reset()
				probe := untilProbe(t, b)
				b.Done(probe, true, nil)
				assert.Equal(t, "closed", b.Stats().State)
			})
		})
	}
}
