package async

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/asynchandler/asynchandler/internal/archive"
)

// trail is what a derived handler adds to its records, kept for OnDrop and the disk:
// attributes or the name of a group that those behind it are in.
type trail struct {
	before *trail
	attrs  []slog.Attr
	group  string
	bytes  atomic.Pointer[[]byte] // of it and of those before it, see chain
}

// chain returns the trail as bytes, for the disk.
func (t *trail) chain() []byte {
	if t == nil {
		return nil
	}
	if b := t.bytes.Load(); b != nil {
		return *b
	}
	b := archive.AppendStep(slices.Clip(t.before.chain()), archive.Step{Group: t.group, Attrs: t.attrs})
	t.bytes.Store(&b)
	return b
}

// then returns the trail with a step more.
func (t *trail) then(s archive.Step) *trail {
	return &trail{before: t, attrs: s.Attrs, group: s.Group}
}

// whole returns r with the attributes and groups of the handler it was logged through.
func (t *trail) whole(r slog.Record) slog.Record {
	if t == nil {
		return r.Clone()
	}
	attrs := slices.Collect(r.Attrs)
	for ; t != nil; t = t.before {
		switch {
		case t.group == "":
			attrs = slices.Concat(t.attrs, attrs)
		case len(attrs) > 0:
			attrs = []slog.Attr{slog.GroupAttrs(t.group, attrs...)}
		}
	}
	r = withoutAttrs(&r)
	r.AddAttrs(attrs...)
	return r
}
