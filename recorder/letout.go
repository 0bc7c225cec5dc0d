package recorder

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
)

// letting is a run of records of one scope on their way to next.
type letting struct {
	core  *core
	scope *scope
	list  *node // still to come, of which nobody else knows
	gap   uint64
	done  chan struct{} // closed at the end
	told  outcome
}

// outcome is what next made of the records of a letting.
type outcome struct {
	emitted  int
	err      error // the first one
	panicked any   // the first one
}

// maxPatience is the longest that a record waits for those of its scope that another
// goroutine is letting out, which should come before it.
const maxPatience = time.Second

// letOut gives next what is kept for a key, in order and outside of all locks. Whatever
// next does, each record is settled.
func (c *core) letOut(ctx context.Context, key any, handler slog.Handler) (told outcome) {
	l, ok := c.begin(key)
	if !ok {
		return told
	}
	defer l.end()
	for l.list != nil {
		n := l.list
		if n.gap > 0 {
			l.noteGap(n.ctx, n.handler, n.gap, n.rec.Time)
		}
		l.pass()
	}
	if l.gap > 0 {
		l.noteGap(ctx, handler, l.gap, time.Now())
	}
	return l.told
}

// begin takes what is kept for a key, after it has waited for a letting of the same
// scope: but not for one that it is part of itself.
func (c *core) begin(key any) (l *letting, ok bool) {
	for {
		c.mu.Lock()
		s := c.findLocked(key)
		if s == nil {
			c.mu.Unlock()
			return nil, false
		}
		if other := s.letting; other != nil {
			c.mu.Unlock()
			if !other.wait() {
				return nil, false
			}
			continue
		}
		var expired *node
		if c.opts.MaxAge > 0 {
			expired = c.expireLocked(s, time.Now())
		}
		if ok = s.records > 0 || s.gap > 0; ok {
			l = &letting{core: c, scope: s, done: make(chan struct{})}
			s.letting = l
			if s.key != nil { // it has lost its place if all it had was too old
				c.scopes[s.key] = s
			}
			c.away += s.bytes
			l.list, l.gap = c.takeLocked(s)
		}
		c.mu.Unlock()
		release(expired)
		return l, ok
	}
}

// wait reports false if it would wait for itself, or has waited long enough.
func (l *letting) wait() bool {
	select {
	case <-l.done:
		return true
	default:
	}
	if isNested() {
		return false
	}
	patience := time.NewTimer(maxPatience)
	defer patience.Stop()
	select {
	case <-l.done:
		return true
	case <-patience.C:
		return false
	}
}

// isNested reports whether the calling goroutine is in letOut twice: next, which is given
// records, has logged. It walks the stack, so it is asked only by those who are about to
// wait.
func isNested() bool {
	pcs := make([]uintptr, 128)
	times := 0
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); strings.HasSuffix(f.Function, "/recorder.(*core).letOut") {
				times++
			}
		}
		if times > 1 {
			return true
		}
	}
}

// pass gives next the first record of the list.
func (l *letting) pass() {
	n := l.list
	ctx, handler, rec := detached(n.ctx), n.through, n.rec
	enabled := false
	l.guard(func() { enabled = handler.Enabled(ctx, rec.Level) })
	l.settleFirst(enabled)
	if enabled {
		l.told.emitted++
		l.guard(func() { l.note(handler.Handle(ctx, rec)) })
	}
}

// settleFirst takes the first record off the list: it has its outcome.
func (l *letting) settleFirst(emitted bool) {
	n := l.list
	l.list = n.next
	n.next = nil
	c := l.core
	c.mu.Lock()
	c.away -= n.bytes
	if c.dropLocked(n); emitted {
		c.stats.Emitted++
	} else {
		c.stats.Unwanted++
	}
	c.mu.Unlock()
	release(n)
}

// noteGap says, at the place where records are missing, how many.
func (l *letting) noteGap(ctx context.Context, handler slog.Handler, gap uint64, at time.Time) {
	ctx = detached(ctx)
	l.guard(func() {
		if handler.Enabled(ctx, slog.LevelWarn) {
			r := slog.NewRecord(at, slog.LevelWarn, fmt.Sprintf("%d earlier records were not kept", gap), 0)
			r.AddAttrs(slog.Uint64("count", gap))
			l.note(handler.Handle(ctx, r))
		}
	})
}

func (l *letting) note(err error) {
	if l.told.err == nil {
		l.told.err = err
	}
}

// guard calls next. A panic must not cost the records behind this one: it goes on to the
// caller later.
func (l *letting) guard(call func()) {
	defer func() {
		if p := recover(); p != nil && l.told.panicked == nil {
			l.told.panicked = p
		}
	}()
	call()
}

// end ends the letting. Records are left only if next has ended the goroutine.
func (l *letting) end() {
	c := l.core
	c.mu.Lock()
	for n := l.list; n != nil; n = n.next {
		c.away -= n.bytes
		c.dropLocked(n)
		c.stats.Forgotten++
	}
	l.scope.letting = nil
	c.closeLocked(l.scope)
	c.mu.Unlock()
	close(l.done)
	release(l.list)
}

// detached is the context that next gets: what is let out is not to be lost because the
// work that it tells of was cancelled.
func detached(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return context.WithoutCancel(ctx)
}
