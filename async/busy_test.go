package async_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// What next refuses while a call into the fallback is under way for long waits for that, and
// next does not get it again (P7).
func TestWhatIsRefusedBesideASlowFallback(t *testing.T) {
	for name, answer := range map[string]func() error{
		"with an error":           func() error { return errDown },
		"with ErrPermanent":       func() error { return errors.Join(errDown, async.ErrPermanent) },
		"with a panic":            func() error { panic("boom") },
		"by ending the goroutine": nil,
	} {
		bubble(t, name, func(t *testing.T) {
			tried, taken := newJournal(), newJournal()
			bad := map[string]bool{"bad 1": true, "bad 2": true, "bad 3": true}
			next := testsink.Func(func(_ context.Context, r slog.Record) error {
				tried.note(r.Message)
				if !bad[r.Message] {
					return nil
				}
				if answer == nil {
					return testsink.NewExiter(nil, nil).Handle(context.Background(), r)
				}
				return answer()
			})
			fallback := testsink.Func(func(_ context.Context, r slog.Record) error {
				taken.note(r.Message)
				time.Sleep(2 * time.Second)
				return nil
			})
			h := begin(t, next, async.Options{Gate: newBreaker(), Fallback: fallback, Capacity: 8, MaxAttempts: 1})
			info(h, "bad 1")
			untilNapsAreOver()
			info(h, "1", "bad 2", "2", "bad 3", "3", "4") // half of the queue: another worker sees to them
			time.Sleep(1900 * time.Millisecond)
			assertOutcomes(t, h, outcomes{delivered: 4, depth: 3})
			time.Sleep(time.Minute)
			assertOutcomes(t, h, outcomes{delivered: 4, fallback: 3})
			assert.Equal(t, []string{"bad 1", "1", "bad 2", "2", "bad 3", "3", "4"}, tried.what())
			assert.Equal(t, []string{"bad 1", "bad 2", "bad 3"}, taken.what())
		})
	}
}

// Behind a probe, or a next that takes its time to fail, nothing overflows: the fallback gets
// what waits as soon as half of the queue is taken, though no caller waits for room (P7).
func TestNothingOverflowsBesideAFreeFallback(t *testing.T) {
	for _, capacity := range []int{2, 16, 64} {
		bubble(t, fmt.Sprint(capacity), func(t *testing.T) {
			tried, taken := newJournal(), newJournal()
			next := testsink.Func(func(_ context.Context, r slog.Record) error {
				tried.note(r.Message)
				time.Sleep(2500 * time.Microsecond) // never when a record comes
				return errDown
			})
			h := begin(t, next, async.Options{
				Gate: newBreaker(), Fallback: taken.handler(func(string) error { return nil }), Capacity: capacity, MaxWait: -1,
			})
			for _, msg := range numbered(1, 20_000) {
				assert.NoError(t, say(h, slog.LevelInfo, msg))
				time.Sleep(time.Millisecond)
			}
			assertOutcomes(t, h, outcomes{fallback: 20_000})
			assert.Greater(t, len(tried.what()), 5, "there were probes")
		})
	}
}
