package async

import (
	"log/slog"
	"slices"
	"time"

	"github.com/asynchandler/asynchandler/internal/archive"
	"github.com/asynchandler/asynchandler/internal/course"
)

// A Spool is a queue of records on disk, for [Options.Spool]: package spool has one. Its
// methods are called by one goroutine at a time, but for Len, Bytes and Damaged, which are
// called concurrently with everything and must not wait for the disk.
//
// It may also be an [EvictTeller], a [SizeLimiter], a [BytesLimiter] and a [RangeRemover].
type Spool interface {
	// Append adds records at the end, in order, all or none.
	Append(records [][]byte) error
	// Next returns the oldest records, at most limit of them. They stay. It may return
	// fewer, one at least: how much it returns is how much of it is held in memory.
	Next(limit int) (records [][]byte, err error)
	// Remove removes the oldest n records.
	Remove(n int) error
	// Len returns how many records there are.
	Len() int
	// Bytes returns how many bytes they take.
	Bytes() int64
	// Damaged returns how many records were found damaged.
	Damaged() uint64
	// Flush makes what was appended and removed survive a power cut.
	Flush() error
	// Close is called at the end of a shutdown.
	Close() error
}

// An EvictTeller is a [Spool] that tells which records it lets go for want of room.
type EvictTeller interface {
	// OnEvict is called once, at the start: f is to be called, during Append, for each record
	// that goes, oldest first. f keeps nothing of it.
	OnEvict(f func(record []byte))
}

// A SizeLimiter is a [Spool] that takes no record beyond a size.
type SizeLimiter interface {
	// MaxRecord returns that size in bytes.
	MaxRecord() int64
}

// A BytesLimiter is a [Spool] that has a bound, for Stats.
type BytesLimiter interface {
	// MaxBytes returns the most that Bytes can be.
	MaxBytes() int64
}

// A RangeRemover is a [Spool] that removes records behind others that stay. Without that, those
// which were delivered while an older one was refused come again from the next process.
type RangeRemover interface {
	// RemoveRange removes n of the records that Next returns, from the one at the place from
	// on, all or none. After an error it is not called again before the end of a shutdown, and
	// that is no failure of the spool.
	RemoveRange(from, n int) error
}

// The ages of records by where they come from: those that came back from next while younger
// ones were on the disk, those from the disk, and those from the queue.
const (
	loadedSeq = 1 << 61
	firstSeq  = 1 << 62
)

// disk is what the engine knows of the spool. Guarded by engine.mu, but for what says else.
type disk struct {
	g         *engine
	spool     Spool        // nil if there is none; never changes
	ranges    RangeRemover // the same, if it is one
	putOff    bool         // what is done behind others is removed at the end: it failed once
	tells     bool         // it is an EvictTeller
	max       int64        // largest record, 0 is no limit
	limit     int64        // of its bytes, 0 is unknown
	recovered uint64
	total     uint64   // records that were put there
	waiting   int      // records there that have no outcome
	size      int      // records there
	there     []uint64 // ages of the oldest ones there: those that were loaded
	staying   []uint64 // of these, those without an outcome; used again
	loaded    uint64   // age that the next one which is loaded gets
	full      bool     // the last call brought nothing new
	shut      bool     // the last call could not put records there
	retry     time.Time
	broken    time.Time // since when it fails; zero if it does not
	failures  int
	left      []uint64 // ages of those that were loaded and had no outcome when the drain ended
	closed    bool
	struck    bool          // what was done is gone from it
	letters   []letter      // OnDrop is to be called with these, which were loaded,
	gone      [][]byte      // and then with these
	idle      chan struct{} // closed when the call under way ends; nil if nobody waits for that

	root *Handler // never changes

	// Of the goroutine with the call under way.
	op      diskOp
	codec   archive.Codec
	batched int                  // bytes of the batch that was put there last
	held    []course.Held[entry] // memory for records that are loaded
	kept    map[string]*Handler  // handlers by what they add to records
}

// diskOp is what one call into the spool found out.
type diskOp struct {
	puts    bool      // it is to put records there
	evicted []evictee // records that went for want of room
	size    int       // records there, after it; negative if the spool did not say
	large   []int     // of the batch, those that can never be there
}

// initSpool opens the books.
func (d *disk) initSpool(g *engine) {
	d.g = g
	s := g.opts.Spool
	if s == nil {
		return
	}
	d.spool = s
	g.early(func() { d.size = s.Len() })
	d.recovered, d.waiting = uint64(d.size), d.size
	d.loaded = loadedSeq
	d.ranges, _ = s.(RangeRemover)
	d.kept = map[string]*Handler{}
	if t, ok := s.(EvictTeller); ok {
		g.early(func() { t.OnEvict(d.evict); d.tells = true })
	}
	if l, ok := s.(SizeLimiter); ok {
		g.early(func() { d.max = l.MaxRecord() })
	}
	if l, ok := s.(BytesLimiter); ok {
		g.early(func() { d.limit = l.MaxBytes() })
	}
}

