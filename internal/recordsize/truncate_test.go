package recordsize_test

import (
	"bytes"
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// text renders a record without the time and the level.
func text(r slog.Record) string {
	var buf bytes.Buffer
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}
	err := slog.NewTextHandler(&buf, &slog.HandlerOptions{ReplaceAttr: drop}).Handle(context.Background(), r)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

var mark = slog.Bool("truncated", true)

// sizeWithout is the size of a record without any text but with the mark.
func sizeWithout(keys ...string) int64 {
	var attrs []slog.Attr
	for _, k := range keys {
		attrs = append(attrs, slog.String(k, ""))
	}
	return sizeOf(record("", append(attrs, mark)...))
}

func TestTruncate(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name   string
		record slog.Record
		max    int64
		want   string // "" for a record that is not cut
	}{
		{"fits exactly", record(x(10)), sizeOf(record(x(10))), ""},
		{"message", record(x(100)), sizeWithout() + 4, "msg=xxxx truncated=true"},
		{
			"the longest first", record("hello", slog.String("k", x(100))), sizeWithout("k") + 5 + 8,
			"msg=hello k=xxxxxxxx truncated=true",
		},
		{
			"both, when both are long", record(x(100), slog.String("k", x(90))), sizeWithout("k") + 8,
			"msg=xxxx k=xxxx truncated=true",
		},
		{
			"no room for the mark in the record itself", record(x(200), make([]slog.Attr, 5)...),
			sizeWithout("", "", "", "", "") - 5*(sizeWithout("")-sizeWithout()) + 4, "msg=xxxx truncated=true",
		},
		{"nothing is left", record(x(100)), sizeWithout(), `msg="" truncated=true`},
		{"no half rune", record("äöü€" + x(100)), sizeWithout() + 8, "msg=äöü truncated=true"},
		{"a whole rune", record("äöü€" + x(100)), sizeWithout() + 9, "msg=äöü€ truncated=true"},
		{"no rune fits", record("😀" + x(100)), sizeWithout() + 3, `msg="" truncated=true`},
		{"a rune, then no UTF-8", record("ä\x80\x80\x80" + x(200)), sizeWithout() + 2, "msg=ä truncated=true"},
		{"not UTF-8", record("\x80\x80\x80\x80\x80\x80" + x(200)), sizeWithout() + 5, `msg="\x80\x80\x80\x80\x80" truncated=true`},
		{
			"group", record("m", slog.Group("g", slog.String("a", x(200)), slog.Group("h", slog.String("b", "b")))),
			sizeOf(record("m", slog.Group("g", slog.String("a", x(4)), slog.Group("h", slog.String("b", "b"))), mark)),
			"msg=m g.a=xxxx g.h.b=b truncated=true",
		},
		{
			"other values are kept", record("m", slog.Any("b", []byte("bytes")), slog.String("k", x(200)), slog.Int("i", 7)),
			sizeOf(record("m", slog.Any("b", []byte("bytes")), slog.String("k", "xx"), slog.Int("i", 7), mark)),
			`msg=m b="bytes" k=xx i=7 truncated=true`,
		},
		{"other values alone are too large", record("msg", slog.Any("b", make([]byte, 1000))), 500, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, r := text(tt.record), tt.record
			cut := recordsize.Truncate(&r, tt.max)
			assert.Equal(t, tt.want != "", cut)
			assert.Equal(t, before, text(tt.record), "the copy that somebody else holds is as it was")
			if !cut {
				assert.Equal(t, before, text(r))
				return
			}
			assert.Equal(t, tt.want, text(r))
			assert.LessOrEqual(t, recordsize.Of(&r), tt.max)
			assert.False(t, recordsize.Truncate(&r, tt.max), "once is enough")
		})
	}
}

func TestTruncateOfWhatCannotFit(t *testing.T) {
	r := record(strings.Repeat("x", 600), slog.Any("b", make([]byte, 1000)), slog.String("k", "short"))
	require.True(t, recordsize.Truncate(&r, 100))
	assert.Len(t, r.Message, 95, "the strings take no more than the maximum among themselves")

	r = record("message")
	require.True(t, recordsize.Truncate(&r, math.MinInt64))
	assert.Equal(t, `msg="" truncated=true`, text(r))
}

