package async

import (
	"bytes"
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/archive"
)

// evictee is a record that a full disk has let go.
type evictee struct {
	level  slog.Level
	record []byte // nil if OnDrop need not know
}

// evict is called by the spool for each, in a call of the engine's.
func (d *disk) evict(record []byte) {
	e := evictee{level: archive.Level(record)}
	if d.g.opts.OnDrop != nil {
		e.record = bytes.Clone(record)
	}
	d.op.evicted = append(d.op.evicted, e)
}

// lostLocked counts a record that was on the disk as dropped.
func (d *disk) lostLocked(level slog.Level) {
	g := d.g
	d.waiting--
	g.accounts.ledger.Evicted.Count(spooled, level)
	g.accounts.report.noteLocked(g.ring.Head())
}

func (d *disk) goneLocked(e evictee) {
	d.lostLocked(e.level)
	if e.record != nil {
		d.gone = append(d.gone, e.record)
	}
}

// letterLocked has OnDrop called with a record that was loaded and is lost.
func (d *disk) letterLocked(e *entry) {
	if d.g.opts.OnDrop != nil {
		d.letters = append(d.letters, letter{*e, DropSpool})
	}
}

// tellGone calls OnDrop for the records that were lost on the disk.
func (d *disk) tellGone() {
	g := d.g
	if g.opts.OnDrop == nil {
		return
	}
	var letters []letter
	var gone [][]byte
	g.locked(func() {
		letters, gone = d.letters, d.gone
		d.letters, d.gone = nil, nil
	})
	g.tellDropped(letters)
	for _, record := range gone { // one at a time: they may be many
		g.tellDropped([]letter{{goneEntry(record), DropSpool}})
	}
}

// goneEntry makes an entry of a record from the disk, as far as it can be read. It goes nowhere
// but to OnDrop: its handler has a trail only.
func goneEntry(record []byte) entry {
	r, err := new(archive.Codec).Read(record)
	h := &Handler{}
	if err == nil {
		addSource(&r.Record, &r)
		steps, _ := archive.ReadChain(r.Chain)
		for _, s := range steps {
			h.trail = h.trail.then(s)
		}
	}
	return entry{h: h, rec: r.Record}
}
