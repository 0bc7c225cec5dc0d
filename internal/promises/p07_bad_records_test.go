package promises_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// choosy is a destination that is well, and never takes a record which is called bad.
type choosy struct {
	taken []string
	delay time.Duration // longest time from the call to here
}

func (p *choosy) handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "bad") {
		return testsink.ErrFault
	}
	p.taken = append(p.taken, r.Message)
	p.delay = max(p.delay, time.Since(r.Time))
	return nil
}

// Records that next never takes, one after the other, hold up those behind them no longer
// than the contract says, and cost none of them.
func TestBadRecordsInARow(t *testing.T) { // P7
	// The breaker is open for 5 s, give or take a tenth, when five records have failed, which
	// takes 160 ms and the 5 ms of the first one.
	const untilProbed = 5500*time.Millisecond + 165*time.Millisecond
	for bad, longest := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: 500 * time.Millisecond, 4: 500 * time.Millisecond,
		16: untilProbed, 64: untilProbed,
	} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &choosy{}
				h := asynchandler.New(testsink.Func(next.handle), quiet)
				logger := slog.New(h)
				for i := range bad {
					logger.Info(fmt.Sprint("bad ", i))
				}
				var want []string
				for i := range 100 {
					want = append(want, fmt.Sprint("good ", i))
					logger.Info(want[i])
				}
				require.NoError(t, h.Flush(t.Context()))
				require.NoError(t, h.Close())
				assert.Equal(t, want, next.taken)
				assert.LessOrEqual(t, next.delay, longest)
				assert.EqualValues(t, bad, h.Stats().Failed)
			})
		})
	}
}

// One record in ten that next never takes does no harm to the others at 1,000 in a second.
func TestOneRecordInTenIsBad(t *testing.T) { // P7
	synctest.Test(t, func(t *testing.T) {
		next := &choosy{}
		h := asynchandler.New(testsink.Func(next.handle), quiet)
		logger := slog.New(h)
		const all = 20_000
		for i := range all {
			if i%10 == 3 {
				logger.Info(fmt.Sprint("bad ", i))
			} else {
				logger.Info(fmt.Sprint("good ", i))
			}
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, h.Flush(t.Context()))
		require.NoError(t, h.Close())
		assert.Len(t, next.taken, all*9/10)
		assert.LessOrEqual(t, next.delay, time.Second)
		s := h.Stats()
		assert.Zero(t, s.Dropped)
		assert.EqualValues(t, all/10, s.Failed)
		assert.Equal(t, "closed", s.Breaker.State)
	})
}

// Close behind records that next never takes lasts as long as their tries, and tells of them.
func TestCloseBehindBadRecords(t *testing.T) { // P7, P9
	for _, bad := range []int{1, 4, 16, 64} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &choosy{}
				h := asynchandler.New(testsink.Func(next.handle), quiet)
				logger := slog.New(h)
				for i := range bad {
					logger.Info(fmt.Sprint("bad ", i))
				}
				logger.Info("good")
				began := time.Now()
				require.ErrorContains(t, h.Close(), fmt.Sprint(bad, " records failed during shutdown"))
				assert.Less(t, time.Since(began), 500*time.Millisecond)
				assert.Equal(t, []string{"good"}, next.taken)
			})
		})
	}
}

// However many records next never takes, one behind them is tried.
func TestThousandsOfBadRecords(t *testing.T) { // P7, P9
	for _, flushes := range []bool{true, false} {
		t.Run(fmt.Sprint("flushes: ", flushes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := &choosy{}
				h := asynchandler.New(testsink.Func(next.handle), quiet)
				logger := slog.New(h)
				for i := range 3000 {
					logger.Info(fmt.Sprint("bad ", i))
				}
				logger.Info("good")
				if flushes {
					require.NoError(t, h.Flush(t.Context()))
				}
				_ = h.Close()
				assert.Equal(t, []string{"good"}, next.taken)
				assert.EqualValues(t, 3000, h.Stats().Failed)
			})
		})
	}
}

// picksLines refuses each Write that has a bad line in it, whole.
type picksLines struct{ taken map[string]time.Duration }

func (p *picksLines) Write(lines []byte) (int, error) {
	if strings.Contains(string(lines), "bad") {
		return 0, testsink.ErrFault
	}
	for line := range strings.Lines(string(lines)) {
		called, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(line))
		if err != nil {
			return 0, err
		}
		p.taken[line] = time.Since(called)
	}
	return len(lines), nil
}

// Nor do bad lines hold up the others where lines go out together.
func TestOneLineInTenIsBad(t *testing.T) { // P7, P12
	for _, every := range []int{2, 10, 20} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &picksLines{taken: map[string]time.Duration{}}
				h := asynchandler.NewWriterHandler(w, messages, quiet, asynchandler.WithMaxWrite(64<<10))
				logger := slog.New(h)
				const all = 10_000
				for i := range all {
					if i%every == 0 { // the last one is good: a bad one would wait for another
						logger.Info("bad")
					} else {
						logger.Info(time.Now().Format(time.RFC3339Nano))
					}
					time.Sleep(time.Millisecond)
				}
				require.NoError(t, h.Flush(t.Context()))
				require.NoError(t, h.Close())
				assert.Len(t, w.taken, all-all/every)
				assert.LessOrEqual(t, slices.Max(slices.Collect(maps.Values(w.taken))), time.Second)
				assert.Zero(t, h.Stats().Breaker.Opened)
			})
		})
	}
}
