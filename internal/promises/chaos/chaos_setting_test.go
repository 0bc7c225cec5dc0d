package chaos_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// endless keeps records from being given up.
var endless = asynchandler.WithMaxAttempts(1_000_000)

// setting is what chance has chosen for a subject, as far as the checks ask.
type setting struct {
	writes, flushes, replaces bool // where next is a writer
	talks                     bool // OnDrop logs
	endless                   bool // no record is given up for its failures
	breaker                   bool
	hasFallback, hasSpool     bool // one of the two at most
	overflow                  asynchandler.Overflow
	blockTimeout              time.Duration
	batch                     int
	maxWrite                  int
	functions                 int // for the shutdown
	closeTimeout              time.Duration
	stallTimeout              time.Duration
}

// newSubject makes one as chance has it. The trouble that lasts comes over all.
func newSubject(t *testing.T, rnd *rand.Rand, unit time.Duration, lasting act, budget *membudget.Budget) *subject {
	s := &subject{
		t: t, built: make(chan struct{}), next: newFate(rnd, unit, lasting), other: newFate(rnd, unit, obey),
		given: map[string]*given{}, dropped: map[string]asynchandler.DropReason{},
		refused: map[string]bool{}, bad: map[string]int{},
	}
	s.setting = setting{
		writes: rnd.IntN(2) == 0, flushes: rnd.IntN(2) == 0, replaces: rnd.IntN(4) == 0,
		talks: rnd.IntN(4) == 0, endless: rnd.IntN(2) == 0, breaker: rnd.IntN(4) > 0,
		overflow: asynchandler.Overflow(rnd.IntN(3)), blockTimeout: time.Duration(rnd.IntN(2)*rnd.IntN(50)) * unit,
		batch: 1 + rnd.IntN(16), maxWrite: rnd.IntN(3) * 500, functions: rnd.IntN(3), closeTimeout: time.Hour,
	}
	switch rnd.IntN(4) {
	case 0, 1:
		s.hasFallback = true
	case 2:
		s.hasSpool = true
		s.disk = s.openDisk(rnd, unit)
	}
	if lasting != obey {
		s.closeTimeout = time.Duration(1+rnd.IntN(50)) * unit
	}
	s.build(append(s.options(rnd, unit), s.limits(rnd, unit, budget)...))
	close(s.built)
	return s
}

// options are those that say what is done when.
func (s *subject) options(rnd *rand.Rand, unit time.Duration) []asynchandler.Option {
	stallTimeout := func() time.Duration {
		s.stallTimeout = []time.Duration{0, 100 * unit, 100 * unit, 100 * unit}[rnd.IntN(4)]
		return s.stallTimeout
	}
	opts := []asynchandler.Option{
		asynchandler.WithOverflow(s.overflow),
		asynchandler.WithBlockTimeout(s.blockTimeout),
		asynchandler.WithBatchSize(s.batch),
		asynchandler.WithMaxWrite(s.maxWrite),
		asynchandler.WithCloseTimeout(s.closeTimeout),
		asynchandler.WithLinger(time.Duration(rnd.IntN(2)*rnd.IntN(10)) * unit),
		asynchandler.WithProtectedLevel([]slog.Leveler{nil, slog.LevelWarn, slog.LevelError}[rnd.IntN(3)]),
		asynchandler.WithSyncLevel([]slog.Leveler{nil, nil, nil, slog.LevelError}[rnd.IntN(4)]),
		asynchandler.WithDropReports([]time.Duration{0, unit, 50 * unit}[rnd.IntN(3)]),
		asynchandler.WithStallTimeout(stallTimeout()),
		asynchandler.WithOnDrop(s.onDrop),
		asynchandler.WithErrorHandler(s.onError),
		asynchandler.WithHighWater(0.5, s.onHighWater),
		asynchandler.WithMaxAttempts(1 + rnd.IntN(3)),
	}
	if s.endless {
		opts = append(opts, endless)
	}
	if s.breaker {
		opts = append(opts, asynchandler.WithBreaker(s.breakerSettings(rnd, unit)))
	} else {
		opts = append(opts, asynchandler.WithoutBreaker())
	}
	if s.hasFallback {
		opts = append(opts, asynchandler.WithFallback(testsink.Func(s.takeInstead)))
	}
	if s.hasSpool {
		opts = append(opts, asynchandler.WithSpool(s.disk))
	}
	for range s.setting.functions {
		opts = append(opts, asynchandler.WithOnShutdown(s.onShutdown))
	}
	return opts
}

// breakerSettings are those of a user, with callbacks that misbehave.
func (s *subject) breakerSettings(rnd *rand.Rand, unit time.Duration) (b gobreaker.Settings) {
	b.Timeout = time.Duration(1+rnd.IntN(100)) * unit
	b.MaxRequests = uint32(rnd.IntN(4))
	threshold := uint32(1 + rnd.IntN(8))
	if rnd.IntN(2) == 0 {
		b.ReadyToTrip = func(c gobreaker.Counts) bool {
			s.callback(100)
			return c.ConsecutiveFailures >= threshold
		}
	}
	if rnd.IntN(2) == 0 {
		b.OnStateChange = func(string, gobreaker.State, gobreaker.State) { s.callback(10) }
	}
	if rnd.IntN(4) == 0 {
		b.IsSuccessful = func(err error) bool {
			s.callback(100)
			return err == nil || s.next.one(4)
		}
	}
	if rnd.IntN(4) == 0 {
		b.IsExcluded = func(error) bool {
			s.callback(100)
			return s.next.one(4)
		}
	}
	return b
}

// limits are the options about how much.
func (s *subject) limits(rnd *rand.Rand, _ time.Duration, budget *membudget.Budget) []asynchandler.Option {
	opts := []asynchandler.Option{asynchandler.WithCapacity(1 << rnd.IntN(7))}
	switch {
	case budget != nil:
		opts = append(opts, asynchandler.WithBudget(budget))
	case rnd.IntN(2) == 0:
		opts = append(opts, asynchandler.WithMemoryLimit(int64(500+rnd.IntN(10_000))))
	}
	if rnd.IntN(3) == 0 {
		opts = append(opts, asynchandler.WithMaxRecordSize(300))
	}
	if rnd.IntN(2) == 0 {
		opts = append(opts, asynchandler.WithMaxWrite(rnd.IntN(1000)))
	}
	return opts
}

// shutdown ends the handler in one of the ways there are, at the latest at the deadline, and
// checks what that says.
func (s *subject) shutdown(e *episode, deadline time.Duration) error {
	begun := time.Now()
	var err error
	if e.rand(2) == 0 && deadline == s.closeTimeout {
		err = s.Close()
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		err = s.Shutdown(ctx)
	}
	if took := time.Since(begun); e.bubble && !s.held.Load() && took > deadline+10*time.Millisecond {
		s.t.Errorf("shutdown took %v, its context ended after %v", took, deadline)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clean = s.clean || err == nil
	for _, err := range joinedIn(err) {
		if left, ok := err.(*asynchandler.ShutdownError); ok { //nolint:errorlint // joinedIn has unwrapped it
			s.undrained = left.Undelivered
			s.tornLine = s.tornLine || left.Torn
		}
	}
	return err
}

func joinedIn(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}
