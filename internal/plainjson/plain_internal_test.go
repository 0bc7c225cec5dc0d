package plainjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newRecord(msg string, attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0)
	r.AddAttrs(attrs...)
	return r
}

// counting is slog's handler in an asker.
type counting struct {
	slog.Handler
	n *int
}

func (c counting) Handle(ctx context.Context, r slog.Record) error {
	*c.n++
	return c.Handler.Handle(ctx, r)
}

// countAsked returns a count of the values that are left to slog.
func countAsked(t *testing.T) *int {
	n := new(int)
	for _, askers := range []*sync.Pool{&jsonAskers, &textAskers} {
		before := askers.New
		emptied := func(newOne func() any) {
			*askers = sync.Pool{New: newOne}
		}
		emptied(func() any {
			a := before().(*asker)
			a.h = counting{a.h, n}
			return a
		})
		t.Cleanup(func() { emptied(before) })
	}
	return n
}

// Without this the tests of the lines would pass with a handler that leaves all to slog.
func TestWhatIsPlain(t *testing.T) {
	path := &os.PathError{Op: "open", Err: io.EOF}
	cases := []struct {
		name       string
		record     slog.Record
		json, text bool
	}{
		{"no attributes", newRecord("m"), true, true},
		{"values", newRecord("m", slog.String("s", "a"), slog.Int("i", 1), slog.Uint64("u", 1), slog.Float64("f", 1.5), slog.Bool("b", true),
			slog.Duration("d", 1), slog.Time("t", time.Now())), true, true},
		{"unicode", newRecord("世界", slog.String("é", "😀")), true, true},
		{"quote in the message", newRecord(`"`), true, true},
		{"newline in a key", newRecord("m", slog.Int("\n", 1)), true, true},
		{"control character in a value", newRecord("m", slog.String("s", "\x01")), true, true},
		{"line separator", newRecord("\u2028"), true, true},
		{"bad UTF-8", newRecord("\xff"), true, true},
		{"float with an exponent", newRecord("m", slog.Float64("f", 1e21)), false, true},
		{"no number", newRecord("m", slog.Float64("f", math.NaN())), false, true},
		{"error", newRecord("m", slog.Any("err", errors.New(`"`))), true, true},
		{"wrapping error", newRecord("m", slog.Any("err", fmt.Errorf("read: %w", io.EOF))), true, true},
		{"error that could change", newRecord("m", slog.Any("err", path)), false, false},
		{"error in a group", newRecord("m", slog.Group("g", slog.Any("err", io.EOF))), true, true},
		{"other error in a group", newRecord("m", slog.Group("g", slog.Any("err", path))), false, false},
		{"nil", newRecord("m", slog.Any("a", nil)), true, true},
		{"bytes", newRecord("m", slog.Any("a", []byte("a"))), true, true},
		{"strings", newRecord("m", slog.Any("a", []string{"a", "é"})), true, false},
		{"header", newRecord("m", slog.Any("a", http.Header{"A": {"b"}})), true, false},
		{"header with escapes", newRecord("m", slog.Any("a", http.Header{"A": {"b\n"}})), false, false},
		{"header with escapes in a key", newRecord("m", slog.Any("a", http.Header{"\n": nil})), false, false},
		{"URL", newRecord("m", slog.Any("a", &url.URL{Host: "h"})), true, false},
		{"URL with escapes", newRecord("m", slog.Any("a", &url.URL{RawQuery: `"`})), false, false},
		{"strings with escapes", newRecord("m", slog.Any("a", []string{"\b"})), false, false},
		{"JSON", newRecord("m", slog.Any("a", json.RawMessage(`{"a":[1,"é\n",null]}`))), true, false},
		{"JSON with spaces", newRecord("m", slog.Any("a", json.RawMessage(`{"a": 1}`))), false, false},
		{"no JSON", newRecord("m", slog.Any("a", json.RawMessage(`{`))), false, false},
		{"level", newRecord("m", slog.Any("a", slog.LevelWarn)), true, true},
		{"address", newRecord("m", slog.Any("a", netip.IPv6Unspecified())), true, true},
		{"source", newRecord("m", slog.Any("a", &slog.Source{Function: "f", File: "g", Line: 1})), true, true},
		{"struct", newRecord("m", slog.Any("a", struct{ A int }{1})), false, false},
		{"groups", newRecord("m", slog.Group("g", slog.Int("i", 1), slog.Group("h", slog.Int("i", 1)))), true, true},
		{"group without a name", newRecord("m", slog.Group("", slog.Int("i", 1))), true, true},
		{"year", newRecord("m", slog.Time("t", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), false, true},
	}
	require.True(t, showsURLs()) // slog is asked only once
	asked := countAsked(t)
	for _, text := range []bool{false, true} {
		root := newHandler(io.Discard, &slog.HandlerOptions{AddSource: true}, text)
		for _, h := range []slog.Handler{root, root.WithAttrs([]slog.Attr{slog.Any("a", nil)}), root.WithGroup("g")} {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					*asked = 0
					require.NoError(t, h.Handle(t.Context(), c.record))
					plain := c.json
					if text {
						plain = c.text || strings.Contains(c.name, "year")
					}
					if c.name == "year" {
						plain = false
					}
					require.Equal(t, plain, *asked == 0)
				})
			}
		}
	}
}