func TestTruncateKeepsTheRest(t *testing.T) {
	var attrs []slog.Attr
	for range 12 {
		attrs = append(attrs, slog.String("k", strings.Repeat("v", 100)))
	}
	now := time.Now()
	r := slog.NewRecord(now, slog.LevelError, "message", 42)
	r.AddAttrs(attrs...)
	require.True(t, recordsize.Truncate(&r, 900))
	assert.Equal(t, now, r.Time)
	assert.Equal(t, slog.LevelError, r.Level)
	assert.Equal(t, uintptr(42), r.PC)
	assert.Equal(t, "message", r.Message, "shorter than what the values are cut to")
	assert.Equal(t, 13, r.NumAttrs())
	assert.Greater(t, recordsize.Of(&r), int64(900-12), "no more is cut than must be")
	r.AddAttrs(slog.Int("more", 1))
	assert.Equal(t, 14, r.NumAttrs())
}

func TestTruncateEndsOnCyclicGroups(t *testing.T) {
	group := make([]slog.Attr, 50)
	for i := range group {
		group[i] = slog.Attr{Key: "self", Value: slog.GroupValue(group...)}
	}
	group[0] = slog.String("text", strings.Repeat("x", 1000))
	r := record("message", slog.Attr{Key: "g", Value: slog.GroupValue(group...)})
	size := recordsize.Of(&r)
	require.True(t, recordsize.Truncate(&r, size-100))
	assert.LessOrEqual(t, recordsize.Of(&r), size-100)
	assert.Len(t, group[0].Value.String(), 1000, "the caller's group is as it was")
}

func FuzzTruncate(f *testing.F) {
	f.Add("message", "key", "a longer välue", []byte{0, 1, 2, 3, 4, 0, 0, 4, 1, 8}, int64(300))
	f.Add("\xf0\x9f\x98", "k", "\x80\x80\x80\x80\x80\xf0\x9f\x98\x80", []byte{4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1}, int64(700))
	f.Fuzz(func(t *testing.T, msg, key, value string, shape []byte, maxSize int64) {
		// Without the values that the text handler calls methods of, or shows as an address.
		shape = slices.DeleteFunc(slices.Clone(shape), func(b byte) bool { return b%9 > 4 && b%9 < 8 })
		if len(shape) > 60 {
			return
		}
		original := record(msg, attrs(shape, key, value)...)
		before, r := text(original), original
		cut := recordsize.Truncate(&r, maxSize)
		require.Equal(t, before, text(original))
		if !cut {
			require.Equal(t, before, text(r))
		}
		checkStrings(t, msg, r.Message)
		for a := range r.Attrs {
			checkCut(t, a, value)
		}
		// What remains when all strings are cut to nothing, the other values being as they are.
		smallest := sizeOf(record("", append(attrs(shape, key, ""), mark)...))
		if smallest+bytesElsewhere(shape, value) <= maxSize {
			require.LessOrEqual(t, recordsize.Of(&r), maxSize)
		}
	})
}

// bytesElsewhere is what values that are no strings hold of the text.
func bytesElsewhere(shape []byte, value string) int64 {
	var n int64
	for _, b := range shape {
		if b%9 == 2 || b%9 == 3 {
			n += int64(len(value))*5/4 + 32 // room that append left
		}
	}
	return n
}

func checkCut(t *testing.T, a slog.Attr, value string) {
	switch a.Value.Kind() {
	case slog.KindString:
		checkStrings(t, value, a.Value.String())
	case slog.KindGroup:
		for _, a := range a.Value.Group() {
			checkCut(t, a, value)
		}
	}
}

func checkStrings(t *testing.T, whole, cut string) {
	require.True(t, strings.HasPrefix(whole, cut))
	if utf8.ValidString(whole) {
		require.True(t, utf8.ValidString(cut), "%q is cut inside a rune", cut)
	}
}
