package async

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/asynchandler/asynchandler/internal/archive"
	"github.com/asynchandler/asynchandler/internal/course"
)

// spoolSink puts a batch on the disk.
type spoolSink struct{ g *engine }

// Deliver puts all records there, or none.
func (s spoolSink) Deliver(b *Batch) (done int, err error) {
	d := &s.g.disk
	d.op = diskOp{puts: true}
	defer d.measure()
	var records [][]byte
	n := 0
	for ; b.Next(); n++ {
		record := d.archived(b.current(), b.Line())
		if d.max > 0 && int64(len(record)) > d.max {
			d.op.large = append(d.op.large, n)
			continue
		}
		records = append(records, record)
	}
	if len(records) > 0 {
		err = d.spool.Append(records)
	}
	if err != nil {
		return 0, &spoolError{err}
	}
	b.Done(n)
	return n, nil
}

// archived returns the record as bytes, with the line that its handler has made of it, if it has:
// the handler is not called again. That line is left out if it does not fit.
func (d *disk) archived(e *entry, line []byte) []byte {
	record, chain := make([]byte, 0, 256), e.h.trail.chain()
	if line != nil {
		record = archive.AppendLine(record, chain, &e.rec, line)
		if d.max <= 0 || int64(len(record)) <= d.max {
			return record
		}
	}
	return archive.Append(record[:0], chain, &e.rec)
}

// spoolError is an error of the spool.
type spoolError struct{ err error }

// Error returns what failed.
func (e *spoolError) Error() string { return "asynchandler: the spool: " + e.err.Error() }

// Unwrap returns the spool's error.
func (e *spoolError) Unwrap() error { return e.err }

// loading is one call that takes records from the disk.
type loading struct {
	w               *worker
	more            int   // how many to take at most
	done, removed   []run // on the disk: those that have their outcome, those that have gone
	outstanding     int   // those that are held
	held            []course.Held[entry]
	bad             int // of held, those that cannot be read
	unreadable, err error
}

// load removes from the disk what is done, and takes records from there, at most so many. The
// call has begun.
func (w *worker) load(most int) {
	g := w.engine
	d := &g.disk
	l := loading{w: w, more: most}
	g.locked(func() {
		l.done = d.doneRunsLocked()
		l.outstanding = len(d.there)
	})
	d.op = diskOp{}
	g.guard(func() { l.err = l.read() }, func(p *PanicError) {
		if p != nil {
			g.notePanic(p)
			l.err = p
		}
		l.end()
	})
}

// read does what the spool is needed for.
func (l *loading) read() error {
	d := &l.w.engine.disk
	if err := d.remove(l.done, func(r run) {
		l.removed = append(l.removed, r)
		l.outstanding -= r.n
	}); err != nil || l.more == 0 {
		return err
	}
	records, err := d.spool.Next(l.outstanding + l.more)
	if err != nil {
		return err
	}
	for _, record := range records[min(l.outstanding, len(records)):] {
		h, err := d.restored(record)
		if err != nil {
			l.unreadable = err
			l.bad++
			h.Value.h = nil
		}
		l.held = append(l.held, h)
	}
	if len(records) == 0 && l.outstanding == 0 {
		if n := d.spool.Len(); n > 0 {
			return fmt.Errorf("it has %d records and returns none", n)
		}
	}
	return nil
}

// measure asks the spool how many records it has after the call.
func (d *disk) measure() {
	d.op.size = -1
	d.g.apart(func() { d.op.size = d.spool.Len() })
}

// end accounts for the call, whatever became of it.
func (l *loading) end() {
	g := l.w.engine
	d := &g.disk
	d.measure()
	a := attempt{w: l.w, now: time.Now()}
	if l.err != nil {
		a.err = &spoolError{l.err}
	}
	g.guard(a.read, g.notePanic)
	g.locked(func() {
		l.w.endLocked(&a)
		d.removedLocked(l.removed)
		d.afterDiskLocked(l.err, a.now)
		if l.more > 0 || len(l.removed) > 0 {
			d.full = l.more > 0 && l.err == nil && len(l.held) == 0 && d.op.size > l.outstanding
		}
		if a.err != nil {
			a.noteErrorLocked()
		}
		l.holdLocked()
	})
	defer d.tellGone()
	switch {
	case a.err != nil:
		a.attempts = 1
		a.tellFailed()
	case l.bad > 0:
		g.tell.error(&DeliveryError{Handler: g.opts.Name, Attempts: 1, Err: &spoolError{fmt.Errorf("%d records cannot be read: %w", l.bad, l.unreadable)}})
	}
}

// holdLocked keeps what was taken from the disk, to be tried. After the drain it stays there.
func (l *loading) holdLocked() {
	g := l.w.engine
	d := &g.disk
	if g.phase > draining {
		l.bad = 0
		return
	}
	for i := range l.held {
		h := &l.held[i]
		h.Seq = d.loaded
		d.there = append(d.there, d.loaded)
		d.loaded++
		if h.Value.h == nil {
			d.lostLocked(h.Value.rec.Level)
		} else {
			g.course.Hold(*h)
		}
	}
}

// restored makes a record of what is on the disk.
func (d *disk) restored(b []byte) (h course.Held[entry], err error) {
	defer func() {
		if p := recover(); p != nil { // next's WithAttrs or WithGroup
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	h.Stored = true
	r, err := archive.Read(b)
	h.Value.rec = r.Record
	if err != nil {
		return h, err
	}
	h.Line = r.Line
	h.Value.rec = sourced(&r)
	h.Value.h, err = d.derived(r.Chain)
	return h, err
}

// sourced returns the record with its source, if only as an attribute.
func sourced(r *archive.Record) slog.Record {
	if r.PC == 0 && r.Source.File != "" {
		r.AddAttrs(slog.Any(slog.SourceKey, &r.Source))
	}
	return r.Record
}

// maxKeptHandlers bounds the handlers that are kept for records from the disk.
const maxKeptHandlers = 1024

// derived returns the handler that adds what chain says.
func (d *disk) derived(chain []byte) (h *Handler, err error) {
	if len(chain) == 0 {
		return d.root, nil
	}
	if h = d.kept[string(chain)]; h != nil {
		return h, nil
	}
	steps, err := archive.ReadChain(chain)
	if err != nil {
		return nil, err
	}
	h = d.root
	for _, s := range steps {
		c := *h
		if s.Group != "" {
			c.next = h.next.WithGroup(s.Group)
		} else {
			c.next = h.next.WithAttrs(s.Attrs)
		}
		c.trail = h.trail.then(s)
		h = &c
	}
	if len(d.kept) >= maxKeptHandlers {
		clear(d.kept)
	}
	d.kept[string(chain)] = h
	return h, nil
}
