package breaker_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// chain checks that each change begins where the one before it ended, and counts them.
type chain struct {
	broken int
	last   gobreaker.State
	seen   breaker.Stats
}

// add needs no lock: the breaker promises one call at a time.
func (c *chain) add(_ string, from, to gobreaker.State) {
	if from != c.last || from == to {
		c.broken++
	}
	c.last = to
	c.seen.State = to.String()
	switch to {
	case gobreaker.StateOpen:
		c.seen.Opened++
	case gobreaker.StateHalfOpen:
		c.seen.HalfOpened++
	case gobreaker.StateClosed:
		c.seen.Closed++
	}
}

// TestHandlerConcurrentSafe: each record ends at next, at the fallback or as an error, once.
func TestHandlerConcurrentSafe(t *testing.T) {
	const goroutines, each = 4, 1000
	c := chain{seen: breaker.Stats{State: "closed"}}
	var taken, fellBack, lost, exits, nils, failures atomic.Int64
	next := testsink.Func(func(_ context.Context, r slog.Record) error {
		switch rand.IntN(4) {
		case 0:
			taken.Add(1)
			return nil
		case 1:
			panic("boom")
		case 2:
			if r.Message == "may exit" {
				exits.Add(1)
				runtime.Goexit()
			}
		}
		return errNext
	})
	fallback := testsink.Func(func(_ context.Context, r slog.Record) error {
		if r.Message != "may exit" && rand.IntN(2) == 0 {
			lost.Add(1)
			return errNext
		}
		fellBack.Add(1)
		return nil
	})
	h := breaker.New(next, breaker.Options{Fallback: fallback, Settings: gobreaker.Settings{
		Timeout:       20 * time.Microsecond,
		MaxRequests:   2,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
		OnStateChange: c.add,
	}})
	count := func(err error) {
		if err == nil {
			nils.Add(1)
		} else {
			failures.Add(1)
		}
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			d := h.WithGroup("g").(*breaker.Handler)
			for i := range each {
				count(d.Handle(t.Context(), record("stays")))
				d.State()
				d.Counts()
				if g == 0 && i%50 == 0 {
					d.Reset()
				}
			}
		})
		wg.Go(func() {
			for range each {
				if err, returned := handle(t, h, "may exit"); returned {
					count(err)
				}
			}
		})
	}
	wg.Wait()
	const submitted = 2 * goroutines * each
	assert.Equal(t, int64(submitted), taken.Load()+fellBack.Load()+lost.Load())
	assert.Equal(t, int64(submitted), nils.Load()+failures.Load()+exits.Load())
	assert.Equal(t, lost.Load(), failures.Load())
	assert.Zero(t, c.broken, "changes of state were told in a wrong order")
	assert.Equal(t, c.last, h.State())
	require.Positive(t, c.seen.HalfOpened, "the test did not get far")
}

// TestBreakerConcurrentSafe: whatever happened, a breaker without calls in flight comes
// back, and what it told is what it shows.
func TestBreakerConcurrentSafe(t *testing.T) {
	const goroutines, each = 8, 1000
	c := chain{seen: breaker.Stats{State: "closed"}}
	b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{Timeout: 20 * time.Microsecond, MaxRequests: 3, OnStateChange: c.add}})
	var allowed, refused atomic.Int64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				p := b.Allow()
				ticket, retry, ok := p.Ticket, p.Retry, p.OK
				if !ok {
					refused.Add(1)
					assert.Positive(t, retry)
					time.Sleep(time.Duration(rand.IntN(30)) * time.Microsecond)
					continue
				}
				allowed.Add(1)
				if g < 2 && i%10 == 0 {
					b.Trip()
				}
				if g == 2 && i%100 == 0 {
					b.Reset()
				}
				b.Stats()
				switch rand.IntN(4) {
				case 0:
					b.Done(ticket, false, nil)
				case 1:
					b.Done(ticket, true, nil)
				default:
					b.Done(ticket, rand.IntN(8) == 0, errNext)
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(goroutines*each), allowed.Load()+refused.Load())
	assert.Zero(t, c.broken, "changes of state were told in a wrong order")
	assert.Equal(t, c.seen, b.Stats())
	require.Positive(t, c.seen.HalfOpened, "the test did not get far")

	b.Trip() // nothing is in flight, so it must do nothing
	assert.Equal(t, c.seen, b.Stats())
	for b.Stats().State != "closed" {
		p := b.Allow()
		ticket, retry, ok := p.Ticket, p.Retry, p.OK
		if !ok {
			time.Sleep(retry)
			continue
		}
		b.Done(ticket, true, nil)
	}
}
