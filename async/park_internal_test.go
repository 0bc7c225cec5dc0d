package async

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/ring"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

func newRecord(msg string) slog.Record { return slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0) }

// requireIdle checks that the worker waits for nothing but a wake-up: it is parked and
// none of its timers runs. A timer that does not run is one that Stop does not stop.
func requireIdle(t *testing.T, c *core) {
	t.Helper()
	synctest.Wait()
	require.Equal(t, parked, c.sleep.Load())
	require.Empty(t, c.wakeUp)
	w := c.worker
	require.False(t, w.timer.Stop(), "the timer of naps")
	require.True(t, w.call.timer == nil || !w.call.timer.Stop(), "the watch for stalls")
}

// An idle handler has no timer running and so wakes nobody (P10).
func TestIdleCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := New(rec, Options{FlushInterval: time.Second, SyncLevel: slog.LevelError})
		requireIdle(t, h.core)
		for range 3 {
			require.NoError(t, h.Handle(t.Context(), newRecord("m")))
			require.NoError(t, h.Flush(t.Context()))
			time.Sleep(time.Minute) // naps are over
			requireIdle(t, h.core)
			time.Sleep(time.Hour)
			requireIdle(t, h.core)
		}
		require.NoError(t, h.Close())
		assert.Equal(t, 3, rec.Len())
	})
}

// Where processors are short, callers go first as long as there is plenty of room and
// nobody waits for the records.
func TestWorkerYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const batch, capacity = 16, 512
	// deliveredAtOnce returns how many records are delivered before this goroutine runs again.
	deliveredAtOnce := func(waiting int, before func(h *Handler, wg *sync.WaitGroup)) int {
		var delivered atomic.Int64
		next := testsink.NewBlocker(testsink.Func(func(context.Context, slog.Record) error {
			delivered.Add(1)
			for began := time.Now(); time.Since(began) < nap/batch; { // keeps the processor
			}
			return nil
		}))
		h := New(next, Options{Capacity: capacity, BatchSize: batch})
		require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		<-next.Entered()
		for range waiting {
			require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		}
		var wg sync.WaitGroup
		before(h, &wg)
		next.Release()
		for delivered.Load() < 2 { // the first one may have its batch for itself
			runtime.Gosched()
		}
		n := int(delivered.Load())
		wg.Wait()
		require.NoError(t, h.Close())
		assert.EqualValues(t, waiting+1, delivered.Load())
		return n
	}
	const plenty = capacity*3/4 - 1
	// How often others get to run is up to the scheduler too, so there are some tries.
	most := func(waiting int, before func(h *Handler, wg *sync.WaitGroup)) (n int) {
		for range 20 {
			n = max(n, deliveredAtOnce(waiting, before))
		}
		return n
	}
	nothing := func(*Handler, *sync.WaitGroup) {}
	assert.LessOrEqual(t, most(plenty, nothing), 6*batch)
	assert.GreaterOrEqual(t, most(capacity, nothing), capacity-plenty)
	assert.Equal(t, plenty+1, most(plenty, func(h *Handler, wg *sync.WaitGroup) {
		wg.Go(func() { assert.NoError(t, h.Flush(t.Context())) })
		for h.core.waiters.Load() == 0 {
			runtime.Gosched()
		}
	}), "somebody flushes")
	assert.Equal(t, plenty+1, most(plenty, func(h *Handler, _ *sync.WaitGroup) {
		h.core.room.mu.Lock()
		defer h.core.room.mu.Unlock()
		h.core.room.signaled = time.Now()
	}), "somebody has waited for room")
}

// A handler that was blocked, stalled or failing is idle again afterwards.
func TestIdleAfterTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := testsink.NewBlocker(testsink.NewFailer(nil, nil, testsink.First(2)))
		h := New(gate, Options{Capacity: 1, ErrorHandler: func(error) {}})
		for range 4 {
			_ = h.Handle(t.Context(), newRecord("m"))
		}
		time.Sleep(time.Minute)
		require.Equal(t, uint64(1), h.Stats().Stalls)
		gate.Release()
		require.NoError(t, h.Flush(t.Context()))
		time.Sleep(time.Minute)
		requireIdle(t, h.core)
		require.NoError(t, h.Close())
	})
}

