package async_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/breaker"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

func TestGivenUp(t *testing.T) {
	for _, tt := range []struct {
		name     string
		gate     async.Gate
		attempts int
		msgs     []string
		bad      []string
		calls    []string
		want     outcomes
	}{
		{
			"no gate", nil, 2,
			[]string{"bad", "x", "y"},
			[]string{"bad"},
			[]string{"bad", "bad", "x", "y"},
			outcomes{delivered: 2, failed: 1},
		},
		{
			"a later record was taken", &fakeGate{}, 3,
			[]string{"bad", "x", "y"},
			[]string{"bad"},
			[]string{"bad", "bad", "x", "y", "bad"},
			outcomes{delivered: 2, failed: 1},
		},
		{
			"an even number", &fakeGate{}, 2,
			[]string{"bad", "x", "y"},
			[]string{"bad"},
			[]string{"bad", "bad", "x", "y", "bad"},
			outcomes{delivered: 2, failed: 1},
		},
		{
			"a single attempt", &fakeGate{}, 1,
			[]string{"bad", "x", "y"},
			[]string{"bad"},
			[]string{"bad", "bad", "x", "y", "bad"},
			outcomes{delivered: 2, failed: 1},
		},
		{
			"between good ones", &fakeGate{}, 1,
			[]string{"x", "bad", "y"},
			[]string{"bad"},
			[]string{"x", "bad", "bad", "y", "bad"},
			outcomes{delivered: 2, failed: 1},
		},
		{
			"bad ones with good ones between them", &fakeGate{}, 1,
			[]string{"bad1", "x", "bad2", "y"},
			[]string{"bad1", "bad2"},
			[]string{"bad1", "bad1", "x", "bad2", "y", "bad1", "bad2"},
			outcomes{delivered: 2, failed: 2},
		},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			calls, errs := newJournal(), newJournal()
			h := begin(t, calls.handler(downFor(tt.bad...)), async.Options{Gate: tt.gate, MaxAttempts: tt.attempts, ErrorHandler: errs.hear})
			info(h, tt.msgs...)
			time.Sleep(time.Minute)
			assert.Equal(t, tt.calls, calls.what())
			assertOutcomes(t, h, tt.want)
			assert.Len(t, errs.what(), len(tt.calls)-tt.want.delivered)
		})
	}
}

// Nobody knows whether a record is bad as long as there is no other to try.
func TestLastRecordIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, errs := newJournal(), newJournal()
		h := begin(t, calls.handler(downFor("bad")), async.Options{Gate: newBreaker(), ErrorHandler: errs.hear})
		info(h, "bad")
		time.Sleep(time.Hour)
		assertOutcomes(t, h, outcomes{depth: 1})
		require.Greater(t, len(calls.what()), 500)

		info(h, "good")
		time.Sleep(3 * maxOpenTime)
		assertOutcomes(t, h, outcomes{delivered: 1, failed: 1})
		attempts := errs.what()
		assert.Equal(t, fmt.Sprintf("attempt %d: next is down", len(attempts)), attempts[len(attempts)-1])
	})
}

// Several bad records in a row hold up the others for a while, not for ever.
func TestSeveralBadInARow(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  int
		gate func() async.Gate
	}{
		{"2", 2, func() async.Gate { return &fakeGate{} }},
		{"3", 3, func() async.Gate { return &fakeGate{} }},
		{"10", 10, func() async.Gate { return &fakeGate{} }},
		{"3 with a breaker", 3, func() async.Gate { return newBreaker() }},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			bad, good := numbered(1, tt.bad), numbered(101, 120)
			rec := &testsink.Recorder{}
			h := begin(t, testsink.NewFailer(rec, errDown, testsink.HasMessage(bad...)), async.Options{Gate: tt.gate()})
			info(h, append(bad, good...)...)
			time.Sleep(time.Hour)
			assertOutcomes(t, h, outcomes{delivered: len(good), failed: len(bad)})
			assert.Equal(t, good, rec.Messages())
		})
	}
}

// A permanent error is the record's fault, whatever the gate thinks of errors.
func TestPermanent(t *testing.T) {
	permanent := fmt.Errorf("too long: %w", async.ErrPermanent)
	for _, tt := range []struct {
		name string
		err  error
	}{
		{"wrapped", permanent},
		{"joined", errors.Join(errDown, async.ErrPermanent)},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			rec, errs, gate := &testsink.Recorder{}, newJournal(), &fakeGate{}
			next := testsink.NewFailer(rec, tt.err, testsink.HasMessage("bad"))
			h, plug := plugged(t, next, async.Options{Gate: gate, ErrorHandler: errs.hear})
			info(h, "bad", "2", "bad", "bad", "bad", "bad", "bad", "3")
			plug.Release()
			assertOutcomes(t, h, outcomes{delivered: 3, failed: 6})
			assert.Equal(t, []string{"plug", "2", "3"}, rec.Messages())
			assert.Equal(t, 9, next.Calls(), "none is tried again")
			assert.Empty(t, gate.bad, "no failure for the gate")
			assert.Equal(t, slices.Repeat(errs.when()[:1], 6), errs.when(), "nothing is paused for")
			gate.assertSettled(t)
		})
	}
}

// With a breaker too, an endless row of bad records leaves it closed.
func TestPermanentLeavesBreakerClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		h := begin(t, testsink.NewFailer(nil, async.ErrPermanent, nil), async.Options{Gate: b})
		info(h, numbered(1, 100)...)
		assertOutcomes(t, h, outcomes{failed: 100})
		assert.Equal(t, breaker.Stats{State: "closed"}, b.Stats())
	})
}
