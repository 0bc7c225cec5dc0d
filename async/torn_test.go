package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// disk is a sink that, while it is full, takes a part of the first record of a batch
// and no more. Of a record that is torn it needs the rest next.
type disk struct {
	err error // what it says while full; nil: it panics

	mu      sync.Mutex
	full    bool
	refuses string // it takes nothing of this one
	torn    string // the record of which it has a part
	tries   int
	taken   []string
	wrong   []string // records that came where the rest of another was due
}

func (d *disk) Deliver(b *async.Batch) (done int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tries++
	var msgs []string
	for b.Next() {
		msg := d.current(b)
		if d.torn != "" && msg != d.torn {
			d.wrong = append(d.wrong, msg)
		}
		if msgs = append(msgs, msg); msg == d.refuses || d.torn != "" {
			break
		}
	}
	switch {
	case d.full && msgs[0] != d.refuses:
		b.Torn()
		if d.torn = msgs[0]; d.err == nil {
			panic("boom")
		}
		return 0, d.err
	case msgs[len(msgs)-1] == d.refuses:
		msgs, err = msgs[:len(msgs)-1], errDown
	}
	d.torn = ""
	d.taken = append(d.taken, msgs...)
	return len(msgs), err
}

// handler is the next of the handler over d.
func (d *disk) handler() slog.Handler {
	return testsink.Func(func(_ context.Context, r slog.Record) error { return named(r.Message) })
}

// named is a message on its way out of [async.Batch.Handle].
type named string

func (n named) Error() string { return string(n) }

func (d *disk) current(b *async.Batch) string { return b.Handle().Error() }

func (d *disk) fill(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

func (d *disk) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries
}

func (d *disk) records() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.taken...)
}

func (d *disk) assertContinued(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	assert.Empty(t, d.wrong, "given to the sink before the rest of the torn record")
}

// gates are the gates that a test of torn records runs with.
var gates = []struct {
	name string
	gate func() async.Gate
}{
	{"no gate", func() async.Gate { return nil }},
	{"gate closed all the time", func() async.Gate { return &fakeGate{} }},
	{"breaker", func() async.Gate { return newBreaker() }},
}

// A torn record is continued before any other, however often that fails.
func TestTornIsContinued(t *testing.T) {
	for _, g := range gates {
		for _, attempts := range []int{1, 2, 3} {
			bubble(t, fmt.Sprintf("%s/MaxAttempts %d", g.name, attempts), func(t *testing.T) {
				d := &disk{err: errDown, full: true}
				h := begin(t, d.handler(), async.Options{Sink: d, Gate: g.gate(), MaxAttempts: attempts, Capacity: 4, DropReports: -1})
				info(h, "1")
				time.Sleep(time.Minute)
				info(h, "2", "3", "4", "5", "6", "7")
				time.Sleep(time.Minute)
				d.assertContinued(t)
				assertOutcomes(t, h, outcomes{depth: 4, dropped: 3})
				d.fill(false)
				time.Sleep(2 * maxOpenTime)
				assert.Equal(t, []string{"1", "5", "6", "7"}, d.records(), "torn is not evicted")
				assertOutcomes(t, h, outcomes{delivered: 4, dropped: 3})
			})
		}
	}
}

// The others go to the fallback while the rest of a torn record waits.
func TestTornWithFallback(t *testing.T) {
	for _, g := range gates {
		bubble(t, g.name, func(t *testing.T) {
			fallback := &testsink.Recorder{}
			d := &disk{err: errDown}
			h := begin(t, d.handler(), async.Options{Sink: d, Gate: g.gate(), Fallback: fallback, MaxAttempts: 1})
			info(h, "1")
			time.Sleep(time.Second)
			d.fill(true)
			info(h, "2")
			time.Sleep(time.Minute)
			assertOutcomes(t, h, outcomes{delivered: 1, depth: 1})
			info(h, "3", "4")
			assertOutcomes(t, h, outcomes{delivered: 1, fallback: 2, depth: 1})
			assert.Equal(t, []string{"3", "4"}, fallback.Messages())
			d.fill(false)
			time.Sleep(2 * maxOpenTime)
			assertOutcomes(t, h, outcomes{delivered: 2, fallback: 2})
			info(h, "5")
			time.Sleep(2 * maxOpenTime)
			assertOutcomes(t, h, outcomes{delivered: 3, fallback: 2})
			assert.Equal(t, []string{"1", "2", "5"}, d.records())
			d.assertContinued(t)
		})
	}
}

