package async

import "slices"

// run is records that follow each other on the disk, by their place there.
type run struct{ from, n int }

// doneRunsLocked returns the records on the disk that have their outcome and can be
// removed. The last ones come first: to remove them leaves the others their places.
func (d *disk) doneRunsLocked() (runs []run) {
	if len(d.there) == 0 {
		return nil
	}
	staying := d.stayingLocked()
	for end := len(d.there); end > 0; {
		from := end
		for from > 0 && (len(staying) == 0 || staying[len(staying)-1] < d.there[from-1]) {
			from--
		}
		if from < end && (from == 0 || d.ranges != nil && (d.closed || !d.putOff)) {
			runs = append(runs, run{from, end - from})
		}
		if end = from - 1; len(staying) > 0 {
			staying = staying[:len(staying)-1]
		}
	}
	return runs
}

// stayingLocked returns the ages of the records that were loaded and have no outcome, in order.
func (d *disk) stayingLocked() []uint64 {
	g := d.g
	ages := append(d.staying[:0], d.left...)
	for i := range g.course.Len() {
		if h := g.course.At(i); h.Stored {
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
	d.staying = ages
	return ages
}

// remove removes these from the disk, and says which have gone. Of those behind others, which
// come first, none is tried after one that failed.
func (d *disk) remove(runs []run, gone func(run)) (front, behind error) {
	for _, r := range runs {
		switch {
		case r.from == 0:
			if front = d.spool.Remove(r.n); front == nil {
				gone(r)
			}
		case behind == nil:
			if behind = d.ranges.RemoveRange(r.from, r.n); behind == nil {
				gone(r)
			}
		}
	}
	return front, behind
}

// removedLocked notes that these have gone from the disk.
func (d *disk) removedLocked(runs []run) {
	for _, r := range runs {
		d.there = slices.Delete(d.there, r.from, r.from+r.n)
		d.size -= r.n
	}
}
