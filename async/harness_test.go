package async_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

var errDown = errors.New("next is down")

// bubble runs f as a subtest with fake time.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// begin returns a handler whose errors go nowhere if opts does not say where, and whose
// worker does not let records gather: so the times of what it does are exact. When the test
// ends it is closed and its counters must add up.
func begin(t *testing.T, next slog.Handler, opts async.Options) *async.Handler {
	t.Helper()
	if opts.ErrorHandler == nil {
		opts.ErrorHandler = func(error) {}
	}
	if opts.Linger == 0 {
		opts.Linger = 1
	}
	h := async.New(next, opts)
	t.Cleanup(func() {
		_ = h.Close() // of many tests with an error: next is down, or hangs
		assertIdentity(t, h)
	})
	return h
}

// assertIdentity checks P3: each record has one outcome, or waits.
func assertIdentity(t *testing.T, h *async.Handler) async.Stats {
	t.Helper()
	s := h.Stats()
	sum := s.Delivered + s.Fallback + s.Failed + s.Dropped + uint64(s.Depth+s.Spooled)
	assert.Equal(t, s.Received+s.Recovered, sum, "delivered %d, fallback %d, failed %d, dropped %d, depth %d, spooled %d", s.Delivered, s.Fallback, s.Failed, s.Dropped, s.Depth, s.Spooled)
	return s
}

// outcomes are the counters that most tests are about.
type outcomes struct{ delivered, fallback, failed, dropped, depth int }

// untilNapsAreOver waits for the worker to look for records again.
func untilNapsAreOver() {
	time.Sleep(5 * time.Millisecond)
	synctest.Wait()
}

// assertOutcomes waits until nothing moves, and checks what became of the records.
func assertOutcomes(t *testing.T, h *async.Handler, want outcomes) {
	t.Helper()
	untilNapsAreOver()
	s := assertIdentity(t, h)
	assert.Equal(t, want, outcomes{int(s.Delivered), int(s.Fallback), int(s.Failed), int(s.Dropped), s.Depth})
}

// info logs each message, at level INFO.
func info(h slog.Handler, msgs ...string) {
	for _, msg := range msgs {
		slog.New(h).Info(msg)
	}
}

// errorLevel logs each message, at level ERROR.
func errorLevel(h slog.Handler, msgs ...string) {
	for _, msg := range msgs {
		slog.New(h).Error(msg)
	}
}

// numbered returns the messages from first to last, by number.
func numbered(first, last int) (msgs []string) {
	for i := first; i <= last; i++ {
		msgs = append(msgs, fmt.Sprint(i))
	}
	return msgs
}

// journal notes what happened and when, since it was made.
type journal struct {
	start time.Time

	mu     sync.Mutex
	events []string
	times  []time.Duration
}

func newJournal() *journal { return &journal{start: time.Now()} }

func (j *journal) note(event string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, event)
	j.times = append(j.times, time.Since(j.start))
}

// hear is an error handler.
func (j *journal) hear(err error) {
	var failed *async.DeliveryError
	var stalled *async.StallError
	var panicked *async.PanicError
	switch {
	case errors.As(err, &failed):
		j.note(fmt.Sprintf("attempt %d: %v", failed.Attempts, failed.Err))
	case errors.As(err, &stalled):
		j.note(fmt.Sprintf("stall of %v", stalled.Age))
	case errors.As(err, &panicked):
		j.note(fmt.Sprintf("panic: %v", panicked.Value))
	default:
		j.note("unknown: " + err.Error())
	}
}

// handler returns a handler that notes each call and then does what answer says.
func (j *journal) handler(answer func(msg string) error) slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error {
		j.note(r.Message)
		return answer(r.Message)
	})
}

// what returns the events so far.
func (j *journal) what() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.events...)
}

// when returns the times of the events so far.
func (j *journal) when() []time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]time.Duration(nil), j.times...)
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.start, j.events, j.times = time.Now(), nil, nil
}

func down(string) error { return errDown }

// downFor returns an answer that fails for these messages.
func downFor(msgs ...string) func(string) error {
	is := testsink.HasMessage(msgs...)
	return func(msg string) error {
		if is(slog.Record{Message: msg}) {
			return errDown
		}
		return nil
	}
}

// fakeGate allows everything unless told otherwise, and keeps what it is told.
type fakeGate struct {
	mu      sync.Mutex
	retry   time.Duration // above 0: nothing is allowed
	inAllow func()        // called by Allow
	inDone  func()        // called by Done
	tickets uint64
	open    map[uint64]bool
	good    int     // successes that Done told
	bad     []error // errors that Done told
	unknown int     // calls of Done with a ticket not out
	trips   int
}

func (g *fakeGate) Allow() async.Permit {
	if g.inAllow != nil {
		g.inAllow()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.retry > 0 {
		return async.Permit{Retry: g.retry}
	}
	g.tickets++
	if g.open == nil {
		g.open = map[uint64]bool{}
	}
	g.open[g.tickets] = true
	return async.Permit{OK: true, Ticket: g.tickets}
}

func (g *fakeGate) Done(ticket uint64, succeeded bool, err error) {
	if g.inDone != nil {
		g.inDone()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open[ticket] {
		g.unknown++
	}
	delete(g.open, ticket)
	if succeeded {
		g.good++
	}
	if err != nil {
		g.bad = append(g.bad, err)
	}
}

func (g *fakeGate) Trip() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trips++
}

// shut makes the gate allow nothing and say that it will be asked again after retry;
// 0 lets all through again.
func (g *fakeGate) shut(retry time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.retry = retry
}

// assertSettled checks that each ticket was given back, once.
func (g *fakeGate) assertSettled(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	assert.Empty(t, g.open, "tickets not given back")
	assert.Zero(t, g.unknown, "tickets given back twice")
}
