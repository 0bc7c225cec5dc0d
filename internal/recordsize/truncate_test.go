package recordsize_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/capture"
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
			sizeWithout() + 40 + 43, "msg=" + x(43) + " truncated=true",
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
			"shorter values are kept", record("m", slog.Any("b", []byte("bytes")), slog.String("k", x(200)), slog.Int("i", 7)),
			sizeOf(record("m", slog.Any("b", []byte("bytes")), slog.String("k", x(30)), slog.Int("i", 7), mark)),
			`msg=m b="bytes" k=` + x(30) + " i=7 truncated=true",
		},
		{"an error", record("msg", slog.Any("err", errors.New(x(300)))), sizeWithout("err") + 53, "msg=msg err=" + x(50) + " truncated=true"},
		{"bytes", record("msg", slog.Any("b", []byte(x(300)))), sizeWithout("b") + 53, "msg=msg b=" + x(50) + " truncated=true"},
		{"a raw JSON value", record("", slog.Any("j", json.RawMessage(`{"a":"`+x(300)+`"}`))), sizeWithout("j") + 10, `msg="" j="{\"a\":\"xxxx" truncated=true`},
		{"a struct", record("", slog.Any("s", struct{ A, B string }{"a", x(300)})), sizeWithout("s") + 20, `msg="" s="{A:a B:xxxxxxxxxxxxx" truncated=true`},
		{"a map", record("", slog.Any("m", map[string]any{"a": x(300)})), sizeWithout("m") + 10, `msg="" m=map[a:xxxx truncated=true`},
		{"a LogValuer of a group", record("", slog.Any("g", group{slog.String("a", x(300)), slog.Int("b", 1)}), slog.String("c", x(300))), 200, "msg=\"\" g.a=" + x(41) + " g.b=1 c=" + x(41) + " truncated=true"},
		{
			"attributes from the end", record("msg", slog.Int("first", 1), slog.Group("g", slog.Int("second", 2), slog.Int("third", 3)), slog.Int("last", 4)),
			sizeOf(record("msg", slog.Int("first", 1), slog.Group("g", slog.Int("second", 2)), mark)), "msg=msg first=1 g.second=2 truncated=true",
		},
		{"a group goes with its last attribute", record("msg", slog.Int("a", 1), slog.Group("g", slog.String(x(300), "v"))), 100, "msg=msg a=1 truncated=true"},
		{"a long key", record("msg", slog.Int("a", 1), slog.Int(x(300), 2), slog.Int("b", 3)), 100, "msg=msg a=1 truncated=true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, r := text(tt.record), tt.record
			cut := truncate(&r, tt.max)
			assert.Equal(t, tt.want != "", cut)
			assert.Equal(t, before, text(tt.record), "the copy that somebody else holds is as it was")
			if !cut {
				assert.Equal(t, before, text(r))
				return
			}
			assert.Equal(t, tt.want, text(r))
			assert.LessOrEqual(t, recordsize.Of(&r), tt.max)
			assert.False(t, truncate(&r, tt.max), "once is enough")
		})
	}
}

// group is a LogValuer that stands for a group.
type group []slog.Attr

func (g group) LogValue() slog.Value { return slog.GroupValue(g...) }

func TestTruncateToLessThanAnyRecord(t *testing.T) {
	for _, maxSize := range []int64{16, 1, 0, -1, math.MinInt64} {
		r := record("message", slog.Any("b", make([]byte, 1000)), slog.Int("i", 1))
		require.True(t, truncate(&r, maxSize))
		assert.Equal(t, `msg="" truncated=true`, text(r))
		assert.Equal(t, int64(17), recordsize.Of(&r), "as the doc comment says")
	}
}

// The message of a record with very many attributes is worth more than its last ones.
func TestTruncateLeavesRoomForTheMessage(t *testing.T) {
	msg := strings.Repeat("m", 100)
	r := record(msg)
	for range 1000 {
		r.AddAttrs(slog.Int("key", 1))
	}
	require.True(t, truncate(&r, 4096))
	assert.Equal(t, msg, r.Message)
	assert.LessOrEqual(t, recordsize.Of(&r), int64(4096))
	assert.Greater(t, recordsize.Of(&r), int64(4000))
}

