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
	err = errors.Join(d.remove(runs, func(run) {}))
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
