// Package ledger counts what became of records: each that was received has one outcome or
// is still somewhere in between.
package ledger

import (
	"log/slog"
	"sync/atomic"
)

// Reason is the index of a reason for a drop; whoever counts says what it stands for.
type Reason uint8

// Reasons is how many reasons there may be.
const Reasons = 8

// Levels are the levels that drops are counted by. Others count with the nearest below,
// those under the first with it.
var Levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func levelIndex(l slog.Level) int {
	switch {
	case l < slog.LevelInfo:
		return 0
	case l < slog.LevelWarn:
		return 1
	case l < slog.LevelError:
		return 2
	}
	return 3
}

// Drops counts drops by reason and level.
type Drops [Reasons][len(Levels)]uint64

// Count counts one.
func (d *Drops) Count(r Reason, l slog.Level) { d[r][levelIndex(l)]++ }

// Total returns how many there are.
func (d *Drops) Total() (n uint64) {
	for _, byLevel := range d {
		for _, count := range byLevel {
			n += count
		}
	}
	return n
}

// Add adds those of o.
func (d *Drops) Add(o *Drops) {
	for r := range d {
		for l := range d[r] {
			d[r][l] += o[r][l]
		}
	}
}

// Sub returns those that are not in o.
func (d *Drops) Sub(o *Drops) (diff Drops) {
	for r := range d {
		for l := range d[r] {
			diff[r][l] = d[r][l] - o[r][l]
		}
	}
	return diff
}

// Ledger has the counts of one handler. The zero Ledger is empty. Refuse may be called
// concurrently with everything, the owner's lock is around all else.
type Ledger struct {
	Delivered, Fallback, Failed uint64
	Direct                      uint64 // received past the queue
	Evicted                     Drops  // dropped records that were in the queue
	Peak                        int    // the largest depth

	refused [Reasons][len(Levels)]atomic.Uint64
}

// Refuse counts a dropped record that never was in the queue.
func (g *Ledger) Refuse(r Reason, l slog.Level) { g.refused[r][levelIndex(l)].Add(1) }

// Refused returns the dropped records that never were in the queue.
func (g *Ledger) Refused() (d Drops) {
	for r := range g.refused {
		for l := range g.refused[r] {
			d[r][l] = g.refused[r][l].Load()
		}
	}
	return d
}

// Balance returns how many records were received, if so many were in the queue ever, and
// all drops. Received == Delivered + Fallback + Failed + drops + those in between, for a
// tail and a number of those in between from the same moment.
func (g *Ledger) Balance(queued uint64) (received uint64, drops Drops) {
	drops = g.Refused()
	received = queued + g.Direct + drops.Total()
	drops.Add(&g.Evicted)
	return received, drops
}
