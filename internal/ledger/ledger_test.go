package ledger_test

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/ledger"
)

const (
	overflow ledger.Reason = 0
	closed   ledger.Reason = ledger.Reasons - 1
)

func TestDropsAreCountedByTheLevelBelow(t *testing.T) {
	for level, want := range map[slog.Level]int{
		-100: 0, slog.LevelDebug: 0, -1: 0,
		slog.LevelInfo: 1, 3: 1,
		slog.LevelWarn: 2, 7: 2,
		slog.LevelError: 3, 100: 3,
	} {
		var d ledger.Drops
		d.Count(overflow, level)
		assert.Equal(t, uint64(1), d[overflow][want], level)
		assert.Equal(t, uint64(1), d.Total())
		assert.True(t, want == 0 || ledger.Levels[want] <= level, level)
	}
}

func TestDropsAreAddedAndSubtracted(t *testing.T) {
	var a, b ledger.Drops
	a.Count(overflow, slog.LevelInfo)
	a.Count(closed, slog.LevelError)
	b.Count(closed, slog.LevelError)
	sum := a
	sum.Add(&b)
	assert.Equal(t, uint64(3), sum.Total())
	assert.Equal(t, uint64(2), sum[closed][3])
	assert.Equal(t, a, sum.Sub(&b))
	assert.Equal(t, ledger.Drops{}, sum.Sub(&sum))
}

func TestWhatWasReceivedIsWhatBecameOfIt(t *testing.T) {
	var g ledger.Ledger
	const queued, between = 10, 2
	g.Delivered, g.Fallback, g.Failed = 4, 2, 1
	g.Evicted.Count(overflow, slog.LevelInfo)
	g.Refuse(overflow, slog.LevelInfo) // never was in the queue
	g.Refuse(closed, slog.LevelError)
	g.Direct++ // nor was this one
	g.Delivered++
	received, drops := g.Balance(queued)
	assert.Equal(t, uint64(13), received)
	assert.Equal(t, received, g.Delivered+g.Fallback+g.Failed+drops.Total()+between)
	assert.Equal(t, uint64(2), drops[overflow][1])
	refused := g.Refused()
	assert.Equal(t, uint64(2), refused.Total())
	assert.Equal(t, uint64(1), g.Evicted.Total(), "asking changes nothing")
}

func TestTheZeroLedgerIsEmpty(t *testing.T) {
	var g ledger.Ledger
	received, drops := g.Balance(0)
	assert.Zero(t, received)
	assert.Zero(t, drops)
}

func TestRefuseConcurrentSafe(t *testing.T) {
	const callers, each = 8, 1000
	var g ledger.Ledger
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range each {
				g.Refuse(ledger.Reason(i%2), slog.LevelInfo)
				g.Balance(0)
			}
		})
	}
	all.Wait()
	received, drops := g.Balance(0)
	assert.Equal(t, uint64(callers*each), received)
	assert.Equal(t, uint64(callers*each/2), drops[1][1])
}
