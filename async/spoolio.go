package async

import (
	"fmt"
	"log/slog"
	"slices"
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
	batch := make([]byte, 0, d.batched)
	var ends []int
	n := 0
	for ; b.Next(); n++ {
		begin := len(batch)
		batch = d.archived(batch, b.current(), b.Line())
		if d.max > 0 && int64(len(batch)-begin) > d.max {
			d.op.large = append(d.op.large, n)
			batch = batch[:begin]
			continue
		}
		ends = append(ends, len(batch))
	}
	if len(ends) > 0 {
		d.batched = min(len(batch), maxBatched)
		err = d.spool.Append(split(batch, ends))
	}
	if err != nil {
		return 0, &spoolError{err}
	}
	b.Done(n)
	return n, nil
}

// maxBatched is the most memory that is made for a batch before its size is known.
const maxBatched = 1 << 20

// split returns the parts of b that end there.
func split(b []byte, ends []int) [][]byte {
	parts := make([][]byte, 0, len(ends))
	begin := 0
	for _, end := range ends {
		parts = append(parts, b[begin:end:end])
		begin = end
	}
	return parts
}

// archived appends the record as bytes, with the line that its handler has made of it, if it has:
// the handler is not called again. That line is left out if it does not fit.
func (d *disk) archived(b []byte, e *entry, line []byte) []byte {
	chain, begin := e.h.trail.chain(), len(b)
	if line != nil {
		b = d.codec.AppendLine(b, chain, &e.rec, line)
		if d.max <= 0 || int64(len(b)-begin) <= d.max {
			return b
		}
	}
	return d.codec.Append(b[:begin], chain, &e.rec)
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
	unmarked        error // what is done behind others could not be removed
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
	front, behind := d.remove(l.done, func(r run) {
		l.removed = append(l.removed, r)
		l.outstanding -= r.n
	})
	l.unmarked = behind
	if l.outstanding == 0 {
		d.held = nil // the memory of an outage, if nothing follows
	}
	if front != nil || l.more == 0 {
		return front
	}
	records, err := d.spool.Next(l.outstanding + l.more)
	if err != nil {
		return err
	}
	fresh := records[min(l.outstanding, len(records)):]
	d.held = slices.Grow(d.held[:0], len(fresh))
	for i, record := range fresh {
		h := &d.held[:i+1][i]
		if err := d.restore(h, record); err != nil {
			l.unreadable = err
			l.bad++
			h.Value.h = nil
		}
		l.held = d.held[:i+1]
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

// failure returns what there is to tell of err, if that is one.
func (l *loading) failure(err error) attempt {
	a := attempt{w: l.w, now: time.Now(), attempts: 1}
	if err != nil {
		a.err = &spoolError{err}
		l.w.engine.guard(a.read, l.w.engine.notePanic)
	}
	return a
}

// end accounts for the call, whatever became of it.
func (l *loading) end() {
	g := l.w.engine
	d := &g.disk
	d.measure()
	a, behind := l.failure(l.err), l.failure(l.unmarked)
	g.locked(func() {
		l.w.endLocked(&a)
		d.removedLocked(l.removed)
		d.afterDiskLocked(l.err, a.now)
		if l.more > 0 || len(l.removed) > 0 {
			d.full = l.more > 0 && l.err == nil && len(l.held) == 0 && d.op.size > l.outstanding
		}
		if behind.err != nil {
			behind.noteErrorLocked()
			d.putOff = true
		}
		if a.err != nil {
			a.noteErrorLocked()
		}
		l.holdLocked()
	})
	defer d.tellGone()
	if behind.err != nil {
		behind.tellFailed()
	}
	switch {
	case a.err != nil:
		a.tellFailed()
	case l.bad > 0:
		g.tell.error(&DeliveryError{Handler: g.opts.Name, Attempts: 1, Err: &spoolError{fmt.Errorf("%d records cannot be read: %w", l.bad, l.unreadable)}})
	}
}

// holdLocked keeps what was taken from the disk, to be tried. After the drain it stays there.
func (l *loading) holdLocked() {
	g := l.w.engine
	d := &g.disk
	defer clear(l.held)
	if g.phase > draining {
		l.bad = 0
		return
	}
	kept := l.held[:0]
	for i := range l.held {
		h := &l.held[i]
		h.Seq = d.loaded
		d.there = append(d.there, d.loaded)
		d.loaded++
		if h.Value.h == nil {
			d.lostLocked(h.Value.rec.Level)
		} else {
			kept = append(kept, *h)
		}
	}
	g.course.Hold(kept...)
}

// restore makes a record of what is on the disk.
func (d *disk) restore(h *course.Held[entry], b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil { // next's WithAttrs or WithGroup
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	*h = course.Held[entry]{Stored: true}
	r, err := d.codec.Read(b)
	h.Value.rec = r.Record
	if err != nil {
		return err
	}
	h.Line = r.Line
	addSource(&h.Value.rec, &r)
	h.Value.h, err = d.derived(r.Chain)
	return err
}

// addSource adds the source to a record that has none of its own any more.
func addSource(to *slog.Record, r *archive.Record) {
	if r.PC == 0 && r.Source.File != "" {
		source := r.Source
		to.AddAttrs(slog.Any(slog.SourceKey, &source))
	}
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
