package async_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// One record too many costs one record (P5).
func TestOneRecordTooManyCostsOne(t *testing.T) {
	for _, capacity := range []int{4, 1024, 65_536} {
		synctest.Test(t, func(t *testing.T) {
			h, _, _ := newStuck(t, async.Options{Capacity: capacity})
			for range capacity {
				require.NoError(t, say(h, slog.LevelInfo, "m"))
			}
			require.Zero(t, h.Stats().Dropped)
			require.NoError(t, say(h, slog.LevelInfo, "one more"))
			assert.EqualValues(t, 1, h.Stats().Dropped)
		})
	}
}

// lateBudget refuses as often as it is told to, although there are bytes.
type lateBudget struct {
	*membudget.Budget
	refuse atomic.Int32
}

func (b *lateBudget) TryAcquire(n int64) bool {
	return b.refuse.Add(-1) < 0 && b.Budget.TryAcquire(n)
}

// A record that finds bytes which were given back since it was refused takes no other
// record's place. If they are gone again, it does.
func TestBytesThatAreFreeAfterAll(t *testing.T) {
	for _, tt := range []struct {
		refuse int32
		want   outcomes
	}{
		{2, outcomes{delivered: 4}},
		{3, outcomes{delivered: 3, dropped: 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &lateBudget{Budget: limited(t, plugSize+4*unit)}
			h, plug := plugged(t, &testsink.Recorder{}, async.Options{Budget: b, MaxWait: -1, DropReports: -1})
			assert.Empty(t, logSized(h, "1", "2"))
			b.refuse.Store(tt.refuse)
			assert.Empty(t, logSized(h, "3"))
			plug.Release()
			assertOutcomes(t, h, tt.want)
		})
	}
}
