package chaos_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/archive"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

// disk is the spool of a subject, on which much goes wrong too.
type disk struct {
	*spool.Spool
	s       *subject
	dir     string
	fate    *fate
	inside  atomic.Int32 // calls
	appends atomic.Int32 // begun
	crashes []crash
}

// crash is a copy of the folder, as a crash would leave it.
type crash struct {
	dir   string
	kept  int      // records that must be in it
	taken []string // by next, until then
}

// openDisk opens a spool, in which an earlier process has left some records.
func (s *subject) openDisk(rnd *rand.Rand, unit time.Duration) *disk {
	d := &disk{s: s, dir: s.t.TempDir(), fate: newFate(rnd, unit, obey)}
	if rnd.IntN(2) == 0 {
		d.leave(rnd.IntN(40))
	}
	d.open(spool.Options{
		MaxBytes:     []int64{0, 0, 2000, 20_000}[rnd.IntN(4)],
		SyncInterval: []time.Duration{-1, 50 * unit}[rnd.IntN(2)],
	})
	return d
}

func (d *disk) open(opts spool.Options) {
	var err error
	d.Spool, err = spool.Open(d.dir, opts)
	require.NoError(d.s.t, err)
	d.s.t.Cleanup(func() { _ = d.Close() })
}

// leave plays an earlier process, whose next is away.
func (d *disk) leave(n int) {
	d.open(spool.Options{SyncInterval: -1})
	h := asynchandler.New(testsink.NewFailer(nil, testsink.ErrFault, testsink.Always),
		asynchandler.WithSpool(d.Spool), asynchandler.WithErrorHandler(func(error) {}))
	for i := range n {
		id := testsink.Message(80, i)
		d.s.note(id, given{level: slog.LevelInfo, producer: 80, before: true})
		_ = h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, id, 0))
	}
	require.NoError(d.s.t, h.Close())
}

func (d *disk) enter() (leave func()) {
	assert.Equal(d.s.t, int32(1), d.inside.Add(1), "the spool is called twice at a time")
	return func() { d.inside.Add(-1) }
}

