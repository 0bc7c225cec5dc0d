package course_test

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

// The ages of records, as the engine gives them.
const (
	loadedSeq = 1 << 61
	firstSeq  = 1 << 62
)

// disk is the queue on disk of a rig.
type disk struct {
	records    []stored // oldest first
	loaded     uint64   // age of the next one that is loaded
	way        course.Way
	retry      time.Time // until then it is left alone after an error
	few        int       // how many it returns at most
	fails      bool      // each call
	prefixOnly bool      // it removes none behind others
	full, shut bool
	late       bool
	away       bool // it was, at some time
}

// stored is a record on the disk.
type stored struct {
	item
	age  uint64 // 0: it is not loaded
	done bool
}

func (d *disk) count(f func(*stored) bool) (n int) {
	for i := range d.records {
		if f(&d.records[i]) {
			n++
		}
	}
	return n
}

func isDone(s *stored) bool   { return s.done }
func isLoaded(s *stored) bool { return s.age > 0 }

// removable returns how many of those that are done it can remove.
func (d *disk) removable() (n int) {
	for i := range d.records {
		if d.records[i].done {
			n++
		} else if d.prefixOnly {
			break
		}
	}
	return n
}

func (d *disk) facts(now time.Time) (s course.Spool) {
	if d == nil {
		return s
	}
	n := len(d.records)
	s = course.Spool{
		On: true, Way: d.way, Some: d.count(isDone) < n, More: d.count(isLoaded) < n,
		Full: d.full, Done: d.removable() > 0, Shut: d.shut, Late: d.late,
	}
	if s.Way == course.Free && now.Before(d.retry) {
		s.Way = course.Refused
	}
	d.away = d.away || s.Way != course.Free
	return s
}

// wasAway reports whether it was: then a shutdown delivers what is in memory before it.
func (d *disk) wasAway() bool { return d != nil && d.away }

// older marks what comes back while younger records are on the disk.
func (d *disk) older(batch []course.Held[item]) []course.Held[item] {
	for i := range batch {
		h := &batch[i]
		h.Value.tried = h.Value.tried || i == 0
		if d != nil && len(d.records) > d.count(isDone) && h.Seq >= firstSeq {
			h.Older = true
			h.Seq -= firstSeq
		}
	}
	return batch
}

// done notes that a record has its fate.
func (d *disk) done(h *course.Held[item]) {
	if d == nil || !h.Stored {
		return
	}
	for i := range d.records {
		d.records[i].done = d.records[i].done || d.records[i].age == h.Seq
	}
}

func (r *rig) failedDisk() bool {
	d := r.disk
	if d.fails {
		d.retry = r.f.Now.Add(100 * time.Millisecond)
	}
	return d.fails
}

func (r *rig) store(d course.Decision) {
	batch := r.take(d)
	if r.disk.shut = r.failedDisk(); r.disk.shut {
		if d.From == course.Queue {
			r.queue = append(batch, r.queue...)
		} else {
			r.c.Hold(batch...)
		}
		return
	}
	for i := range batch {
		h := &batch[i]
		require.False(r.t, h.Stored || h.Torn(), "it is there, or half of it is elsewhere")
		h.Value.tried = h.Value.tried || h.Attempts > 0
		r.disk.records = append(r.disk.records, stored{item: h.Value})
	}
	r.disk.full = false
}

func (r *rig) load(most int) {
	d := r.disk
	d.shut = false
	if r.failedDisk() {
		return
	}
	for removed := d.removable(); removed > 0; removed-- {
		i := slices.IndexFunc(d.records, func(s stored) bool { return s.done })
		d.records = slices.Delete(d.records, i, i+1)
		d.full = false
	}
	if most == 0 {
		return
	}
	had := d.count(isLoaded)
	got := d.records[had:max(had, min(had+most, max(d.few, 1), len(d.records)))]
	d.full = len(got) == 0 && had < len(d.records)
	for i := range got {
		got[i].age = d.loaded
		d.loaded++
		r.c.Hold(course.Held[item]{Value: got[i].item, Seq: got[i].age, Stored: true})
	}
}

// evicts lets the oldest on the disk go.
func (r *rig) evicts(n int) {
	d := r.disk
	for range min(n, len(d.records)) {
		if s := d.records[0]; !s.done && s.age == 0 {
			r.fates[s.id] = "dropped"
		}
		d.records, d.full = d.records[1:], false
	}
	head := d.loaded
	if len(d.records) > 0 && d.records[0].age > 0 {
		head = d.records[0].age
	}
	r.c.Gone(head, func(h *course.Held[item]) {
		if !h.Torn() {
			r.fates[h.Value.id] = "dropped"
		}
	})
}

// crash has another process begin, with what the disk has.
func (r *rig) crash() {
	d := r.disk
	for i := range r.c.Len() {
		if h := r.c.At(i); !h.Stored {
			r.fates[h.Value.id] = "lost"
		}
	}
	for i := range r.queue {
		r.fates[r.queue[i].Value.id] = "lost"
	}
	if twice := d.count(isDone); !d.away && !d.prefixOnly {
		require.LessOrEqual(r.t, twice, r.f.Batch, "more than a batch comes twice")
	}
	for i := range d.records {
		if s := &d.records[i]; s.done {
			s.tried = true // it may come out of order
			delete(r.fates, s.id)
		}
		d.records[i].age, d.records[i].done = 0, false
	}
	r.c = course.Course[item]{MaxAttempts: r.c.MaxAttempts, OpenTime: r.c.OpenTime}
	r.queue, r.g, r.probing, r.draining = nil, gate{}, false, false
	d.loaded, d.full, d.shut, d.late, d.retry = loadedSeq, false, false, false, time.Time{}
}

// balanced looks whether each record is in one place: done, in memory, or on the disk.
func (r *rig) balanced() {
	d := r.disk
	memory := r.c.Len() - r.c.Stored() + len(r.queue)
	require.Equal(r.t, int(r.seq), len(r.fates)+memory+len(d.records)-d.count(isDone))
}
