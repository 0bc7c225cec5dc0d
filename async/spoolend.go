package async

import (
	"context"
	"errors"
	"slices"

	"github.com/asynchandler/asynchandler/internal/claims"
	"github.com/asynchandler/asynchandler/internal/course"
)

// shutdownFuncs returns what runs after the drain, the last one first.
func (d *disk) shutdownFuncs() []func(context.Context) error {
	g := d.g
	if g.opts.Spool == nil {
		return g.opts.OnShutdown
	}
	return append(slices.Clone(g.opts.OnShutdown), func(context.Context) error { return d.closeSpool() })
}

// leaveSpoolLocked lets go of records that are on the disk too: the drain has ended.
func (g *engine) leaveSpoolLocked() {
	g.disk.forgetLocked()
	g.disk.end = g.disk.loaded
	g.course.Remove(func(h *course.Held[entry]) bool {
		if !h.Stored || h.Torn() {
			return false
		}
		g.disk.left = append(g.disk.left, h.Seq)
		return true
	})
}

// moveLocked counts what next has in its hands as that, though it is on the disk too: nobody
// waits for it any more.
func (d *disk) moveLocked() {
	if w := d.g.busy[toNext]; w != nil && w.onDisk() {
		d.waiting -= w.batch.own
		w.moved = true
		w.handLocked(w.batch.own)
	}
}

// leaveLocked is about records of the batch that nobody tries again: the drain was abandoned.
func (w *worker) leaveLocked(from, to int) {
	d := &w.engine.disk
	for i := from; i < to; i++ {
		if !w.thereLocked(i) {
			w.giveUpLocked(i)
			continue
		}
		age := w.batch.held[i].Seq
		at, _ := slices.BinarySearch(d.left, age)
		d.left = slices.Insert(d.left, at, age)
		if w.moved {
			w.handLocked(-1)
			d.waiting++
		}
	}
}

// closeSpool ends the spool, after the drain and the call under way.
func (d *disk) closeSpool() (err error) {
	var idle chan struct{}
	d.g.locked(func() {
		d.closed = true
		if d.g.busy[toSpool] != nil {
			idle = make(chan struct{})
			d.idle = idle
		}
	})
	if idle != nil {
		<-idle
	}
	var runs []run
	d.g.locked(func() { runs = d.doneRunsLocked() })
	defer d.tellGone()
	defer claims.Release(d.spool)
	defer func() { err = errors.Join(err, d.spool.Close()) }()
	ranges, _ := d.spool.(RangeRemover)
	for _, r := range runs {
		switch {
		case r.from == 0:
			err = errors.Join(err, d.spool.Remove(r.n))
		case ranges != nil:
			err = errors.Join(err, ranges.RemoveRange(r.from, r.n))
		}
	}
	d.g.locked(func() { d.struck = err == nil })
	return err
}

// keepsDone reports whether the disk has records that were delivered, so that they would come
// again.
func (d *disk) keepsDone() (yes bool) {
	if d.spool != nil {
		d.g.locked(func() { yes = !d.struck && len(d.doneRunsLocked()) > 0 })
	}
	return yes
}

// run is records that follow each other on the disk, by their place there.
type run struct{ from, n int }

// doneRunsLocked returns the records on the disk that had their outcome when the drain ended, or
// have it now. The last ones come first: to remove them leaves the others their places.
func (d *disk) doneRunsLocked() (runs []run) {
	end := d.end
	for _, age := range slices.Backward(d.stayingLocked()) {
		if from := max(age+1, d.head); from < end {
			runs = append(runs, run{int(from - d.head), int(end - from)})
		}
		end = age
	}
	return runs
}

// stayingLocked returns the ages of the records that were loaded and have no outcome, and first
// one that is older than all.
func (d *disk) stayingLocked() (ages []uint64) {
	g := d.g
	ages = append([]uint64{0}, d.left...)
	for i := range g.course.Len() {
		if h := g.course.At(i); h.Stored { // next has a part of it
			ages = append(ages, h.Seq)
		}
	}
	if w := g.busy[toNext]; w != nil && w.stored {
		delivered, _, replayed := g.accounts.underwayLocked() // one of these
		for i := int(delivered + replayed); i < w.batch.own; i++ {
			ages = append(ages, w.batch.held[i].Seq) // and no more: the sink may be at its line
		}
	}
	slices.Sort(ages)
	return ages
}
