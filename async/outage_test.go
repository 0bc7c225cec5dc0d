package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// newBreaker opens after 5 failures for 5 s, and up to 0.5 s more.
func newBreaker() *breaker.Breaker { return breaker.NewBreaker(breaker.Options{}) }

const (
	openTime    = 5 * time.Second
	maxOpenTime = openTime + openTime/10 + 1
)

func ms(n ...int) (d []time.Duration) {
	for _, n := range n {
		d = append(d, time.Duration(n)*time.Millisecond)
	}
	return d
}

// A record that failed is tried again, and then those behind it, 10 ms, 20 ms... apart.
// Once five have failed the breaker is open, and next is left alone but for a probe of the
// oldest and those that were not tried yet.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, ok := newJournal(), false
		next := j.handler(func(string) error {
			if ok {
				return nil
			}
			return errDown
		})
		b := newBreaker()
		h := begin(t, next, async.Options{Gate: b, MaxAttempts: 1000})
		info(h, numbered(1, 20)...)
		time.Sleep(time.Second)
		assert.Equal(t, ms(0, 10, 20, 40, 80, 160), j.when())
		assert.Equal(t, []string{"1", "1", "2", "3", "4", "5"}, j.what())
		assert.Equal(t, "open", b.Stats().State)

		last := j.when()[5]
		for range 10 {
			calls := len(j.when())
			time.Sleep(last + openTime - time.Since(j.start))
			require.Len(t, j.when(), calls, "next was called while the breaker was open")
			time.Sleep(maxOpenTime - openTime)
			synctest.Wait()
			require.Greater(t, len(j.when()), calls, "a probe is due")
			assert.Equal(t, "1", j.what()[calls], "the oldest first")
			last = j.when()[len(j.when())-1]
		}
		info(h, "21", "22")
		assertOutcomes(t, h, outcomes{depth: 22})

		ok = true
		calls := len(j.what())
		time.Sleep(maxOpenTime)
		assertOutcomes(t, h, outcomes{delivered: 22})
		assert.Equal(t, numbered(1, 22), j.what()[calls:], "in order, each once")
		assert.Equal(t, "closed", b.Stats().State)
	})
}

func TestPause(t *testing.T) {
	want := ms(0, 10, 30, 70, 150, 310, 630, 1270, 2270, 3270)
	for _, tt := range []struct {
		name string
		gate async.Gate
		want outcomes
	}{
		{"no gate: given up after MaxAttempts", nil, outcomes{failed: 1}},
		{"gate closed all the time: held", &fakeGate{}, outcomes{depth: 1}},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			calls, errs := newJournal(), newJournal()
			h := begin(t, calls.handler(down), async.Options{Gate: tt.gate, MaxAttempts: len(want), ErrorHandler: errs.hear})
			info(h, "a")
			time.Sleep(4 * time.Second)
			assert.Equal(t, want, calls.when())
			assert.Equal(t, want, errs.when())
			for i, e := range errs.what() {
				assert.Equal(t, fmt.Sprintf("attempt %d: next is down", i+1), e)
			}
			assertOutcomes(t, h, tt.want)
			assert.EqualValues(t, len(want), h.Stats().DeliveryErrors)
		})
	}
}

// A success ends the pause and its doubling.
func TestPauseBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		h := begin(t, testsink.NewFailer(j.handler(func(string) error { return nil }), nil, testsink.First(4)), async.Options{Gate: &fakeGate{}})
		info(h, "a")
		time.Sleep(time.Second)
		assert.Equal(t, ms(150), j.when())

		j.reset()
		h2 := begin(t, j.handler(downFor("b")), async.Options{Gate: &fakeGate{}})
		for range 2 {
			info(h2, "good")
			time.Sleep(time.Second)
		}
		info(h2, "b")
		time.Sleep(50 * time.Millisecond)
		assert.Equal(t, ms(0, 1000, 2000, 2010, 2030), j.when())
	})
}

// After the gate was open the pauses are short again.
func TestGateEndsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, gate := newJournal(), &fakeGate{}
		h := begin(t, j.handler(down), async.Options{Gate: gate, MaxAttempts: 1000})
		info(h, "a")
		time.Sleep(time.Second)
		gate.shut(30 * time.Millisecond)
		time.Sleep(280 * time.Millisecond) // it was asked at 1.27 s
		gate.shut(0)
		time.Sleep(100 * time.Millisecond)
		assert.Equal(t, ms(0, 10, 30, 70, 150, 310, 630, 1300, 1310, 1330, 1370), j.when())
	})
}

// However many probes fail, nothing is lost when next itself was at fault, and only
// one record at a time goes ahead.
func TestNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, nil)
		h := begin(t, next, async.Options{Gate: newBreaker(), MaxAttempts: 1})
		msgs := numbered(1, 200)
		info(h, msgs...)
		time.Sleep(6 * time.Hour)
		require.Greater(t, next.Calls(), 3000)
		assertOutcomes(t, h, outcomes{depth: 200})
		next.Heal()
		time.Sleep(3 * maxOpenTime)
		assertOutcomes(t, h, outcomes{delivered: 200})
		got := rec.Messages()
		if ahead := slices.Index(msgs, got[0]); ahead > 0 {
			msgs = slices.Concat(got[:1], msgs[:ahead], msgs[ahead+1:])
		}
		assert.Equal(t, msgs, got)
	})
}

// AskGate, after the breaker was closed by hand, makes the worker try at once.
func TestAskGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		next := testsink.NewFailer(rec, errDown, nil)
		b := breaker.NewBreaker(breaker.Options{Settings: gobreaker.Settings{Timeout: time.Hour}})
		h := begin(t, next, async.Options{Gate: b, MaxAttempts: 1000})
		info(h, numbered(1, 5)...)
		time.Sleep(time.Minute)
		require.Equal(t, "open", b.Stats().State)
		next.Heal()
		b.Reset()
		assertOutcomes(t, h, outcomes{depth: 5})
		h.AskGate()
		assertOutcomes(t, h, outcomes{delivered: 5})
		assert.Equal(t, numbered(1, 5), rec.Messages())
	})
}

// plugged returns a handler whose worker is inside next with the record
// "plug", and the gate of next.
func plugged(t *testing.T, next slog.Handler, opts async.Options) (*async.Handler, *testsink.Gate) {
	t.Helper()
	g := testsink.NewGate()
	h := begin(t, testsink.Func(func(ctx context.Context, r slog.Record) error {
		if r.Message == "plug" {
			g.Pass()
		}
		return next.Handle(ctx, r)
	}), opts)
	t.Cleanup(g.Release)
	info(h, "plug")
	<-g.Entered()
	time.Sleep(time.Millisecond) // a long delivery: no nap follows it
	return h, g
}