// A single record is with next at once if the worker is parked, and after its nap at
// the latest if it has just delivered.
func TestSingleRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := New(rec, Options{})
		for i := range 3 {
			time.Sleep(time.Hour)
			requireIdle(t, h.core)
			began := time.Now()
			require.NoError(t, h.Handle(t.Context(), newRecord("parked")))
			rec.Wait(2*i + 1)
			assert.Zero(t, time.Since(began))
			synctest.Wait()
			require.Equal(t, napping, h.core.sleep.Load())
			require.NoError(t, h.Handle(t.Context(), newRecord("napping")))
			rec.Wait(2*i + 2)
			assert.LessOrEqual(t, time.Since(began), nap)
		}
		require.NoError(t, h.Close())
	})
}

// A worker that naps is woken when half of the queue is full.
func TestNapEndsWithHalfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := New(rec, Options{Capacity: 8, FlushInterval: time.Hour})
		require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		rec.Wait(1)
		synctest.Wait() // it naps
		for range 3 {
			require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		}
		synctest.Wait()
		require.Equal(t, 1, rec.Len(), "the worker lets more gather")
		began := time.Now()
		require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		rec.Wait(5)
		assert.Zero(t, time.Since(began))
		synctest.Wait() // it naps again
		require.NoError(t, h.Handle(t.Context(), newRecord("last")))
		rec.Wait(6)
		assert.Equal(t, time.Hour, time.Since(began), "the nap is over")
		require.NoError(t, h.Close())
	})
}

// A caller that waits for room, be it of the budget, ends a nap.
func TestNapEndsForACallerWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := New(rec, Options{FlushInterval: time.Hour, Budget: membudget.New(1000, membudget.Options{})})
		big := strings.Repeat("x", 900)
		require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		rec.Wait(1)
		synctest.Wait() // it naps
		began := time.Now()
		require.NoError(t, h.Handle(t.Context(), newRecord(big)))
		require.NoError(t, h.Handle(t.Context(), newRecord(big)))
		assert.Zero(t, time.Since(began))
		require.NoError(t, h.Close())
		assert.Zero(t, h.Stats().Dropped)
	})
}

// While records keep coming the worker naps for long enough to find the next one, and
// then parks; after others it naps for a moment.
func TestNapsWhileRecordsKeepComing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		pause time.Duration
		want  uint32
	}{{"quick succession", 2 * nap, napping}, {"now and then", 3 * longNap, parked}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := New(&testsink.Recorder{}, Options{})
				for range 3 {
					time.Sleep(tt.pause)
					require.NoError(t, h.Handle(t.Context(), newRecord("m")))
				}
				time.Sleep(tt.pause)
				synctest.Wait()
				assert.Equal(t, tt.want, h.core.sleep.Load())
				time.Sleep(2*longNap + nap)
				requireIdle(t, h.core)
				require.NoError(t, h.Close())
			})
		})
	}
}

// How long records may gather depends on how many came before.
func TestLengthOfNaps(t *testing.T) {
	for _, tt := range []struct {
		name     string
		interval time.Duration
		before   int
		want     time.Duration
	}{
		{"few", 0, urgent - 1, longNap},
		{"many", 0, urgent, nap},
		{"few, with FlushInterval", time.Millisecond, 1, time.Millisecond},
		{"many, with FlushInterval", time.Second, urgent, time.Second},
		{"short FlushInterval", 1, urgent, nap},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := &testsink.Recorder{}
				h := New(rec, Options{FlushInterval: tt.interval})
				log := func(n int) time.Duration {
					began, had := time.Now(), rec.Len()
					for range n {
						require.NoError(t, h.Handle(t.Context(), newRecord("m")))
					}
					rec.Wait(had + n)
					synctest.Wait()
					return time.Since(began)
				}
				log(1)
				log(tt.before)
				assert.Equal(t, tt.want, log(1))
				require.NoError(t, h.Close())
			})
		})
	}
}

