package course_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/course"
)

// gate is a breaker: it opens after 5 failures in a row, for 5 s, and then gives a probe.
type gate struct {
	failed int
	opened time.Time // zero: it is closed
}

const openTime = 5 * time.Second

func (g *gate) allow(now time.Time) (ok, probe bool, retry time.Duration) {
	if g.opened.IsZero() {
		return true, false, 0
	}
	if wait := g.opened.Add(openTime).Sub(now); wait > 0 {
		return false, false, wait
	}
	return true, true, 0
}

func (g *gate) settle(now time.Time, took, failed, probe bool) {
	switch {
	case took:
		*g = gate{}
	case failed:
		if g.failed++; g.failed >= 5 || probe {
			g.opened = now
		}
	}
	if took && failed {
		g.failed = 1
	}
}

// item is a record of a rig.
type item struct {
	id    uint64
	bad   bool
	tried bool // in vain, once at least
	came  time.Time
}

// answer is what the destination says to one record.
type answer struct {
	taken, unknown bool // unknown: those of the delivery have failed together
	course.Failure
}

// rig does what the worker does with decisions, with a clock of its own, and looks whether
// they hold what they promise.
type rig struct {
	t        testing.TB
	c        course.Course[item]
	g        gate
	f        course.Facts
	queue    []course.Held[item]
	seq      uint64
	disk     *disk // nil if there is none
	probing  bool
	draining bool
	answers  func(r *course.Held[item]) answer
	fates    map[uint64]string
	last     map[string]uint64 // of those that have never failed, the last one to get there
	rested   course.Decision
	delay    time.Duration // the longest of a good record
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, fates: map[uint64]string{}, last: map[string]uint64{}}
	r.c.MaxAttempts, r.c.OpenTime = 3, openTime
	r.f = course.Facts{Now: time.Unix(0, 0), Batch: 8, Next: course.Unasked, Fallback: course.Missing}
	return r
}

func (r *rig) comes(bad bool) {
	r.seq++
	h := course.Held[item]{Value: item{id: r.seq, bad: bad, came: r.f.Now}, Seq: r.seq}
	if r.disk != nil {
		h.Seq += firstSeq
	}
	r.queue = append(r.queue, h)
}

// decide asks for a decision, and the gate if it is for that.
func (r *rig) decide() course.Decision {
	f := r.f
	f.Waiting, f.Probe = len(r.queue), r.probing
	f.Spool = r.disk.facts(f.Now)
	if (r.probing || r.draining) && f.Next == course.Unasked {
		f.Next = course.Free
	}
	d := r.c.Decide(f)
	r.check(&f, d)
	if d.Act != course.Ask {
		return d
	}
	ok, probe, retry := r.g.allow(f.Now)
	if f.Next, f.Probe, f.Retry = course.Free, probe, retry; !ok {
		f.Next = course.Refused
	}
	d = r.c.Decide(f)
	r.check(&f, d)
	if !ok {
		r.c.Wake()
	}
	r.probing = probe && d.Act == course.Try
	return d
}

// check looks whether a decision is one that makes sense.
func (r *rig) check(f *course.Facts, d course.Decision) {
	callable := f.Next == course.Free || f.Next == course.Unasked
	switch d.Act {
	case course.Rest:
		require.True(r.t, f.Waiting == 0 || d.Busy || d.Till || d.Each && f.Spool.On, "it would spin: %+v %+v", f, d)
		if d.Wait > 0 && callable && !f.Probe {
			later := *f
			later.Now = f.Now.Add(d.Wait)
			then := r.c.Decide(later)
			require.True(r.t, then.Act != course.Rest || then.Wait == 0 && r.c.Len()+f.Waiting == 0, "it waits for nothing: %+v %+v", f, then)
		}
		return
	case course.EndProbe:
		require.True(r.t, f.Probe)
		return
	case course.Divert:
		require.Equal(r.t, course.Free, f.Fallback)
	case course.Store:
		require.Equal(r.t, course.Free, f.Spool.Way)
	case course.Load:
		require.Equal(r.t, course.Free, f.Spool.Way)
		return
	default:
		require.True(r.t, callable, "%+v %+v", f, d)
	}
	require.Positive(r.t, d.N)
	if d.From == course.Queue {
		require.Positive(r.t, f.Waiting)
		require.False(r.t, d.Act != course.Divert && d.Act != course.Store && r.c.Torn(), "overtakes a torn record")
		return
	}
	require.LessOrEqual(r.t, d.From+d.N, r.c.Len())
	torn := r.c.At(d.From).Torn()
	for i := d.From; i < d.From+d.N && d.Act == course.Try; i++ {
		require.False(r.t, f.Fallback == course.Busy && !torn && r.c.At(i).Attempts > 0, "next gets what is for the fallback")
	}
	require.Equal(r.t, torn, r.c.Torn() && d.Act != course.Divert && d.Act != course.Store, "overtakes a torn record, or diverts it")
}