// A slog that writes something else is left to itself.
func TestAnotherSlog(t *testing.T) {
	defer func(c [2][3]check) { checks = c }(checks)
	same, another := func() bool { return true }, func() bool { return false }
	options := []*slog.HandlerOptions{nil, {AddSource: true}, {ReplaceAttr: probe}}
	ours := func(ho *slog.HandlerOptions) (ours []bool) {
		_, isJSON := New(io.Discard, ho).(*Handler)
		_, isText := NewText(io.Discard, ho).(*Handler)
		return append(ours, isJSON, isText)
	}
	for failing := range 3 {
		checks = [2][3]check{{same, same, same}, {same, same, same}}
		checks[0][failing], checks[1][failing] = another, another
		for i, ho := range options {
			want := failing != 0 && failing != i
			require.Equal(t, []bool{want, want}, ours(ho))
		}
	}
	require.IsType(t, &slog.JSONHandler{}, New(io.Discard, options[2]))
	require.IsType(t, &slog.TextHandler{}, NewText(io.Discard, options[2]))
}

func TestThisSlog(t *testing.T) {
	for _, ho := range []*slog.HandlerOptions{nil, {AddSource: true}, {ReplaceAttr: probe}} {
		require.IsType(t, &Handler{}, New(io.Discard, ho), "slog writes another format than this package")
		require.IsType(t, &Handler{}, NewText(io.Discard, ho), "slog writes another format than this package")
	}
}

// What is compared at the start is everything that this package writes by itself.
func TestCheckFindsWhatDiffers(t *testing.T) {
	var all bytes.Buffer
	logSome(slogsOwn(&all, &slog.HandlerOptions{AddSource: true}, false))
	require.Contains(t, []string{`\ufffd`, "\ufffd"}, invalid)
	for _, want := range []string{`\u0000`, `\u2028`, invalid, `"source":{"function":`, `"time":"2026-01-02T03:04:05.`, `-01:30"`, `"i j":{`, `"1.2.3.4"`, `"YWL/"`, `{"A":null,"B":["b",""],"é":[]}`} {
		require.Contains(t, all.String(), want)
	}
}

func TestSitesAreBounded(t *testing.T) {
	var m sites
	for pc := range uintptr(3 * maxSites) {
		m.of(pc + 1)
		require.LessOrEqual(t, len(m), maxSites)
	}
	require.True(t, m.of(0).empty())
}

func TestLongLinesAreNotKept(t *testing.T) {
	h := newHandler(io.Discard, nil, false)
	require.NoError(t, h.Handle(t.Context(), newRecord("m")))
	require.NotNil(t, h.out.line)
	require.NoError(t, h.Handle(t.Context(), newRecord(strings.Repeat("m", 2*maxKept))))
	require.Nil(t, h.out.line)
}

func TestHandleDoesNotAlloc(t *testing.T) {
	rename := func(_ []string, a slog.Attr) slog.Attr {
		a.Key += "!"
		return a
	}
	r := newRecord("m\n", slog.String("s", "a"), slog.Float64("f", 1.5), slog.Duration("d", time.Hour), slog.Any("err", io.EOF), slog.Group("g", slog.Int("i", 1)))
	r.PC = 1
	for _, text := range []bool{false, true} {
		for _, ho := range []*slog.HandlerOptions{nil, {AddSource: true}, {ReplaceAttr: rename}} {
			h := newHandler(io.Discard, ho, text)
			want := 0.
			if ho != nil && ho.ReplaceAttr != nil {
				want = 5 // the longer keys but that of g
				want += 3
			}
			require.Equal(t, want, testing.AllocsPerRun(100, func() { _ = h.Handle(context.Background(), r) }), "text %v, %+v", text, ho)
		}
	}
}

// FuzzCompact compares with encoding/json.
func FuzzCompact(f *testing.F) {
	for _, s := range []string{`{}`, `[]`, `{"a":1}`, `{"a":[1,2.5e-3,-0,true,false,null,"x\n\"é"]}`, ` 1`, `1 `, `01`, `-`, `1.`, `1e`, `"\u0041"`, `{"a"}`, `[1,]`, `{,}`, "\"\xff\"", "\"\u2028\"", `tru`, `""`, `{"a":{}}`, `"\/"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isCompact(data) {
			return
		}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(json.RawMessage(data)))
		require.Equal(t, want.String(), string(data)+"\n")
	})
}

// The first handler of a process pays for this.
func BenchmarkCheck(b *testing.B) {
	for name, text := range map[string]bool{"JSON": false, "text": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				same(text, nil)
			}
		})
	}
}
