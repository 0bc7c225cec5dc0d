package async

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/testsink"
)

// fixed is a budget of one handler.
type fixed struct {
	used  atomic.Int64
	limit int64
}

func (b *fixed) TryAcquire(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *fixed) Release(n int64) { b.used.Add(-n) }
func (b *fixed) Used() int64     { return b.used.Load() }
func (b *fixed) Limit() int64    { return b.limit }

// While errors have all the bytes, a flood that is refused does not look again and again at
// those that wait (P2).
func TestFloodLooksAtProtectedRecordsOnce(t *testing.T) {
	for policy, flood := range map[Overflow]slog.Level{
		DropOldest: slog.LevelDebug,
		DropNewest: slog.LevelError, // a lower one evicts nothing
	} {
		synctest.Test(t, func(t *testing.T) {
			const size, errs, goroutines, each = 100, 2000, 8, 500
			gate := testsink.NewBlocker(&testsink.Recorder{})
			h := New(gate, Options{Capacity: 2 * errs, Budget: &fixed{limit: size * errs}, Overflow: policy, MaxWait: -1, StallTimeout: -1, DropReports: -1})
			log := func(level slog.Level) error {
				return h.Handle(context.Background(), slog.NewRecord(time.Now(), level, strings.Repeat("m", size-8), 0))
			}
			for range errs {
				require.NoError(t, log(slog.LevelError))
			}
			synctest.Wait()
			require.Equal(t, ErrDropped, log(flood))

			var looks atomic.Int64
			h.engine.locked(func() {
				h.engine.ring.Weigh(func(e *entry) (int64, bool) {
					looks.Add(1)
					return e.size, e.rec.Level >= slog.LevelError
				})
			})
			var wg sync.WaitGroup
			for range goroutines {
				wg.Go(func() {
					for range each {
						assert.Equal(t, ErrDropped, log(flood))
					}
				})
			}
			wg.Wait()
			assert.EqualValues(t, errs-1, looks.Load(), "all but the one inside next")
			gate.Release()
			require.NoError(t, h.Close())
			s := h.Stats()
			assert.EqualValues(t, errs, s.Delivered)
			assert.EqualValues(t, 1+goroutines*each, s.Dropped)
		})
	}
}
