package async_test

import (
	"context"
	"errors"
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