// A record that went ahead to find out whose fault it is may be torn: then it comes
// first, before the one in front.
func TestTornAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{err: errDown, full: true, refuses: "bad"}
		h := begin(t, d.handler(), async.Options{Sink: d, Gate: &fakeGate{}, MaxAttempts: 2})
		info(h, "bad", "1", "2", "3")
		time.Sleep(time.Minute)
		d.assertContinued(t)
		assertOutcomes(t, h, outcomes{depth: 4})
		d.fill(false)
		time.Sleep(time.Minute)
		d.assertContinued(t)
		assert.Equal(t, []string{"1", "2", "3"}, d.records())
		assertOutcomes(t, h, outcomes{delivered: 3, failed: 1})
	})
}

// Neither a permanent error nor a panic is the end of a torn record, nor a reason to
// try without a pause.
func TestTornKeepsThePace(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
	}{{"error", errDown}, {"permanent", async.ErrPermanent}, {"panic", nil}} {
		for _, fallback := range []slog.Handler{nil, &testsink.Recorder{}} {
			bubble(t, fmt.Sprintf("%s/fallback %t", tt.name, fallback != nil), func(t *testing.T) {
				d := &disk{err: tt.err, full: true}
				errs := newJournal()
				hear := func(err error) {
					if len(errs.what()) < 1000 { // else the test would not end
						errs.hear(err)
					} else {
						d.fill(false)
					}
				}
				h := begin(t, d.handler(), async.Options{Sink: d, Gate: &fakeGate{}, Fallback: fallback, ErrorHandler: hear})
				info(h, "1")
				time.Sleep(time.Second)
				assert.Equal(t, ms(0, 10, 30, 70, 150, 310, 630), errs.when()[:min(7, len(errs.when()))])
				assertOutcomes(t, h, outcomes{depth: 1})
				d.fill(false)
				time.Sleep(time.Second)
				assertOutcomes(t, h, outcomes{delivered: 1})
			})
		}
	}
}

func TestShutdownWhileTorn(t *testing.T) {
	for _, g := range gates {
		for _, heals := range []bool{true, false} {
			bubble(t, fmt.Sprintf("%s/heals %t", g.name, heals), func(t *testing.T) {
				fallback := &testsink.Recorder{}
				d := &disk{err: errDown, full: true}
				h := begin(t, d.handler(), async.Options{Sink: d, Gate: g.gate(), Fallback: fallback, MaxAttempts: 1})
				info(h, "1")
				time.Sleep(time.Minute)
				start, tries := time.Now(), d.calls()
				time.AfterFunc(time.Nanosecond, func() {
					assert.Equal(t, tries+1, d.calls(), "it is tried at once")
				})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if heals {
					time.AfterFunc(3*time.Second, func() { d.fill(false) })
				}
				err := h.Shutdown(ctx)
				assert.LessOrEqual(t, time.Since(start), 10*time.Second)
				if heals {
					require.NoError(t, err)
					assertOutcomes(t, h, outcomes{delivered: 1})
				} else {
					var undelivered *async.ShutdownError
					require.ErrorAs(t, err, &undelivered)
					assert.Equal(t, 1, undelivered.Undelivered)
					assertOutcomes(t, h, outcomes{dropped: 1})
				}
				assert.Empty(t, fallback.Messages(), "a torn record goes nowhere else")
				d.assertContinued(t)
			})
		}
	}
}

// Others that wait behind a torn record when a shutdown begins go to the fallback, as
// before.
func TestShutdownBehindTorn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fallback := &testsink.Recorder{}
		d := &disk{err: errDown, full: true}
		hold := testsink.NewGate()
		t.Cleanup(hold.Release)
		h := begin(t, d.handler(), async.Options{Sink: d, Fallback: fallback, ErrorHandler: func(error) { hold.Pass() }})
		info(h, "1")
		<-hold.Entered() // "1" is torn
		info(h, "2", "3")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		done := make(chan error)
		go func() { done <- h.Shutdown(ctx) }()
		synctest.Wait()
		hold.Release()
		var undelivered *async.ShutdownError
		require.ErrorAs(t, <-done, &undelivered)
		assert.Equal(t, 1, undelivered.Undelivered)
		assertOutcomes(t, h, outcomes{fallback: 2, dropped: 1})
		assert.Equal(t, []string{"2", "3"}, fallback.Messages())
		d.assertContinued(t)
	})
}
