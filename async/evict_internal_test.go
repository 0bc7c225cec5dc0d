package async

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
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

// holdAll moves what waits to where records are held for another try.
func holdAll(g *engine, n int) {
	g.locked(func() {
		for _, e := range g.ring.Take(nil, n) {
			g.seq++
			g.course.Hold(course.Held[entry]{Value: e, Seq: g.seq})
		}
	})
}

// While errors have all the bytes, a flood that is refused does not look again and again at
// those that wait, nor at those that are held (P2).
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

			holdAll(h.engine, errs/2)
			var looks atomic.Int64
			weigh := func(e *entry) (int64, bool) {
				looks.Add(1)
				return e.size, e.rec.Level >= slog.LevelError
			}
			h.engine.locked(func() {
				h.engine.ring.Weigh(weigh)
				h.engine.course.Weigh(weigh)
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

// What it costs to refuse a record, for want of bytes, does not grow with the number of
// those that are held.
func BenchmarkFloodOverHeld(b *testing.B) {
	for _, held := range []int{64, 1024, 8192} {
		b.Run(fmt.Sprint(held), func(b *testing.B) {
			gate := testsink.NewBlocker(nil)
			h := New(gate, Options{Capacity: 2 * held, Budget: &fixed{limit: 8 * int64(held+1)}, MaxWait: -1, StallTimeout: -1, DropReports: -1})
			log := func(level slog.Level) { _ = h.Handle(context.Background(), slog.NewRecord(time.Now(), level, "", 0)) }
			log(slog.LevelError)
			<-gate.Entered()
			for range held {
				log(slog.LevelError)
			}
			holdAll(h.engine, held)
			for b.Loop() {
				log(slog.LevelDebug)
			}
			if s := h.Stats(); s.Depth <= held {
				b.Fatal("not all are held: ", s.Depth)
			}
			gate.Release()
			_ = h.Close()
		})
	}
}

// A caller that has reserved the oldest place, and was stopped before it filled that, is
// waited for by a protected record; another is refused.
func TestEvictionWaitsForAPlaceThatIsNotFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		gate := testsink.NewBlocker(rec)
		h := New(gate, Options{Capacity: 4, MaxWait: -1, StallTimeout: -1, DropReports: -1})
		log := func(level slog.Level, msg string) error {
			return h.Handle(context.Background(), slog.NewRecord(time.Now(), level, msg, 0))
		}
		require.NoError(t, log(slog.LevelInfo, "inside"))
		<-gate.Entered()
		ring := h.engine.ring
		pos, e, _ := ring.Reserve()
		for _, msg := range []string{"1", "2", "3"} {
			require.NoError(t, log(slog.LevelInfo, msg))
		}
		began := time.Now()
		assert.Equal(t, ErrDropped, log(slog.LevelInfo, "refused"))
		assert.Zero(t, time.Since(began))

		time.AfterFunc(20*time.Millisecond, func() {
			e.h, e.rec = h, slog.NewRecord(time.Now(), slog.LevelInfo, "late", 0)
			ring.Publish(pos)
		})
		require.NoError(t, log(slog.LevelError, "error"))
		assert.Less(t, time.Since(began), 30*time.Millisecond)

		gate.Release()
		require.NoError(t, h.Close())
		assert.Equal(t, []string{"inside", "1", "2", "3", "error"}, rec.Messages())
		s := h.Stats()
		assert.EqualValues(t, 2, s.Dropped, "the one refused, and the one that came late")
		assert.EqualValues(t, 7, s.Received)
	})
}
