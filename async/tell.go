package async

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/asynchandler/asynchandler/internal/notify"
)

// maxTold is how many errors wait for the error handler at most.
const maxTold = 64

// teller tells the error handler and OnHighWater what there is, in order, on a goroutine
// that exists only while there is something to tell.
type teller struct {
	queue  notify.Queue
	pace   notify.Pace
	handle func(error)
	stderr *stderrReporter // behind handle if that is the default

	mu    sync.Mutex
	left  SuppressedError // of what was left out since the last one told
	final bool            // what was left out before the end was told, whatever the pace
}

func (t *teller) init(g *engine) {
	if t.handle = g.opts.ErrorHandler; t.handle == nil {
		t.stderr = &stderrReporter{w: os.Stderr}
		t.handle = t.stderr.report
	}
	t.left.Handler = g.opts.Name
	t.queue.Run = func(f func()) {
		defer g.callers.tellers.Enter()()
		g.guard(f, g.notePanic)
	}
	t.queue.Idle = t.idle
}

// error has the error handler called with err, or counts it as left out if many wait or
// nothing is delivered.
func (t *teller) error(err error) {
	_, ok := t.pace.Take(time.Now())
	if ok {
		ok = t.queue.Add(maxTold, func() {
			defer t.handle(err) // also if the handler does not return from the other one
			t.suppressed()
		})
	}
	if ok {
		return
	}
	t.mu.Lock()
	t.left.Count++
	t.left.Last = err
	t.mu.Unlock()
	t.queue.Start()
}

// suppressed tells of what was left out.
func (t *teller) suppressed() {
	t.mu.Lock()
	left := t.left
	t.left.Count, t.left.Last = 0, nil
	t.mu.Unlock()
	if left.Count > 0 {
		t.handle(&left)
	}
}

// idle is called when nothing waits: it tells of what was left out as soon as the pace
// allows.
func (t *teller) idle() (again time.Duration) {
	t.mu.Lock()
	n := t.left.Count
	t.mu.Unlock()
	if n == 0 {
		return 0
	}
	if wait, ok := t.pace.Take(time.Now()); !ok && !t.isLast() {
		return wait
	}
	t.queue.Add(notify.All, t.suppressed)
	return 0
}

// isLast reports, once, that a shutdown waits for what is still to be told. What comes later is
// paced again: it may come of the telling.
func (t *teller) isLast() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.final || !t.queue.Hurried() {
		return false
	}
	t.final = true
	return true
}

// end waits until all is told, or until something is received from giveUp.
func (t *teller) end(giveUp <-chan struct{}) {
	done := t.queue.Done()
	if done == nil {
		return
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-done:
	case <-giveUp:
	case <-timer.C:
	}
}

// lastLine writes what the default error handler has not written yet, and what a shutdown
// has lost: no server is scraped any more.
func (t *teller) lastLine(drain error) {
	if t.stderr == nil {
		return
	}
	if lost, ok := errors.AsType[*ShutdownError](drain); ok {
		t.stderr.report(lost)
	}
	t.stderr.flush()
}
