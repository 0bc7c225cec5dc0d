package async_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// Whoever gets the record may add attributes to it, and the caller to his: they must not
// meet in the slice of those that do not fit into the record itself.
func TestNobodyAddsAttributesToTheCallersRecord(t *testing.T) {
	added := 0
	add := func(_ context.Context, r slog.Record) error {
		added++
		r.AddAttrs(slog.Bool("added", true))
		return nil
	}
	refuse := func(context.Context, slog.Record) error { return errDown }
	tests := []struct {
		name   string
		next   testsink.Func
		opts   async.Options
		closed bool
	}{
		{name: "next", next: add},
		{name: "next after the end", next: add, closed: true},
		{name: "fallback", next: refuse, opts: async.Options{Fallback: testsink.Func(add)}},
		{name: "fallback after the end", next: refuse, opts: async.Options{Fallback: testsink.Func(add)}, closed: true},
		{name: "OnDrop", next: refuse, opts: async.Options{
			Budget: membudget.New(1, membudget.Options{}),
			OnDrop: func(ctx context.Context, r slog.Record, _ async.DropReason) { _ = add(ctx, r) },
		}},
	}
	for _, tt := range tests {
		bubble(t, tt.name, func(t *testing.T) {
			added = 0
			h := begin(t, tt.next, tt.opts)
			if tt.closed {
				require.NoError(t, h.Close())
			}
			r := slog.Record{Message: "m"}
			for range 8 { // one by one, so that the slice grows ahead
				r.AddAttrs(slog.Int("a", 1))
			}
			_ = h.Handle(t.Context(), r) // OnDrop gets what it refuses
			_ = h.Close()
			assert.Equal(t, 1, added)

			r.AddAttrs(slog.Int("last", 1))
			var last slog.Attr
			for a := range r.Attrs {
				assert.NotEqual(t, "!BUG", a.Key, "%v", a.Value)
				last = a
			}
			assert.Equal(t, "last", last.Key)
		})
	}
}
