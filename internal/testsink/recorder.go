package testsink

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Entry is one call of Handle that a [Recorder] saw.
type Entry struct {
	Ctx    context.Context
	Record slog.Record // a clone of what Handle was given
	Attrs  []slog.Attr // of the derived handler, then of the record, inside the groups that were open
}

// String returns the level, the message and the flattened attributes, as in "INFO hello a=1
// g.b=2".
func (e Entry) String() string {
	var sb strings.Builder
	sb.WriteString(e.Record.Level.String() + " " + e.Record.Message)
	writeAttrs(&sb, "", e.Attrs)
	return sb.String()
}

func writeAttrs(sb *strings.Builder, prefix string, attrs []slog.Attr) {
	for _, a := range attrs {
		v := a.Value.Resolve()
		switch {
		case v.Kind() != slog.KindGroup:
			sb.WriteString(" " + prefix + a.Key + "=" + v.String())
		case a.Key == "": // slog inlines it
			writeAttrs(sb, prefix, v.Group())
		default:
			writeAttrs(sb, prefix+a.Key+".", v.Group())
		}
	}
}

// Recorder is a handler that keeps every record it is given. The zero value is ready and
// enabled for all levels; it must not be copied after first use.
type Recorder struct {
	Level slog.Leveler // least level that is enabled; nil: all are. Handle records whatever it is given

	mu      sync.Mutex
	arrived sync.Cond // on mu, signalled for each new entry
	entries []Entry
	derived int
}

var _ slog.Handler = (*Recorder)(nil)

// Enabled reports whether level is at or above r.Level.
func (r *Recorder) Enabled(_ context.Context, level slog.Level) bool {
	return r.Level == nil || level >= r.Level.Level()
}

// Handle records rec and returns nil.
func (r *Recorder) Handle(ctx context.Context, rec slog.Record) error {
	return (&derived{recorder: r}).Handle(ctx, rec)
}

// WithAttrs returns a handler that records into r.
func (r *Recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	return (&derived{recorder: r}).WithAttrs(attrs)
}

// WithGroup returns a handler that records into r.
func (r *Recorder) WithGroup(name string) slog.Handler {
	return (&derived{recorder: r}).WithGroup(name)
}

// Records returns the entries so far, in the order of arrival.
func (r *Recorder) Records() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries)
}

// Messages returns the messages of the records so far.
func (r *Recorder) Messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	msgs := make([]string, len(r.entries))
	for i, e := range r.entries {
		msgs[i] = e.Record.Message
	}
	return msgs
}

// Lines returns each record so far as [Entry.String] shows it.
func (r *Recorder) Lines() []string {
	var lines []string
	for _, e := range r.Records() {
		lines = append(lines, e.String())
	}
	return lines
}

// Len returns the number of records so far.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}

// Derived returns how often WithAttrs and WithGroup were called on r and on what was
// derived from it.
func (r *Recorder) Derived() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.derived
}

// Wait blocks until at least n records have arrived since r was made or reset.
func (r *Recorder) Wait(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived.L = &r.mu
	for len(r.entries) < n {
		r.arrived.Wait()
	}
}

// Reset forgets the records so far.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = nil
}

func (r *Recorder) add(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	r.arrived.Broadcast()
}

// derived is a Recorder with attributes and open groups.
type derived struct {
	recorder *Recorder
	scopes   []scope // outermost first; the first one has no group name
}

// scope is a group that WithGroup opened, with what WithAttrs added while it was the
// innermost one.
type scope struct {
	group string
	attrs []slog.Attr
}

func (d *derived) Enabled(ctx context.Context, level slog.Level) bool {
	return d.recorder.Enabled(ctx, level)
}

func (d *derived) Handle(ctx context.Context, rec slog.Record) error {
	rec = rec.Clone()
	d.recorder.add(Entry{Ctx: ctx, Record: rec, Attrs: d.fold(rec)})
	return nil
}

func (d *derived) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := d.clone()
	last := &c.scopes[len(c.scopes)-1]
	last.attrs = slices.Concat(last.attrs, attrs)
	return c
}

func (d *derived) WithGroup(name string) slog.Handler {
	c := d.clone()
	if name != "" {
		c.scopes = append(c.scopes, scope{group: name})
	}
	return c
}

func (d *derived) clone() *derived {
	d.recorder.mu.Lock()
	defer d.recorder.mu.Unlock()
	d.recorder.derived++
	c := &derived{recorder: d.recorder, scopes: slices.Clone(d.scopes)}
	if len(c.scopes) == 0 {
		c.scopes = []scope{{}}
	}
	return c
}

// fold puts the record's attributes into the innermost scope and each scope that is not
// empty into the one around it.
func (d *derived) fold(rec slog.Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, rec.NumAttrs())
	rec.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for _, s := range slices.Backward(d.scopes) {
		attrs = slices.Concat(s.attrs, attrs)
		if s.group != "" && len(attrs) > 0 {
			attrs = []slog.Attr{{Key: s.group, Value: slog.GroupValue(attrs...)}}
		}
	}
	return attrs
}