func TestTruncateWithoutTextsCutsStringsOnly(t *testing.T) {
	value := struct{ Text string }{strings.Repeat("x", 100)}
	r := record("m", slog.Any("v", value), slog.String("s", strings.Repeat("y", 1000)), slog.Any("w", make([]byte, 1000)))
	require.True(t, recordsize.Truncate(&r, 500, nil))
	var kept []any
	for a := range r.Attrs {
		kept = append(kept, a.Value.Any())
	}
	require.Len(t, kept, 3)
	assert.Equal(t, value, kept[0])
	assert.Greater(t, len(kept[1].(string)), 100)
	assert.LessOrEqual(t, recordsize.Of(&r), int64(500))
}

func TestTruncateKeepsTheRest(t *testing.T) {
	var attrs []slog.Attr
	for range 12 {
		attrs = append(attrs, slog.String("k", strings.Repeat("v", 100)))
	}
	now := time.Now()
	r := slog.NewRecord(now, slog.LevelError, "message", 42)
	r.AddAttrs(attrs...)
	require.True(t, truncate(&r, 900))
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
	require.True(t, truncate(&r, size-100))
	assert.LessOrEqual(t, recordsize.Of(&r), size-100)
	assert.Len(t, group[0].Value.String(), 1000, "the caller's group is as it was")
}

func FuzzTruncate(f *testing.F) {
	f.Add("message", "key", "a longer välue", []byte{0, 1, 2, 3, 4, 0, 0, 4, 1, 8}, int64(300))
	f.Add("\xf0\x9f\x98", "k", "\x80\x80\x80\x80\x80\xf0\x9f\x98\x80", []byte{4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1}, int64(700))
	f.Add("", strings.Repeat("k", 100), "text", []byte{5, 7, 5, 7, 4, 5, 7, 8, 8, 8, 8, 8, 8}, int64(17))
	f.Add("m", "k", strings.Repeat("ab", 40), []byte{8, 8, 8, 8, 8, 8, 2, 4, 3, 5, 7}, int64(400))
	f.Fuzz(func(t *testing.T, msg, key, value string, shape []byte, maxSize int64) {
		// Without the values whose methods panic, or that the text handler shows as an address.
		shape = slices.DeleteFunc(slices.Clone(shape), func(b byte) bool { return b%9 == 6 || b%9 == 7 })
		if len(shape) > 60 {
			return
		}
		original := record(msg, attrs(shape, key, value)...)
		before, r := text(original), original
		cut := truncate(&r, maxSize)
		require.Equal(t, before, text(original))
		require.Equal(t, recordsize.Of(&original) > maxSize, cut)
		if !cut {
			require.Equal(t, before, text(r))
			return
		}
		require.LessOrEqual(t, recordsize.Of(&r), max(maxSize, 17))
		checkStrings(t, msg, r.Message)
		all := slices.Collect(r.Attrs)
		require.True(t, all[len(all)-1].Equal(mark))
		checkCut(t, all[:len(all)-1], slices.Collect(original.Attrs))
	})
}

// checkCut fails the test if cut is not the beginning of whole.
func checkCut(t *testing.T, cut, whole []slog.Attr) {
	require.LessOrEqual(t, len(cut), len(whole))
	for i, a := range cut {
		b := whole[i]
		require.Equal(t, b.Key, a.Key)
		switch a.Value.Kind() {
		case slog.KindGroup:
			checkCut(t, a.Value.Group(), b.Value.Group())
		case slog.KindString:
			shown := b.Value.String()
			if b.Value.Kind() == slog.KindAny {
				shown = capture.ShownText(b.Value.Any(), capture.Text)
			}
			checkStrings(t, shown, a.Value.String())
		}
	}
}

func checkStrings(t *testing.T, whole, cut string) {
	require.True(t, strings.HasPrefix(whole, cut))
	if utf8.ValidString(whole) {
		require.True(t, utf8.ValidString(cut), "%q is cut inside a rune", cut)
	}
}

// truncate shows values as a text handler would.
func truncate(r *slog.Record, maxSize int64) bool {
	return recordsize.Truncate(r, maxSize, func(x any) string { return capture.ShownText(x, capture.Text) })
}