// notePassed notes that records that hung in an Append were passed by who came later.
func (d *disk) notePassed(begun time.Time, records [][]byte) {
	if !d.hangs(time.Since(begun)) {
		return
	}
	for _, b := range records {
		r, err := new(archive.Codec).Read(b)
		assert.NoError(d.s.t, err)
		d.s.noteRefused(r.Message)
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	for id, g := range d.s.given { // it may have been in the batch, but is too large for the disk
		if g.size > d.MaxRecord() {
			d.s.refused[id] = true
		}
	}
}

// hangs reports whether a call that takes so long hangs.
func (d *disk) hangs(t time.Duration) bool { return d.s.stallTimeout > 0 && t >= d.s.stallTimeout }

// mayFail reports whether calls fail or hang. If they do, what is in memory is delivered in the
// shutdown although older records are on the disk.
func (d *disk) mayFail() bool { return d.fate.rate > 0 || d.hangs(d.fate.slow) }

// prompt reports whether no call takes so long that others are made into next meanwhile.
func (d *disk) prompt() bool {
	return !d.mayFail() && d.fate.slow < time.Second && d.fate.unit == time.Millisecond // else time is real
}

// stored is how often records went to the disk.
func (s *subject) stored() int {
	if s.disk == nil {
		return 0
	}
	return int(s.disk.appends.Load())
}

// Append hides that of the spool.
func (d *disk) Append(records [][]byte) error {
	defer d.enter()()
	d.appends.Add(1)
	defer d.notePassed(time.Now(), records)
	a := d.fate.next()
	if err := d.fate.suffer(a); err != nil {
		return err
	}
	err := d.Spool.Append(records)
	if err == nil && d.maybeCrash() {
		last := records[len(records)-1]
		d.crash(d.fate.intN(2)*d.fate.intN(len(last)+16), d.taken())
	}
	return err
}

// Next hides that of the spool.
func (d *disk) Next(limit int) ([][]byte, error) {
	defer d.enter()()
	if err := d.fate.suffer(d.fate.next()); err != nil {
		return nil, err
	}
	return d.Spool.Next(limit)
}

// Remove hides that of the spool.
func (d *disk) Remove(n int) error {
	defer d.enter()()
	if err := d.fate.suffer(d.fate.next()); err != nil {
		return err
	}
	err := d.Spool.Remove(n)
	if err == nil && d.maybeCrash() {
		d.crash(0, d.taken())
	}
	return err
}

// RemoveRange hides that of the spool.
func (d *disk) RemoveRange(from, n int) error {
	defer d.enter()()
	if err := d.fate.suffer(d.fate.next()); err != nil {
		return err
	}
	err := d.Spool.RemoveRange(from, n)
	if err == nil && d.maybeCrash() {
		d.crash(0, d.taken())
	}
	return err
}

// maybeCrash says yes twice at most.
func (d *disk) maybeCrash() bool { return len(d.crashes) < 2 && d.fate.one(30) }

// taken returns what next has taken by now.
func (d *disk) taken() []string {
	taken, _ := d.s.settled()
	return slices.Clone(taken)
}

// crash copies the folder, without so many bytes at the end of the last record.
func (d *disk) crash(torn int, taken []string) {
	c := crash{dir: d.s.t.TempDir(), kept: d.Len(), taken: taken}
	assert.NoError(d.s.t, os.CopyFS(c.dir, os.DirFS(d.dir)))
	if files, _ := filepath.Glob(filepath.Join(c.dir, "*.spool")); torn > 0 {
		last := files[len(files)-1]
		info, err := os.Stat(last)
		assert.NoError(d.s.t, err)
		assert.NoError(d.s.t, os.Truncate(last, info.Size()-int64(torn)))
		c.kept--
	}
	d.crashes = append(d.crashes, c)
}

// check opens the copies, and what is left at the end, and looks what is there.
func (d *disk) check(taken []string) {
	for _, c := range d.crashes {
		found := d.recover(c.dir)
		assert.Len(d.s.t, found, c.kept, "after a crash")
		if d.prompt() {
			twice := slices.DeleteFunc(found, func(id string) bool { return !slices.Contains(c.taken, id) })
			assert.LessOrEqual(d.s.t, len(twice), d.s.batch, "more than the batch under way comes twice after a crash: %s", twice)
		}
	}
	d.crash(0, taken)
	left := d.recover(d.crashes[len(d.crashes)-1].dir)
	// Some may be done, in a call that had not returned at the end, or the disk was broken then.
	done := len(left) - d.s.Stats().Spooled
	assert.GreaterOrEqual(d.s.t, done, 0, "lost from the disk")
	if d.s.clean {
		assert.Zero(d.s.t, done, "delivered, and still on the disk")
	}
	left = slices.DeleteFunc(left, func(id string) bool {
		if done > 0 && slices.Contains(taken, id) {
			done--
			return true
		}
		return false
	})
	d.s.checkOnce(place{"next", taken}, place{"the spool", left})
	d.s.checkNotDropped(left)
	early := slices.DeleteFunc(slices.Clone(taken), func(id string) bool { return d.s.given[id].direct })
	if !d.mayFail() {
		d.s.checkOrder(slices.Concat(early, left), d.s.passed)
	}
}

// recover returns the records that a next process finds in the folder and delivers.
func (d *disk) recover(dir string) (found []string) {
	t := d.s.t
	s, err := spool.Open(dir, spool.Options{SyncInterval: -1})
	require.NoError(t, err)
	var out bytes.Buffer
	h := asynchandler.NewJSONHandler(&out, nil, asynchandler.WithSpool(s))
	testsink.Eventually(t, "an empty spool", func() bool { return h.Stats().Spooled == 0 })
	assert.NoError(t, h.Close())
	st := h.Stats()
	assert.Zero(t, st.SpoolDamaged)
	assert.Equal(t, st.Recovered, st.Delivered)
	found, _, torn := d.s.messagesIn(out.Bytes())
	assert.Empty(t, torn)
	assert.Len(t, found, int(st.Recovered))
	d.s.checkOnce(place{"the spool", found})
	d.s.checkOrder(found, d.s.passed)
	return found
}