// spoolLocked says what the decision hangs on.
func (d *disk) spoolLocked(now time.Time) (s course.Spool) {
	g := d.g
	if d.spool == nil {
		return s
	}
	s = course.Spool{
		On:   true,
		Some: d.waiting > 0,
		More: d.size > len(d.there) || d.storingLocked(),
		Full: d.full,
		Shut: d.shut,
		Late: g.ending.lateLocked(now),
	}
	switch {
	case g.busy[toSpool] != nil:
		s.Way = g.busy[toSpool].call.way()
	case now.Before(d.retry) || d.closed:
		s.Way = course.Refused
	}
	return s
}

// storingLocked reports whether records are on their way to the disk: then they are older than
// what waits.
func (d *disk) storingLocked() bool {
	w := d.g.busy[toSpool]
	return w != nil && !w.call.stalled && w.batch.own > 0
}

// olderLocked notes that a record comes back from next while younger ones are on the disk, or on
// their way there.
func (w *worker) olderLocked(h course.Held[entry]) course.Held[entry] {
	d := &w.engine.disk
	s := w.engine.busy[toSpool]
	stores := s != nil && s.batch.own > 0 && s.batch.first > h.Seq
	if w.call.to == toNext && (d.waiting > 0 || stores) && h.Seq >= firstSeq {
		h.Older = true
		h.Seq -= firstSeq
	}
	return h
}

// spooledLocked accounts for records that are on the disk now.
func (w *worker) spooledLocked(a *attempt) {
	g := w.engine
	d := &g.disk
	g.accounts.notePeakLocked()
	large := d.op.large
	for i := range a.done {
		e := w.batch.at(i)
		if len(large) > 0 && large[0] == i {
			large = large[1:]
			a.dropped = g.accounts.dropLocked(a.dropped, e, spooled)
			g.accounts.report.noteLocked(g.ring.Head())
			continue
		}
		d.total++
		d.waiting++
		d.size++
		g.accounts.outcomeLocked(e)
	}
	g.hands -= a.done
	a.settled = a.done
}

// afterDiskLocked accounts for what a call into the spool did beside what it was for.
func (d *disk) afterDiskLocked(err error, now time.Time) {
	evicted := d.op.evicted
	if d.op.size < 0 {
		d.op.size = d.size - len(evicted)
	}
	if !d.tells && d.op.puts {
		for range d.size - d.op.size {
			evicted = append(evicted, evictee{level: slog.LevelInfo})
		}
	}
	for _, e := range evicted {
		loaded := len(d.there) > 0
		if _, left := slices.BinarySearch(d.left, d.headLocked()); left || !loaded { // else forgetLocked sees to it
			d.goneLocked(e)
		}
		if loaded {
			d.there = d.there[1:]
		}
		d.size--
		d.full = false
	}
	d.forgetLocked()
	for ; d.size > d.op.size; d.size-- { // found to be damaged
		d.lostLocked(slog.LevelInfo)
	}
	d.op.evicted = nil
	d.shut = err != nil && d.op.puts
	if err == nil {
		d.failures, d.retry, d.broken = 0, time.Time{}, time.Time{}
		return
	}
	since(&d.broken, true, func() time.Time { return now })
	d.retry = now.Add(min(100*time.Millisecond<<min(d.failures, 10), 5*time.Second))
	d.failures++
}

// headLocked is the age of the oldest record on the disk.
func (d *disk) headLocked() uint64 {
	if len(d.there) > 0 {
		return d.there[0]
	}
	return d.loaded
}

// forgetLocked drops what was loaded and has gone from the disk since then. What next has a part
// of waits like a record of the queue.
func (d *disk) forgetLocked() {
	d.g.course.Gone(d.headLocked(), func(h *course.Held[entry]) {
		if h.Torn() {
			d.waiting--
		} else {
			d.lostLocked(h.Value.rec.Level)
			d.letterLocked(&h.Value)
		}
	})
}

// thereLocked reports whether the i-th record of the batch is on the disk.
func (w *worker) thereLocked(i int) bool {
	return w.stored && w.batch.held[i].Seq >= w.engine.disk.headLocked()
}

// untilRetryLocked has a rest end when the spool is to be tried again.
func (d *disk) untilRetryLocked(p *plan, now time.Time) {
	g := d.g
	wait := d.retry.Sub(now)
	if wait > 0 && d.size+g.depthLocked(g.ring.Tail()) > 0 && (p.Wait == 0 || p.Wait > wait) { // what is done is to go, too
		p.Wait = wait
	}
}
