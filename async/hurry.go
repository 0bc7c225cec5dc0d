package async

import (
	"context"
	"time"

	"github.com/asynchandler/asynchandler/internal/course"
)

// noteDeadline has what is left go to the fallback or to the disk when four fifths of a
// shutdown's time are over: at once if done is closed.
func (s *ending) noteDeadline(ctx context.Context, done <-chan struct{}) {
	g := s.g
	if !g.hasAside() {
		return
	}
	g.guard(func() {
		left := time.Duration(0)
		if !isClosed(done) {
			deadline, ok := ctx.Deadline()
			if !ok {
				return
			}
			left = max(0, time.Until(deadline)) * 4 / 5
		}
		late := time.Now().Add(left)
		g.locked(func() {
			if g.phase != draining || s.hurry != nil && !late.Before(s.late) {
				return
			}
			s.late = late
			if s.hurry == nil {
				s.hurry = time.AfterFunc(left, s.hurryUp)
			} else {
				s.hurry.Reset(left)
			}
		})
	}, g.notePanic)
}

// hurryUp is called when there is little time left.
func (s *ending) hurryUp() {
	g := s.g
	g.purse.gauge()
	g.relieve()
	g.sleeper.Poke()
}

// lateLocked reports whether a shutdown has little time left.
func (s *ending) lateLocked(now time.Time) bool {
	return s.g.phase == draining && s.hurry != nil && !now.Before(s.late)
}

// hangsLocked reports whether a shutdown should not wait for the call into next: that has not
// got on for long, or there is little time left.
func (s *ending) hangsLocked(now time.Time) bool {
	w := s.g.busy[toNext]
	return s.g.phase == draining && w != nil && (w.call.still >= course.Long || s.lateLocked(now))
}
