package recorder

import (
	"context"
	"log/slog"
	"path"
	"reflect"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// destination is next as far as values are concerned: how they are kept so that next can
// show later what it would show now.
type destination struct {
	format capture.Format
	// takes: what next is given by WithAttrs it takes as it is at that moment. So slog's own
	// handlers do, and those of this module.
	takes bool
	// readies: what is not plain is made ready by next, since it may have a ReplaceAttr that
	// goes by the types of values, or bounds of its own.
	readies bool
	// contexts: next may look at the context of a record.
	contexts bool
}

// module is the import path of this module.
var module = path.Dir(reflect.TypeFor[Handler]().PkgPath())

func init() {
	known.Register(func(h *Handler) known.Facts { // what a handler around this one sees
		facts := known.Of(h.next)
		facts.IgnoresContext = false // the scopes are found by them
		return facts
	})
	known.RegisterReady(func(h *Handler, r *slog.Record) (slog.Handler, int64, int64) {
		through, size, extra := h.to.ready(h.next, r)
		return &readied{h, through, size + extra}, size, extra + readiedBytes
	})
}

func destinationOf(next slog.Handler) destination {
	facts := known.Of(next)
	d := destination{format: facts.Format, contexts: !facts.IgnoresContext}
	if facts.Copies {
		d.format |= capture.Copy
	}
	switch h := next.(type) {
	case *slog.JSONHandler, *slog.TextHandler:
		d.takes, d.readies = true, facts.Replaces
		return d
	case *Handler:
		d = h.to
		d.contexts = true // its scopes are found by them
		return d
	}
	if t := reflect.TypeOf(next); t.Kind() == reflect.Pointer {
		switch t.Elem().PkgPath() {
		case module, module + "/async":
			d.takes, d.readies, d.contexts = true, true, true
		case module + "/breaker": // which adds nothing
			d.takes = facts.Format != capture.Any
			d.readies = facts.Replaces
		}
	}
	return d
}

// freeze makes n hold what its record shows now. Code of the user's runs here.
func (d destination) freeze(n *node) {
	if !d.readies {
		n.bytes = nodeBytes + capture.Sized(&n.rec, d.format)
		return
	}
	through, size, extra := d.ready(n.handler, &n.rec)
	n.through, n.bytes = through, nodeBytes+size+extra
}

// ready makes r ready to be given to next later: see [known.Ready].
func (d destination) ready(next slog.Handler, r *slog.Record) (through slog.Handler, size, extra int64) {
	if !d.readies {
		return next, capture.Sized(r, d.format), 0
	}
	size, plain := recordsize.OfPlain(r)
	if !plain {
		return known.Ready(next, r)
	}
	if d.format&capture.Copy != 0 {
		capture.Record(r, d.format)
	}
	return next, size, 0
}

// readied is a handler for one record, whose values are as they are to be shown.
type readied struct {
	*Handler

	through slog.Handler
	bytes   int64
}

var readiedBytes = int64(reflect.TypeFor[readied]().Size())

// Handle keeps the record, or passes it on, as it is.
func (h *readied) Handle(ctx context.Context, r slog.Record) error {
	if !h.keeps(r.Level) {
		return h.show(ctx, h.through, r)
	}
	n := h.node(ctx, &r)
	n.through, n.bytes = h.through, nodeBytes+h.bytes
	release(h.core.add(h.core.key(ctx), n))
	return nil
}

// attrs makes attributes of a derived handler ready for next.
func (d destination) attrs(attrs []slog.Attr) []slog.Attr {
	if d.takes {
		return attrs
	}
	return capture.Attrs(attrs, capture.Any)
}
