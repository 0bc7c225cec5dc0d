package async_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// chaos is a world in which everything goes wrong, by chance, and the test's own ledger
// of what became of each message.
type chaos struct {
	mu       sync.Mutex
	rnd      *rand.Rand
	sent     int
	next     map[string]int // how often it was delivered
	fallback map[string]int
	dropped  map[string]async.DropReason
	refused  map[string]error // by Handle
	twice    []string         // given to OnDrop or refused twice
}

func newChaos(seed uint64) *chaos {
	return &chaos{
		rnd: rand.New(rand.NewPCG(seed, 0)), next: map[string]int{}, fallback: map[string]int{},
		dropped: map[string]async.DropReason{}, refused: map[string]error{},
	}
}

// one reports true once in n times.
func (c *chaos) one(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rnd.IntN(n) == 0
}

// handler returns one that is slow, fails, panics or exits now and then, and else
// notes the message. A call that takes as long as stall is given up on.
func (c *chaos) handler(ledger map[string]int, stall time.Duration) slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error {
		switch {
		case c.one(10):
			time.Sleep(time.Millisecond)
		case c.one(50):
			time.Sleep(stall)
		case c.one(30):
			return testsink.ErrFault
		case c.one(60):
			return async.ErrPermanent
		case c.one(59):
			panic("chaos")
		case c.one(58):
			runtime.Goexit()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if r.Message != reportMsg {
			ledger[r.Message]++
		}
		return nil
	})
}

func (c *chaos) onDrop(_ context.Context, r slog.Record, reason async.DropReason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.dropped[r.Message]; ok {
		c.twice = append(c.twice, r.Message)
	}
	c.dropped[r.Message] = reason
}

// Allow makes c a gate.
func (c *chaos) Allow() async.Permit {
	if c.one(10) {
		return async.Permit{Retry: 5 * time.Millisecond}
	}
	return async.Permit{OK: true, Ticket: 1, Probe: c.one(10)}
}

func (c *chaos) Done(uint64, bool, error) {}
func (c *chaos) Trip()                    {}

// log logs each messages of goroutine g, some through derived handlers, with some
// flushes between them. After the end next may end the goroutine.
func (c *chaos) log(t *testing.T, h *async.Handler, g, each int) {
	levels := []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	for i := range each {
		var target slog.Handler = h
		if c.one(4) {
			target = h.WithGroup("g")
		}
		msg := testsink.Message(g, i)
		c.mu.Lock()
		c.sent++
		c.mu.Unlock()
		if err := say(target, levels[i%len(levels)], msg); err != nil {
			c.mu.Lock()
			c.refused[msg] = err
			c.mu.Unlock()
		}
		if c.one(50) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_ = h.Flush(ctx) // often with an error
			cancel()
		}
		if c.one(4) {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// check holds the handler's account against the ledger. Nothing is in flight any more.
func (c *chaos) check(t *testing.T, s async.Stats) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	requireBalanced(t, s)
	require.Zero(t, s.Depth)
	assert.Equal(t, c.sent, int(s.Received))
	assert.Empty(t, c.twice)
	assert.Len(t, c.next, int(s.Delivered))
	assert.Len(t, c.fallback, int(s.Fallback))
	assert.Len(t, c.dropped, int(s.Dropped))
	byReason := map[async.DropReason]int{}
	for _, d := range s.Drops {
		byReason[d.Reason] += int(d.Count)
	}
	for msg, reason := range c.dropped {
		byReason[reason]--
		assert.Zero(t, c.next[msg]+c.fallback[msg], "%s was dropped as %s and delivered", msg, reason)
	}
	for reason, left := range byReason {
		assert.Zero(t, left, "calls of OnDrop that are missing for %s", reason)
	}
	for msg, n := range c.next {
		assert.Equal(t, 1, n+c.fallback[msg], "%s was delivered more than once", msg)
	}
	for msg, err := range c.refused {
		reason, dropped := c.dropped[msg]
		switch {
		case errors.Is(err, async.ErrClosed):
			assert.Equal(t, async.DropClosed, reason, msg)
		case errors.Is(err, async.ErrDropped):
			assert.Contains(t, []async.DropReason{async.DropOverflow, async.DropBlockTimeout, async.DropReentrant}, reason, msg)
		default: // next's error, after the end
			assert.False(t, dropped, msg)
			assert.Zero(t, c.next[msg]+c.fallback[msg], msg)
		}
	}
	got := len(c.next) + len(c.fallback) + len(c.dropped)
	assert.Equal(t, c.sent-got, int(s.Failed), "of those, nobody heard")
}

// Whatever goes wrong, each record has exactly one outcome, which the test's own ledger
// confirms, and every snapshot adds up (P3).
func TestLedgerConcurrentSafe(t *testing.T) {
	const goroutines, each = 4, 200
	configs := []struct {
		name     string
		gate     bool
		fallback bool
		shutdown time.Duration // how long it may take
	}{
		{"shutdown with time", false, false, time.Hour},
		{"shutdown without time", false, false, 3 * time.Millisecond},
		{"gate", true, false, time.Hour},
		{"gate, fallback", true, true, time.Hour},
		{"gate, fallback, shutdown without time", true, true, 3 * time.Millisecond},
		{"immediate shutdown", true, false, 0},
	}
	for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest, async.Block} {
		for _, config := range configs {
			bubble(t, policy.String()+"/"+config.name, func(t *testing.T) {
				seed := rand.Uint64()
				t.Logf("seed %d", seed)
				c := newChaos(seed)
				opts := async.Options{
					Capacity: 16, BatchSize: 4, Overflow: policy, BlockTimeout: 20 * time.Millisecond,
					OnDrop: c.onDrop, ErrorHandler: func(error) {}, DropReports: time.Millisecond,
					StallTimeout: 200 * time.Millisecond,
				}
				if config.gate {
					opts.Gate = c
				}
				if config.fallback {
					opts.Fallback = c.handler(c.fallback, time.Millisecond)
				}
				lifetime := time.Duration(c.rnd.IntN(500)) * time.Millisecond
				h := async.New(c.handler(c.next, 300*time.Millisecond), opts)
				var wg sync.WaitGroup
				for g := range goroutines {
					wg.Go(func() { c.log(t, h, g, each) })
				}
				stop := make(chan struct{})
				go func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(3 * time.Millisecond):
							s := h.Stats()
							balanced := s.Delivered + s.Fallback + s.Failed + s.Dropped + uint64(s.Depth)
							assert.Equal(t, s.Received, balanced, "while all are busy: %+v", s)
						}
					}
				}()
				time.Sleep(lifetime)
				_ = shutdownIn(h, config.shutdown) // often with an error
				wg.Wait()
				close(stop)
				time.Sleep(time.Minute) // by now all calls of next have returned
				c.check(t, h.Stats())
			})
		}
	}
}
