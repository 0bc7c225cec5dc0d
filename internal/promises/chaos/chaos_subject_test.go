package chaos_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/goid"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// subject is one handler under chaos, with the test's own ledger of what became of each
// record it was given.
type subject struct {
	*asynchandler.Handler
	setting
	t        *testing.T
	next     *fate
	other    *fate         // of the fallback
	disk     *disk         // nil if there is no spool
	inside   atomic.Int32  // calls of next
	built    chan struct{} // closed when Handler is set
	ownNotes atomic.Int32  // records that code within logs, which are limited
	held     atomic.Bool   // OnDrop has hung, which holds up who drops
	holding  atomic.Int32  // calls of it that hang now

	mu        sync.Mutex
	given     map[string]*given
	taken     []string // by next, in order, where that is a handler
	output    []byte   // what next wrote, where that is a writer
	fallback  []string
	dropped   map[string]asynchandler.DropReason
	reports   int // of drops, that next took
	told      struct{ failures, panics, stalls, suppressed int }
	refused   map[string]bool // by next, at least once; or passed in a call of the spool that hung
	passed    int             // Writes that failed while younger records went to the disk
	bad       map[string]int  // how often next is still to refuse these
	functions int             // of the shutdown that were run
	undrained int             // that a shutdown reported
	clean     bool            // a shutdown returned nil
	tornLine  bool            // one reported that
	early     int             // how many next had taken when the shutdown began
}

// given is a record that Handle was given.
type given struct {
	level    slog.Level
	producer int    // -1 for code within
	before   bool   // by the process before: it is on the disk
	size     int64  // about
	caller   uint64 // goroutine
	direct   bool   // next was called on it, after the end
	silent   bool
	doubtful bool // Handle may not have got it
	returned bool
	err      error
}

// note writes down that a record is about to be given to the handler.
func (s *subject) note(id string, g given) *given {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.caller = goid.ID()
	s.given[id] = &g
	return &g
}

// noteResult writes down what Handle returned.
func (s *subject) noteResult(g *given, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.returned, g.err = true, err
}

// doubt writes down that the handler may not have been given that record.
func (s *subject) doubt(g *given) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.doubtful = true
}

// whisper logs something from within, unless there was enough of that. Where OnDrop does so
// any callback may be called in consequence of that: then OnDrop does not hear of the record.
func (s *subject) whisper() {
	<-s.built // what was on the disk may be delivered before that
	n := int(s.ownNotes.Add(1))
	if n > 40 {
		return
	}
	id := testsink.Message(90, n)
	level := slog.Level(4 * (n%4 - 1))
	g := s.note(id, given{level: level, producer: -1, silent: s.talks})
	s.noteResult(g, s.Handle(context.Background(), slog.NewRecord(time.Now(), level, id, 0)))
}

// handle is next's Handle, where next is a handler.
func (s *subject) handle(_ context.Context, r slog.Record) error {
	assert.Equal(s.t, int32(1), s.inside.Add(1), "next is called twice at a time")
	defer s.inside.Add(-1)
	taken := false
	defer func() {
		if !taken {
			s.noteRefused(r.Message)
		}
	}()
	s.noteDirect(r.Message)
	if err := s.act(s.next.next()); err != nil {
		return err
	}
	if s.isBad(r.Message) {
		return testsink.ErrFault
	}
	taken = true
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Message == "log records dropped" {
		s.reports++
	} else {
		s.taken = append(s.taken, r.Message)
	}
	return nil
}

// noteRefused writes down that next did not take these.
func (s *subject) noteRefused(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.refused[id] = true
	}
}

// noteDirect writes down of which records next is called on the goroutine that logs them.
func (s *subject) noteDirect(ids ...string) {
	if !s.hasSpool {
		return
	}
	self := goid.ID()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if g := s.given[id]; g != nil {
			g.direct = g.caller == self
		}
	}
}

// notePassed writes down that records went to the disk during a Write that has failed, if some
// did. They may have passed one more than was in it, which was encoded, but did not fit.
func (s *subject) notePassed(before int, failed bool) {
	if !failed || s.stored() == before {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed++
}

// isBad reports whether it is the record that next does not want.
func (s *subject) isBad(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad[id] == 0 {
		return false
	}
	s.bad[id]--
	return true
}

// act is suffer with what a handler is needed for.
func (s *subject) act(a act) error {
	if a != reenter {
		return s.next.suffer(a)
	}
	s.whisper()
	ctx := context.Background()
	assert.ErrorIs(s.t, s.Flush(ctx), asynchandler.ErrReentrant)
	assert.ErrorIs(s.t, s.Shutdown(ctx), asynchandler.ErrReentrant)
	assert.ErrorIs(s.t, s.Close(), asynchandler.ErrReentrant)
	return nil
}

// Write is next's, where next is a writer. A panic takes nothing: of a writer that panics
// nobody knows what it has taken.
func (s *subject) Write(p []byte) (n int, err error) {
	assert.Equal(s.t, int32(1), s.inside.Add(1), "next is called twice at a time")
	defer s.inside.Add(-1)
	claim := 0 // beyond the truth
	n = 0
	failed, stored := true, s.stored()
	defer func() { s.notePassed(stored, failed) }()
	defer func() {
		s.noteRefused(idsIn(p[min(max(n-claim, 0), len(p)):])...)
	}()
	s.noteDirect(idsIn(p)...)
	if slices.ContainsFunc(idsIn(p), s.isBad) {
		return 0, testsink.ErrFault
	}
	n = len(p)
	switch a := s.next.next(); a {
	case nibble:
		n, err = s.next.intN(len(p)+1), testsink.ErrFault
	case overstate:
		claim = 1
	case understate:
		claim = -1 - s.next.intN(len(p)+1)
	case refuseForGood: // says nothing of a writer
		return 0, testsink.ErrFault
	default:
		if err = s.act(a); err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.output = append(s.output, p[:n]...)
	failed = err != nil
	return n + claim, err
}

// build makes the handler that the setting says.
func (s *subject) build(opts []asynchandler.Option) {
	ho := &slog.HandlerOptions{Level: slog.LevelDebug}
	var w io.Writer = struct{ io.Writer }{s} // without the handler's Flush
	if s.flushes {
		w = flushingWriter{s}
	}
	switch {
	case !s.writes:
		s.Handler = asynchandler.New(testsink.Func(s.handle), opts...)
	case s.replaces:
		ho.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { return a }
		fallthrough
	default:
		s.Handler = asynchandler.NewJSONHandler(w, ho, opts...)
	}
}

// spoil makes a record one that next refuses so often.
func (s *subject) spoil(id string, times int) {
	s.next.blame()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bad[id] = times
}
