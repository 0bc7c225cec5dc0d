package async_test

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

// hungDisk is a spool whose calls of one kind hang once they are told to.
type hungDisk struct {
	*spool.Spool
	hangs string
	gate  *testsink.Gate
}

func (s *hungDisk) pass(what string) {
	if s.hangs == what {
		s.gate.Pass()
	}
}

func (s *hungDisk) Append(records [][]byte) error {
	s.pass("Append")
	return s.Spool.Append(records)
}

func (s *hungDisk) Next(limit int) ([][]byte, error) {
	s.pass("Next")
	return s.Spool.Next(limit)
}

func (s *hungDisk) Remove(n int) error {
	s.pass("Remove")
	return s.Spool.Remove(n)
}

func (s *hungDisk) RemoveRange(from, n int) error {
	s.pass("RemoveRange")
	return s.Spool.RemoveRange(from, n)
}

// A disk that hangs in an outage costs no log call time, whatever it hangs in: what does not fit
// into memory goes by the policy. When the disk and next are back all that was kept is delivered,
// once, in order.
func TestDiskHangsInAnOutage(t *testing.T) {
	for _, hangs := range []string{"Append", "Next", "Remove", "RemoveRange"} {
		for _, policy := range []async.Overflow{async.DropOldest, async.DropNewest} {
			bubble(t, hangs+" "+policy.String(), func(t *testing.T) { hangInAnOutage(t, hangs, policy) })
		}
	}
}

func hangInAnOutage(t *testing.T, hangs string, policy async.Overflow) {
	dir := t.TempDir()
	leaveOnDisk(t, dir, 20)
	rec := &testsink.Recorder{}
	var up, all atomic.Bool
	next := testsink.Func(func(ctx context.Context, r slog.Record) error {
		if !up.Load() || r.Message == "2" && !all.Load() {
			return errDown
		}
		return rec.Handle(ctx, r)
	})
	up.Store(hangs != "Append") // else none of the others is called
	disk := &hungDisk{openSpool(t, dir), hangs, testsink.NewGate()}
	var dropped []string
	h := begin(t, next, async.Options{
		Gate: newBreaker(), Capacity: 16, BatchSize: 4, MaxWait: -1, MaxAttempts: 1_000_000, Overflow: policy, Spool: disk,
		OnDrop: func(_ context.Context, r slog.Record, reason async.DropReason) {
			assert.Equal(t, async.DropOverflow, reason)
			dropped = append(dropped, r.Message) // the caller's goroutine
		}, DropReports: -1,
	})
	if hangs != "Append" {
		<-disk.gate.Entered()
		up.Store(false)
	}
	delivered := rec.Messages()
	began := time.Now()
	info(h, numbered(21, 100)...)
	assert.Zero(t, time.Since(began), "the time of the calls")
	time.Sleep(10 * time.Second)
	info(h, "101")
	assert.Equal(t, 10*time.Second, time.Since(began), "the time of a call")
	s := assertIdentity(t, h)
	require.Len(t, dropped, int(s.Dropped))
	require.GreaterOrEqual(t, len(dropped), 60)
	require.EqualValues(t, 1, s.Stalls)
	var unhealthy *async.HealthError
	require.ErrorAs(t, h.Health(), &unhealthy)
	require.Equal(t, "a call hangs", unhealthy.Reason)
	require.Equal(t, delivered, rec.Messages(), "what is older comes first")

	disk.gate.Release()
	up.Store(true)
	time.Sleep(time.Minute)
	all.Store(true)
	time.Sleep(time.Minute)
	want := slices.DeleteFunc(numbered(1, 101), func(msg string) bool { return slices.Contains(dropped, msg) })
	require.ElementsMatch(t, want, rec.Messages(), "each once")
	loaded := func(msg string) bool { return slices.Contains(numbered(1, 5), msg) } // and refused, or tried with those (P7)
	require.Equal(t, slices.DeleteFunc(want, loaded), slices.DeleteFunc(rec.Messages(), loaded))
	require.NoError(t, h.Health())
	require.NoError(t, h.Close())
	require.Zero(t, assertIdentity(t, h).Spooled)
	require.Zero(t, openSpool(t, dir).Len())
}
