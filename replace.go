package asynchandler

import (
	"context"
	"io"
	"log/slog"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
	"github.com/asynchandler/asynchandler/internal/plainjson"
)

func init() {
	known.Register(func(h *Handler) known.Facts { return known.Of(h.queue) })
	known.Register(func(m *MultiHandler) known.Facts {
		if len(m.handlers) == 0 {
			return known.Facts{}
		}
		facts := known.Of(m.handlers[0].queue)
		for _, h := range m.handlers[1:] {
			f := known.Of(h.queue)
			if f.Format != facts.Format {
				facts.Format = capture.Any
			}
			facts.IgnoresContext = facts.IgnoresContext && f.IgnoresContext
			facts.Replaces = facts.Replaces || f.Replaces
			facts.Copies = facts.Copies || f.Copies
		}
		return facts
	})
	known.RegisterReady(func(h *Handler, r *slog.Record) (slog.Handler, int64, int64) { return known.Ready(h.queue, r) })
	known.RegisterReady(func(m *MultiHandler, r *slog.Record) (through slog.Handler, size, extra int64) {
		members := make([]slog.Handler, len(m.handlers))
		for i, h := range m.handlers {
			member, s, x := known.ReadyCopy(h.queue, r)
			members[i] = member
			size, extra = size+s, extra+x
		}
		*r = slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		return slog.NewMultiHandler(members...), size, extra
	})
	known.Register(func(h *plainjson.Handler) known.Facts {
		facts := known.Facts{Format: capture.JSON, IgnoresContext: true, Replaces: h.Replaces()}
		if h.Text() {
			facts.Format = capture.Text
		}
		return facts
	})
	known.Register(func(h builtinsHandler) known.Facts {
		return known.Facts{Format: capture.Format(h.format), IgnoresContext: true}
	})
}

// replaceFunc is the type of a ReplaceAttr.
type replaceFunc = func(groups []string, a slog.Attr) slog.Attr

// inTurn returns a function that calls first, which may be nil, and then second.
func inTurn(first, second replaceFunc) replaceFunc {
	if first == nil {
		return second
	}
	return func(groups []string, a slog.Attr) slog.Attr {
		a = first(groups, a)
		if a.Value = a.Value.Resolve(); a.Value.Kind() == slog.KindGroup || a.Equal(slog.Attr{}) {
			return a // the members come one by one
		}
		return second(groups, a)
	}
}

// openingSource returns f for a JSON handler, which shows a source as a group.
func openingSource(f replaceFunc) replaceFunc {
	return func(groups []string, a slog.Attr) slog.Attr {
		a = f(groups, a)
		src, ok := a.Value.Any().(*slog.Source)
		if !ok || src == nil || *src == (slog.Source{}) {
			return a
		}
		var attrs []slog.Attr
		if src.Function != "" {
			attrs = append(attrs, slog.String("function", src.Function))
		}
		if src.File != "" {
			attrs = append(attrs, slog.String("file", src.File))
		}
		if src.Line != 0 {
			attrs = append(attrs, slog.Int("line", src.Line))
		}
		a.Value = slog.GroupValue(attrs...)
		return a
	}
}

// Where others see the attributes too, a ReplaceAttr is called for them before they are
// captured, for all. What is left to slog's handler is to call it for time, level, message
// and source.

// builtinsHandler gives records to one of slog's own handlers that calls a ReplaceAttr for
// these only. Attributes that have the same keys are marked on the way there.
type builtinsHandler struct {
	slog.Handler
	format async.Format
	groups bool // in which no key is mistaken
}

// marked is the value of an attribute that has the key of another.
type marked struct{ value slog.Value }

func newBuiltinsHandler(w io.Writer, ho *slog.HandlerOptions, format async.Format, build func(io.Writer, *slog.HandlerOptions) slog.Handler) slog.Handler {
	own := *ho
	own.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 || !isBuiltin(a.Key) {
			return a
		}
		if m, ok := a.Value.Any().(marked); ok {
			a.Value = m.value
			return a
		}
		return ho.ReplaceAttr(groups, a)
	}
	return builtinsHandler{Handler: build(w, &own), format: format}
}

func isBuiltin(key string) bool {
	switch key {
	case slog.TimeKey, slog.LevelKey, slog.MessageKey, slog.SourceKey,
		"function", "file", "line": // of source
		return true
	}
	return false
}

func (h builtinsHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.groups {
		r = markedRecord(r)
	}
	return h.Handler.Handle(ctx, r)
}

func (h builtinsHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !h.groups {
		attrs = markedAttrs(attrs)
	}
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h builtinsHandler) WithGroup(name string) slog.Handler {
	h.Handler, h.groups = h.Handler.WithGroup(name), true
	return h
}

func markedRecord(r slog.Record) slog.Record {
	found := false
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	for a := range r.Attrs {
		found = found || a.Key == "" || isBuiltin(a.Key)
		attrs = append(attrs, a)
	}
	if !found {
		return r
	}
	m := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	m.AddAttrs(markedAttrs(attrs)...)
	return m
}

func markedAttrs(attrs []slog.Attr) []slog.Attr {
	m := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		switch group := a.Value.Kind() == slog.KindGroup; {
		case group && a.Key == "":
			a.Value = slog.GroupValue(markedAttrs(a.Value.Group())...)
		case !group && a.Value.Kind() != slog.KindLogValuer && isBuiltin(a.Key):
			a.Value = slog.AnyValue(marked{a.Value})
		}
		m[i] = a
	}
	return m
}
