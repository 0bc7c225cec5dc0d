package async

import (
	"context"
	"log/slog"
	"slices"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
	"github.com/asynchandler/asynchandler/internal/peek"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

func init() {
	known.Register(func(h *Handler) known.Facts {
		facts := knownOf(h.next, &h.engine.opts)
		facts.Replaces = facts.Replaces || h.engine.opts.ReplaceAttr != nil
		return facts
	})
}

// knownOf returns what is known of next where it has the company that o says.
func knownOf(next slog.Handler, o *Options) known.Facts {
	facts := known.Of(next)
	facts.IgnoresContext = facts.IgnoresContext && o.OnDrop == nil && o.ContextFunc == nil
	facts.Copies = facts.Copies || o.Capture == CaptureCopy
	if o.Fallback != nil {
		f := known.Of(o.Fallback)
		facts.IgnoresContext = facts.IgnoresContext && f.IgnoresContext
		facts.Copies = facts.Copies || f.Copies
	}
	return facts
}

// values says what is done with the values of records, and with their contexts.
type values struct {
	replace   func([]string, slog.Attr) slog.Attr // nil if there is none
	captures  bool
	format    capture.Format
	preformat bool // next has a ReplaceAttr that must see the values before they are captured
	ahead     bool // next is given such values though they cannot change
	readies   bool // next can make a record ready for that itself: a queue, for one
	others    bool // see the values too: a fallback or OnDrop
	trails    bool // OnDrop wants the attributes and groups of derived handlers
	noContext bool // nobody looks at contexts
}

func newValues(next slog.Handler, o *Options) values {
	facts := knownOf(next, o)
	v := values{
		replace:   o.ReplaceAttr,
		captures:  o.Capture != CaptureReference,
		format:    capture.Format(o.Format),
		others:    o.Fallback != nil || o.OnDrop != nil || o.Spool != nil,
		trails:    o.OnDrop != nil || o.Spool != nil,
		readies:   known.Readies(next),
		noContext: facts.IgnoresContext,
	}
	if o.Format == FormatUnknown {
		v.format = facts.Format
	}
	if v.captures && facts.Copies {
		v.format |= capture.Copy
	}
	v.preformat = v.captures && facts.Replaces
	return v
}

// everyRecord reports whether there is something to do with plain values, too.
func (v *values) everyRecord() bool { return v.replace != nil || v.format&capture.Copy != 0 }

// capture replaces and freezes what is in r. It returns the handler that r is to be
// delivered through, and the size of what is kept.
func (h *Handler) capture(r *slog.Record) (*Handler, int64) {
	v := &h.values
	if v.replace != nil {
		h.replaceIn(r)
	}
	switch {
	case v.preformat:
		return h.preformatted(r)
	case v.captures:
		return h, capture.Sized(r, v.format)
	}
	return h, recordsize.Of(r)
}

// preformatted is capture for a next that must see the original values: if one of them
// can change, next gets the attributes here by WithAttrs, and later the record without
// them, which makes the same line.
func (h *Handler) preformatted(r *slog.Record) (*Handler, int64) {
	v := &h.values
	capture.Record(r, capture.Resolved|v.format&capture.Copy)
	size := recordsize.Of(r)
	tooLarge := func() bool { return h.engine.maxSize > 0 && size > h.engine.maxSize }
	if !v.ahead && !capture.HasChangeable(r, v.format) && !tooLarge() {
		return h, size
	}
	attrs := peek.Collect(r)
	if v.format&^capture.Copy == capture.Text {
		attrs = capture.WithoutEndless(attrs)
	}
	if v.readies {
		var through *Handler
		if through, size = h.readyNext(r); tooLarge() {
			return h.cutToFit(r, attrs)
		}
		return through, size
	}
	d := *h
	d.next = h.next.WithAttrs(attrs)
	formatted := int64(known.Formatted(d.next) - known.Formatted(h.next))
	if v.others {
		capture.Record(r, v.format)
		d.next = bare{d.next}
	} else {
		*r = withoutAttrs(r)
		if formatted == 0 { // it cannot be told
			formatted = size - recordsize.Of(r)
		}
	}
	size = formatted + recordsize.Of(r)
	if tooLarge() {
		return h.cutToFit(r, attrs)
	}
	return &d, size
}

func withoutAttrs(r *slog.Record) slog.Record {
	return slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
}

// bare is a next that has the attributes of the record already.
type bare struct{ slog.Handler }

func (b bare) Handle(ctx context.Context, r slog.Record) error {
	return b.Handler.Handle(ctx, withoutAttrs(&r))
}

// captureOwn returns the attributes of a derived handler as next gets them, and as others do.
func (h *Handler) captureOwn(attrs []slog.Attr) (next, others []slog.Attr) {
	v := &h.values
	if v.replace != nil {
		attrs = replaceAll(v.replace, slices.Clip(h.groups), capture.Attrs(attrs, capture.Resolved))
	}
	switch {
	case !v.captures:
		return attrs, attrs
	case v.preformat:
		attrs = capture.Attrs(attrs, capture.Resolved)
		if v.format&^capture.Copy == capture.Text {
			attrs = capture.WithoutEndless(attrs)
		}
		if v.others { // else nobody shows what is made of them
			return attrs, capture.Attrs(attrs, v.format)
		}
	case v.format == capture.Any || v.everyRecord() || v.others:
		// A next that is not known may keep the values and show them on the worker.
		attrs = capture.Attrs(attrs, v.format)
	default: // next shows them now
		attrs = capture.Bearable(attrs, v.format)
	}
	return attrs, attrs
}
