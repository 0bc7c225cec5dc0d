package async_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/async"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/membudget"
)

// next's own function goes by types, and must see each value before anything is cut.
func TestWhatIsTooLargeIsCutBehindAReplaceAttrOfNext(t *testing.T) { // P4, P5
	const limit = 200
	ho := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if _, ok := a.Value.Any().(error); ok {
			return slog.String(a.Key, "hidden")
		}
		return a
	}}
	long := strings.Repeat("x", 1000)
	secret := errors.New("secret " + long)
	many := []string{long, long}
	for _, tt := range []struct {
		name  string
		attrs []slog.Attr
		want  []string
		whole bool
	}{
		{"an error", []slog.Attr{slog.Any("err", secret)}, []string{"err=hidden"}, true},
		{"an error and a string", []slog.Attr{slog.Any("err", secret), slog.String("s", long)}, []string{"err=hidden", "s=xxxxxxxx"}, false},
		{"a string", []slog.Attr{slog.String("s", long)}, []string{"s=xxxxxxxx"}, false},
		{"what can change", []slog.Attr{slog.Any("few", []string{"a"}), slog.Any("many", many)}, []string{"few=[a]"}, false},
		{"a group", []slog.Attr{slog.Group("g", "n", 1, "s", long), slog.Any("few", []string{"a"})}, []string{"few=[a]", "g.n=1", "g.s=xxxxxxxx"}, false},
		{"an error in a group", []slog.Attr{slog.Group("g", "err", secret), slog.Any("many", many)}, []string{"g.err=hidden"}, false},
	} {
		for _, with := range []string{"nobody else", "a fallback", "OnDrop", "another queue"} {
			t.Run(tt.name+"/"+with, func(t *testing.T) {
				var out, line bytes.Buffer
				opts := async.Options{MaxRecordSize: limit}
				fallback := testsink.Func(func(_ context.Context, r slog.Record) error {
					assert.LessOrEqual(t, membudget.SizeOf(r), int64(limit))
					return nil
				})
				next := slog.Handler(slog.NewTextHandler(&out, ho))
				end := func() error { return nil }
				switch with {
				case "another queue":
					behind := async.New(next, async.Options{})
					next, end = behind, behind.Close
				case "a fallback":
					opts.Fallback = fallback
				case "OnDrop":
					opts.OnDrop = func(context.Context, slog.Record, async.DropReason) {}
				}
				h := async.New(next, opts)
				r := slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)
				r.AddAttrs(tt.attrs...)
				require.NoError(t, h.Handle(t.Context(), r))
				require.NoError(t, h.Close())
				require.NoError(t, end())
				_, _ = io.Copy(&line, &out)
				assert.Less(t, line.Len(), limit+50)
				assert.NotContains(t, line.String(), "secret")
				alone := with == "nobody else" || with == "another queue"
				for _, want := range tt.want {
					if alone {
						assert.Contains(t, line.String(), want)
					}
				}
				if alone {
					assert.Equal(t, !tt.whole, strings.Contains(line.String(), "truncated=true"), line.String())
				}
			})
		}
	}
}
