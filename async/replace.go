package async

import (
	"context"
	"log/slog"
	"slices"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/peek"
)

// replaceIn gives the attributes of r to the ReplaceAttr, as slog's handlers do.
func (h *Handler) replaceIn(r *slog.Record) {
	capture.Record(r, capture.Resolved) // LogValue is called once, and ends
	if r.NumAttrs() == 0 {
		return
	}
	attrs := replaceAll(h.values.replace, slices.Clip(h.groups), peek.Collect(r))
	*r = withoutAttrs(r)
	r.AddAttrs(attrs...)
}

// replaceAll may use what room groups has.
func replaceAll(f func([]string, slog.Attr) slog.Attr, groups []string, attrs []slog.Attr) []slog.Attr {
	replaced := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		if a, some := replaceOne(f, groups, a); some {
			replaced = append(replaced, a)
		}
	}
	return replaced
}

// replaceOne returns what f makes of a, and whether anything is left of it. The members
// of a group are given to f, the group is not, be it the caller's or made by f.
func replaceOne(f func([]string, slog.Attr) slog.Attr, groups []string, a slog.Attr) (_ slog.Attr, some bool) {
	if a.Value.Kind() == slog.KindGroup && len(a.Value.Group()) == 0 {
		return a, true // handlers may ignore it, but not one that was made only now
	}
	a.Value = a.Value.Resolve()
	if a.Value.Kind() != slog.KindGroup {
		a = f(groups, a)
		a.Value = a.Value.Resolve()
	}
	if a.Value.Kind() != slog.KindGroup {
		return a, a.Key != "" || a.Value.Kind() != slog.KindAny || a.Value.Any() != nil
	}
	attrs := a.Value.Group()
	if len(attrs) == 0 {
		a.Value = capture.EmptyGroup()
		return a, true
	}
	if a.Key != "" {
		groups = append(groups, a.Key) // f must not keep them, as with slog
	}
	attrs = replaceAll(f, groups, attrs)
	a.Value = slog.GroupValue(attrs...)
	return a, len(attrs) > 0
}

// replacing is the next of drop reports, which are not logged by anybody.
type replacing struct {
	slog.Handler
	root *Handler
}

func (h replacing) Handle(ctx context.Context, r slog.Record) error {
	h.root.replaceIn(&r)
	return h.Handler.Handle(ctx, r)
}
