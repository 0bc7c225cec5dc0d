// Package plainjson writes what [slog.JSONHandler] and [slog.TextHandler] write, byte for
// byte, and takes a fraction of their time for records of plain values, which most are:
//
//	h := plainjson.New(w, nil)     // instead of slog.NewJSONHandler(w, nil)
//	h := plainjson.NewText(w, nil) // instead of slog.NewTextHandler(w, nil)
//
// Plain are strings, numbers, booleans, durations, times, levels, sources, the errors of
// [errors.New] and [fmt.Errorf], IP addresses, URLs, slices of strings and bytes, maps of
// lists of strings, JSON that is compact, and groups of all these. There is little to decide
// about such a value, only bytes to copy. All others are left to slog's own handler, one by
// one, so that slog's rules for them are in slog alone. A source is looked up once for each
// call site.
//
// slog of another Go release might write something else: so [New] and [NewText] compare some
// lines of the two once per process, and return slog's handler if they differ.
package plainjson

import (
	"context"
	"io"
	"log/slog"
	"slices"

	"github.com/asynchandler/asynchandler/internal/peek"
)

// Handler is a [slog.Handler]. Handle must not be called concurrently, neither on one
// Handler nor on those derived from it: it is for a worker, and does without a lock. All
// other methods may be called at any time.
type Handler struct {
	out    *output
	pre    []byte   // what WithAttrs was given, as it stands in each line
	groups []string // of WithGroup
	opened int      // how many of these are opened in pre
	prefix string   // of the keys behind pre, in a text
	memory [64]byte // for pre: most derived handlers fit into one object
}

var _ slog.Handler = (*Handler)(nil)

// output is what a Handler and those derived from it share.
type output struct {
	format

	w       io.Writer
	level   slog.Leveler // nil for INFO
	sources bool
	line    []byte   // memory of the line being made
	within  []string // memory of the groups that a ReplaceAttr is told
	prefix  []byte   // memory of that of keys
	clock   clock
	sites   sites
}

// format is what one line has in common with all others.
type format struct {
	text    bool
	replace func(groups []string, a slog.Attr) slog.Attr
}

// kept returns the memory of a line for the next one, unless it is much; slog keeps as much.
func kept(line []byte) []byte {
	if cap(line) > maxKept {
		return nil
	}
	return line[:0]
}

const maxKept = 16 << 10

// New returns a handler that writes JSON to w, or slog's own under a slog that writes
// something else. ho may be nil.
func New(w io.Writer, ho *slog.HandlerOptions) slog.Handler {
	if !sameAsSlog(ho, false) {
		return slog.NewJSONHandler(w, ho)
	}
	return newHandler(w, ho, false)
}

// NewText returns a handler that writes text to w, or slog's own under a slog that writes
// something else. ho may be nil.
func NewText(w io.Writer, ho *slog.HandlerOptions) slog.Handler {
	if !sameAsSlog(ho, true) {
		return slog.NewTextHandler(w, ho)
	}
	return newHandler(w, ho, true)
}

func newHandler(w io.Writer, ho *slog.HandlerOptions, text bool) *Handler {
	out := &output{w: w, format: format{text: text}}
	if ho != nil {
		out.level, out.sources, out.replace = ho.Level, ho.AddSource, ho.ReplaceAttr
	}
	out.clock.text = text
	return &Handler{out: out}
}

// Text reports whether h writes text in place of JSON.
func (h *Handler) Text() bool { return h.out.text }

// Replaces reports whether h has a ReplaceAttr.
func (h *Handler) Replaces() bool { return h.out.replace != nil }

// Formatted returns how many bytes of attributes h holds.
func (h *Handler) Formatted() int { return len(h.pre) }

// Enabled reports whether records of that level are handled.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	least := slog.LevelInfo
	if h.out.level != nil {
		least = h.out.level.Level()
	}
	return level >= least
}

