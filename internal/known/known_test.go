package known_test

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/known"
)

type hiding struct{ slog.Handler }

type telling struct{ slog.Handler }

func TestWhatIsKnown(t *testing.T) {
	known.Register(func(h telling) known.Facts { return known.Of(h.Handler) })
	ho := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}
	json, text := slog.NewJSONHandler(io.Discard, nil), slog.NewTextHandler(io.Discard, ho)
	for _, tt := range []struct {
		h    slog.Handler
		want known.Facts
	}{
		{json, known.Facts{Format: capture.JSON, IgnoresContext: true}},
		{json.WithGroup("g"), known.Facts{Format: capture.JSON, IgnoresContext: true}},
		{text, known.Facts{Format: capture.Text, IgnoresContext: true, Replaces: true}},
		{telling{telling{text}}, known.Facts{Format: capture.Text, IgnoresContext: true, Replaces: true}},
		{hiding{json}, known.Facts{}},
		{telling{hiding{json}}, known.Facts{}},
	} {
		assert.Equal(t, tt.want, known.Of(tt.h), "%T", tt.h)
	}
}

func TestFormatted(t *testing.T) {
	h := slog.NewJSONHandler(io.Discard, nil).WithAttrs([]slog.Attr{slog.String("s", strings.Repeat("x", 1000))})
	assert.InDelta(t, 1000, known.Formatted(h), 20)
	assert.Zero(t, known.Formatted(hiding{h}))
}

// A handler that does not say how is given the values as they are shown, or by WithAttrs if a
// function of it is to see them.
func TestReady(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ho    *slog.HandlerOptions
		attr  slog.Attr
		ahead bool
	}{
		{"rendered", nil, slog.Any("list", []int{1, 2}), false},
		{"given ahead", &slog.HandlerOptions{ReplaceAttr: hideTime}, slog.Any("list", []int{1, 2}), true},
		{"plain", &slog.HandlerOptions{ReplaceAttr: hideTime}, slog.String("list", "[1 2]"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			h := slog.NewTextHandler(&out, tt.ho)
			r := slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)
			r.AddAttrs(tt.attr)
			through, size, extra := known.Ready(h, &r)
			assert.Equal(t, tt.ahead, through != slog.Handler(h))
			assert.Equal(t, tt.ahead, r.NumAttrs() == 0)
			assert.Equal(t, tt.ahead, extra > 0)
			assert.Greater(t, size, int64(len("mlist[1 2]")))
			if list, ok := tt.attr.Value.Any().([]int); ok {
				list[0] = 3
			}
			assert.NoError(t, through.Handle(t.Context(), r))
			assert.NoError(t, through.Handle(t.Context(), r), "once more")
			line := "level=INFO msg=m list=\"[1 2]\"\n"
			assert.Equal(t, line+line, out.String())
		})
	}
}

// Two see a record, of which each has a copy that was made ready for it.
func TestReadyCopy(t *testing.T) {
	var text, json bytes.Buffer
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)
	list := []string{"a"}
	r.AddAttrs(slog.Any("list", list))
	first, _, _ := known.ReadyCopy(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: hideTime}), &r)
	second, _, extra := known.ReadyCopy(slog.NewJSONHandler(&json, nil), &r)
	assert.Greater(t, extra, int64(unsafe.Sizeof(r)))
	list[0] = "changed"
	assert.NoError(t, first.Handle(t.Context(), slog.Record{}))
	assert.NoError(t, second.Handle(t.Context(), slog.Record{}))
	assert.Equal(t, "level=INFO msg=m list=[a]\n", text.String())
	assert.Equal(t, `{"level":"INFO","msg":"m","list":["a"]}`+"\n", json.String())
}

func hideTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