// A nap lets nothing fill up that a healthy next keeps empty otherwise.
func TestNapsFillNothing(t *testing.T) {
	const limit = 64 << 10
	ended, cancel := context.WithCancel(context.Background())
	cancel() // who logs with it does not wait for room
	tests := []struct {
		name  string
		size  int
		every time.Duration
		opts  Options
	}{
		{"high water", 1, 50 * time.Microsecond, Options{Capacity: 64, HighWater: 0.4}},
		{"lowest high water", 1, 300 * time.Microsecond, Options{HighWater: 0.0005}},
		{"budget", 4 << 10, 100 * time.Microsecond, Options{}},
		{"budget, now and then", 16 << 10, 300 * time.Microsecond, Options{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				full := func(int64, int64) { t.Error("the budget seems exceeded") }
				tt.opts.Budget = membudget.New(limit, membudget.Options{OnExceeded: full})
				tt.opts.OnHighWater = func(depth, capacity int) { t.Errorf("%d of %d wait", depth, capacity) }
				h := New(&testsink.Recorder{}, tt.opts)
				for range 500 {
					require.NoError(t, h.Handle(ended, newRecord(strings.Repeat("m", tt.size))))
					time.Sleep(tt.every)
				}
				require.NoError(t, h.Close())
			})
		})
	}
}

// Records that came while a short delivery ran wait for a nap, so that more can gather;
// those that came during a long one have waited long enough.
func TestNapBetweenShortDeliveries(t *testing.T) {
	for _, tt := range []struct {
		name      string
		took      time.Duration
		wantAfter time.Duration
	}{{"short", nap / 2, nap}, {"long", 2 * nap, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ends, begins []time.Time
				h := New(testsink.Func(func(context.Context, slog.Record) error {
					begins = append(begins, time.Now())
					time.Sleep(tt.took)
					ends = append(ends, time.Now())
					return nil
				}), Options{})
				require.NoError(t, h.Handle(t.Context(), newRecord("first")))
				synctest.Wait()
				require.NoError(t, h.Handle(t.Context(), newRecord("second")))
				time.Sleep(time.Second)
				require.NoError(t, h.Close())
				assert.Equal(t, tt.wantAfter, begins[1].Sub(ends[0]))
			})
		})
	}
}

// newIdleCore returns the core of a handler that has no worker yet.
func newIdleCore(next slog.Handler, opts Options) (*core, *Handler, *worker) {
	c := newCore(opts.withDefaults())
	h := &Handler{core: c, next: next}
	c.root = h
	w := &worker{core: c, timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return c, h, w
}

// A record that is published after the worker has found the queue empty and before it
// parks finds it awake, and wakes nobody. The worker must see it.
func TestParkLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, w := newIdleCore(&testsink.Recorder{}, Options{})
		require.NoError(t, h.Handle(t.Context(), newRecord("m")))
		rested := make(chan struct{})
		go func() {
			c.rest(w, 0)
			close(rested)
		}()
		synctest.Wait()
		select {
		case <-rested:
		default:
			t.Error("the worker sleeps while a record waits")
			c.poke()
		}
	})
}

// A record whose place was reserved before the end, and which is published after it,
// is dropped by its own caller.
func TestPublishedAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &testsink.Recorder{}
		h := New(rec, Options{})
		synctest.Wait()
		c := h.core
		pos, e, status := c.ring.Reserve()
		require.Equal(t, ring.Reserved, status)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		shutdown, ok := errors.AsType[*ShutdownError](h.Shutdown(ended))
		require.True(t, ok)
		assert.Equal(t, 1, shutdown.Undelivered)
		require.Equal(t, 1, h.Stats().Depth, "its caller is about to publish it")

		r := newRecord("m")
		c.put(pos, e, t.Context(), h, &r, 0)
		c.follow(t.Context(), pos, r.Level)
		s := h.Stats()
		assert.Zero(t, s.Depth)
		assert.Equal(t, uint64(1), s.Received)
		assert.Equal(t, uint64(1), s.Dropped)
		assert.Zero(t, rec.Len())
	})
}

// Records behind this one may have their outcome before its caller looks at the mark.
func TestHighWaterOfAnOvertakenRecord(t *testing.T) {
	h := New(slog.DiscardHandler, Options{Capacity: 16, HighWater: 0.5, OnHighWater: func(depth, _ int) {
		t.Errorf("called at depth %d", depth)
	}})
	defer h.Close()
	h.core.outcomes.Store(10)
	h.core.tellHighWater(h.core.reachedHighWater(3))
}