// WithAttrs returns a handler whose lines have these attributes too, as they are now.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !slices.ContainsFunc(attrs, func(a slog.Attr) bool { return !isEmptyGroup(a.Value) }) {
		return h
	}
	d := &Handler{out: h.out, groups: h.groups, opened: h.opened, prefix: h.prefix}
	s := state{format: &h.out.format, b: append(d.memory[:0], h.pre...), prefix: []byte(h.prefix)}
	if len(h.pre) > 0 {
		s.separateAfter(h.pre)
	}
	if s.replace != nil {
		s.groups = append(noGroups, h.groups[:h.opened]...)
	}
	start := len(s.b)
	s.open(h.groups[h.opened:])
	if s.attrs(attrs) {
		d.opened = len(d.groups)
		if len(s.prefix) != len(h.prefix) {
			d.prefix = string(s.prefix)
		}
	} else {
		s.b = s.b[:start]
	}
	d.pre = s.b
	return d
}

// noGroups is told to a ReplaceAttr by many goroutines: there is nothing in it to write to.
var noGroups = make([]string, 0)

// WithGroup returns a handler whose lines have what follows in a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{out: h.out, pre: h.pre, groups: append(slices.Clip(h.groups), name), opened: h.opened, prefix: h.prefix}
}

// Handle writes the line of r.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	o := h.out
	s := state{format: &o.format, b: o.line[:0], prefix: o.prefix[:0]}
	o.line, o.prefix = nil, nil // a method of a value, or a ReplaceAttr, might come here again
	if !o.text {
		s.b = append(s.b, '{')
	}
	if o.replace == nil {
		o.builtins(&s, &r)
	} else {
		o.replacedBuiltins(&s, &r)
		s.groups = append(slices.Grow(o.within[:0], 8), h.groups[:h.opened]...)
		o.within = nil
	}
	h.rest(&s, &r)
	s.b = append(s.b, '\n')
	_, err := o.w.Write(s.b)
	o.line, o.prefix, o.within = kept(s.b), s.prefix[:0], s.groups
	return err
}

// builtins appends time, level, source and message.
func (o *output) builtins(s *state, r *slog.Record) {
	if !r.Time.IsZero() {
		s.key(slog.TimeKey)
		s.timeBy(&o.clock, r.Time)
	}
	s.key(slog.LevelKey)
	s.string(r.Level.String())
	if o.sources {
		if site := o.sites.of(r.PC); !site.empty() {
			s.separate()
			s.b = append(s.b, site.shown(s.format)...)
			s.separator = true
		}
	}
	s.key(slog.MessageKey)
	s.string(r.Message)
}

// replacedBuiltins is builtins with a ReplaceAttr, for which these are in no groups.
func (o *output) replacedBuiltins(s *state, r *slog.Record) {
	if !r.Time.IsZero() {
		s.clock = &o.clock
		s.attr(slog.Time(slog.TimeKey, r.Time))
		s.clock = nil
	}
	s.attr(slog.Any(slog.LevelKey, r.Level))
	if o.sources {
		source := o.sites.of(r.PC).source // it is the function's to change
		s.attr(slog.Any(slog.SourceKey, &source))
	}
	s.attr(slog.String(slog.MessageKey, r.Message))
}

// rest appends the attributes of the handler and of the record.
func (h *Handler) rest(s *state, r *slog.Record) {
	if len(h.pre) > 0 {
		s.separate()
		s.b = append(s.b, h.pre...)
		s.separateAfter(h.pre)
	}
	opened := h.opened
	if r.NumAttrs() > 0 {
		if s.text {
			s.prefix = append(s.prefix, h.prefix...)
		}
		start := len(s.b)
		s.open(h.groups[h.opened:])
		front, back, loan := peek.Attrs(r)
		some := s.attrs(front)
		if s.attrs(back) || some {
			opened = len(h.groups)
		} else {
			s.b = s.b[:start]
		}
		loan.End()
	}
	if !s.text {
		for range opened + 1 {
			s.b = append(s.b, '}')
		}
	}
}