// step does what was decided, and reports whether that was more than to rest.
func (r *rig) step() bool {
	d := r.decide()
	switch d.Act {
	case course.Rest:
		r.rested = d
		return false
	case course.EndProbe:
		r.endProbe(false, true)
	case course.Store:
		r.store(d)
	case course.Load:
		r.load(d.N)
	default:
		batch := r.take(d)
		if d.Act == course.Divert {
			r.ends(batch, "diverted")
		} else {
			r.deliver(batch)
		}
	}
	r.inOrder()
	return true
}

func (r *rig) endProbe(took, failed bool) {
	r.probing = false
	r.g.settle(r.f.Now, took, failed, true)
}

func (r *rig) take(d course.Decision) (batch []course.Held[item]) {
	if d.From != course.Queue {
		return r.c.Take(nil, d.From, d.N)
	}
	n := min(d.N, len(r.queue))
	batch = slices.Clone(r.queue[:n])
	r.queue = r.queue[n:]
	return batch
}

// deliver gives a batch to the destination, as a sink does that stops at the first failure.
func (r *rig) deliver(batch []course.Held[item]) {
	done, failed := 0, false
	for ; done < len(batch); done++ {
		a := r.answers(&batch[done])
		if a.taken {
			continue
		}
		if done > 0 {
			r.c.Taken(batch[done-1].Seq, r.f.Batch, r.f.Now)
		}
		failed = r.failed(r.disk.older(batch[done:]), a)
		break
	}
	r.ends(batch[:done], "delivered")
	if done > 0 && done == len(batch) {
		r.c.Taken(batch[done-1].Seq, r.f.Batch, r.f.Now)
	}
	switch {
	case !r.probing:
		r.g.settle(r.f.Now, done > 0, failed, false)
	case done > 0 || !r.c.Probing():
		r.endProbe(done > 0, done == 0)
	}
}

func (r *rig) failed(batch []course.Held[item], a answer) (charge bool) {
	if a.unknown && len(batch) > 1 {
		return r.c.FailedTogether(batch, false, r.f.Now)
	}
	a.Fallback = r.f.Fallback == course.Free || r.f.Fallback == course.Busy
	fate, charge := r.c.Failed(batch[0], a.Failure, r.f.Now)
	if fate == course.GivenUp {
		require.True(r.t, a.Permanent || a.Panicked || batch[0].Attempts+1 >= r.c.MaxAttempts)
		require.False(r.t, a.Torn)
		r.ends(batch[:1], "failed")
	}
	r.c.Hold(batch[1:]...)
	return charge
}

// ends gives records their fate, which no other has given them.
func (r *rig) ends(batch []course.Held[item], fate string) {
	for i := range batch {
		h := &batch[i]
		id := h.Value.id
		require.Empty(r.t, r.fates[id], "%d has a fate already", id)
		r.fates[id] = fate
		if h.Attempts == 0 && !h.Value.tried && !(r.draining && r.disk.wasAway()) {
			require.Greater(r.t, id, r.last[fate], "%s out of order", fate)
			r.last[fate] = id
		}
		r.disk.done(h)
		if !h.Value.bad {
			r.delay = max(r.delay, r.f.Now.Sub(h.Value.came))
		}
	}
}

// inOrder looks whether those held are in the order of their age.
func (r *rig) inOrder() {
	for i := 1; i < r.c.Len(); i++ {
		require.Less(r.t, r.c.At(i-1).Seq, r.c.At(i).Seq)
	}
}

// settle steps until there is nothing to do now: it must come to that.
func (r *rig) settle() {
	for steps := 0; r.step(); steps++ {
		require.Less(r.t, steps, 100_000, "it spins")
	}
}

// pass lets time pass, with a look whenever that was asked for.
func (r *rig) pass(d time.Duration) {
	end := r.f.Now.Add(d)
	for r.settle(); r.rested.Wait > 0 && !r.f.Now.Add(r.rested.Wait).After(end); r.settle() {
		r.f.Now = r.f.Now.Add(r.rested.Wait)
	}
	r.f.Now = end
}
