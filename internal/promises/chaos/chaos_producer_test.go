package chaos_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// producer is a goroutine that logs, with other things now and then.
type producer struct {
	*episode
	g, n int
	rnd  *rand.Rand
}

func (p *producer) log(n int) {
	for range n {
		s := p.subjects[p.rnd.IntN(len(p.subjects))]
		switch k := p.rnd.IntN(60); {
		case k == 0:
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(p.rnd.IntN(100))*p.unit)
			_ = s.Flush(ctx) // often with an error
			cancel()
		case k == 1:
			s.ResetBreaker()
		case k < 6:
			time.Sleep(time.Duration(p.rnd.IntN(20)) * p.unit)
		case k < 20:
			runtime.Gosched()
		case k < 30 && p.multi != nil:
			p.logToAll()
		default:
			p.logTo(s)
		}
	}
}

// record makes the next record, with the handler that it is to be logged through.
func (p *producer) record(h slog.Handler) (id string, _ slog.Handler, r slog.Record) {
	id = testsink.Message(p.g, p.n)
	p.n++
	switch p.rnd.IntN(10) {
	case 0:
		h = h.WithGroup("g")
	case 1:
		h = h.WithAttrs([]slog.Attr{slog.Int("a", 1)})
	}
	r = slog.NewRecord(time.Now(), slog.Level(4*(p.rnd.IntN(4)-1)), id, 0)
	pad := p.rnd.IntN(50)
	if p.rnd.IntN(10) == 0 {
		pad = p.rnd.IntN(3000)
	}
	r.AddAttrs(slog.Int("n", pad), slog.String("pad", strings.Repeat("x", pad)))
	return id, h, r
}

func (p *producer) logTo(s *subject) {
	id, h, r := p.record(s.Handler)
	ctx := context.Background()
	if p.rnd.IntN(10) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(p.rnd.IntN(100))*p.unit)
		if p.rnd.IntN(2) == 0 {
			cancel() // the request has ended
		}
		defer cancel()
	}
	if p.bubble && p.rnd.IntN(20) == 0 { // elsewhere the pauses between tries take too long
		s.spoil(id, 1+p.rnd.IntN(12))
	}
	g := s.note(id, given{level: r.Level, producer: p.g, size: membudget.SizeOf(r)})
	s.noteResult(g, h.Handle(ctx, r))
}

func (p *producer) logToAll() {
	id, h, r := p.record(p.multi)
	notes := []*given{}
	for _, s := range p.subjects {
		if p.bubble && p.rnd.IntN(40) == 0 {
			s.spoil(id, 1+p.rnd.IntN(12))
		}
		notes = append(notes, s.note(id, given{level: r.Level, producer: p.g, size: membudget.SizeOf(r)}))
	}
	all := false
	defer func() {
		for i, s := range p.subjects {
			if !all { // a next ended the goroutine, before the last handler perhaps
				s.doubt(notes[i])
			}
		}
	}()
	err := h.Handle(context.Background(), r)
	all = true
	if err != nil {
		return // nobody knows whose it is
	}
	for i, s := range p.subjects {
		s.noteResult(notes[i], nil)
	}
}
