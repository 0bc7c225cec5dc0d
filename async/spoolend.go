package async

import (
	"context"
	"errors"
	"slices"

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
	g.disk.done = g.disk.head + uint64(g.disk.doneLocked())
	g.course.Remove(func(h *course.Held[entry]) bool {
		if !h.Stored || h.Torn() {
			return false
		}
		g.disk.left = append(g.disk.left, h.Seq)
		return true
	})
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
	done := 0
	d.g.locked(func() { done = int(max(d.done, d.head) - d.head) })
	defer func() { err = errors.Join(err, d.spool.Close()) }()
	if done > 0 {
		err = d.spool.Remove(done)
	}
	return err
}
