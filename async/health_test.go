package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// What is wrong is said, and since when, and no more when it is over.
func TestHealth(t *testing.T) {
	const soon = 5 * time.Millisecond
	for _, tt := range []struct {
		reason  string
		opts    async.Options
		breaker bool
		hangs   bool // next hangs, else it fails
		records int
		well    time.Duration // for so long it is well yet
		unwell  time.Duration // then it is not
	}{
		{
			reason: "a call hangs", opts: async.Options{StallTimeout: time.Second},
			hangs: true, records: 1, well: time.Second - soon, unwell: time.Second + soon,
		},
		{
			reason:  "the breaker is open and records wait",
			breaker: true, records: 9, unwell: time.Second,
		},
		{
			reason: "the oldest record cannot be delivered", opts: async.Options{MaxAttempts: 1000},
			records: 1, well: 29 * time.Second, unwell: 31 * time.Second,
		},
		{
			reason: "nine tenths of the queue are full", opts: async.Options{Capacity: 16, StallTimeout: -1},
			hangs: true, records: 15, unwell: soon,
		},
	} {
		bubble(t, tt.reason, func(t *testing.T) {
			failer := testsink.NewFailer(nil, errDown, testsink.Always)
			hung := testsink.NewBlocker(nil)
			defer hung.Release()
			next := slog.Handler(failer)
			if tt.hangs {
				next = hung
			}
			if tt.breaker {
				tt.opts.Gate = newBreaker()
			}
			h := begin(t, next, tt.opts)
			require.NoError(t, h.Health())

			began := time.Now()
			info(h, numbered(1, tt.records)...)
			if time.Sleep(tt.well); tt.well > 0 {
				require.NoError(t, h.Health(), "too soon")
			}
			time.Sleep(tt.unwell - tt.well)
			var unhealthy *async.HealthError
			require.ErrorAs(t, h.Health(), &unhealthy)
			assert.Equal(t, tt.reason, unhealthy.Reason)
			assert.Equal(t, "default", unhealthy.Handler)
			assert.WithinDuration(t, began, unhealthy.Since, time.Second)

			failer.Heal()
			hung.Release()
			time.Sleep(time.Minute)
			require.NoError(t, h.Health())

			ended := time.Now()
			require.NoError(t, h.Close())
			require.ErrorAs(t, h.Health(), &unhealthy)
			assert.Equal(t, "closed", unhealthy.Reason)
			assert.WithinDuration(t, ended, unhealthy.Since, time.Second)
		})
	}
}

// An outage is one, with all its probes: it began once.
func TestHealthThroughoutAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failer := testsink.NewFailer(nil, errDown, testsink.Always)
		h := begin(t, failer, async.Options{Gate: newBreaker()})
		outage := func() {
			began := time.Now()
			info(h, numbered(1, 9)...)
			time.Sleep(5 * time.Second)
			for range 6000 {
				var unhealthy *async.HealthError
				require.ErrorAs(t, h.Health(), &unhealthy)
				require.WithinDuration(t, began, unhealthy.Since, time.Second)
				time.Sleep(7 * time.Millisecond)
			}
			require.Greater(t, h.Stats().Breaker.HalfOpened, uint64(3))
			failer.Heal()
			time.Sleep(time.Minute)
			require.NoError(t, h.Health())
		}
		outage()
		failer.Break(testsink.Always)
		outage()
		require.NoError(t, h.Close())
	})
}

// What is on the disk waits, too: a restart in an outage leaves nothing in memory.
func TestHealthWhileRecordsWaitOnTheDisk(t *testing.T) {
	for _, breaker := range []bool{true, false} {
		bubble(t, fmt.Sprintf("breaker %t", breaker), func(t *testing.T) {
			dir := t.TempDir()
			down := func() (*async.Handler, *testsink.Faulty) {
				opts := async.Options{Capacity: 4, MaxAttempts: 1000, Spool: openSpool(t, dir)}
				if breaker {
					opts.Gate = newBreaker()
				}
				failer := testsink.NewFailer(nil, errDown, testsink.Always)
				return begin(t, failer, opts), failer
			}
			first, _ := down()
			logSlowly(first, numbered(1, 9)...)
			require.NoError(t, first.Close(), "all is on the disk")

			h, failer := down()
			time.Sleep(40 * time.Second)
			require.Equal(t, 9, h.Stats().Spooled)
			var unhealthy *async.HealthError
			require.ErrorAs(t, h.Health(), &unhealthy)
			reason := "the oldest record cannot be delivered"
			if breaker {
				reason = "the breaker is open and records wait"
			}
			assert.Equal(t, reason, unhealthy.Reason)

			failer.Heal()
			time.Sleep(time.Minute)
			require.NoError(t, h.Health())
			require.NoError(t, h.Close())
		})
	}
}

// An outage of a next that panics began once, too, however many probes panic.
func TestHealthSaysSinceWhenNextPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := testsink.Func(func(context.Context, slog.Record) error { panic("next") })
		h := begin(t, next, async.Options{Gate: newBreaker()})
		began := time.Now()
		info(h, numbered(1, 5000)...)
		time.Sleep(time.Minute)
		var unhealthy *async.HealthError
		require.ErrorAs(t, h.Health(), &unhealthy)
		require.WithinDuration(t, began, unhealthy.Since, time.Second)
	})
}
