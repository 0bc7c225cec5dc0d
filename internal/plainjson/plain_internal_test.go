package plainjson

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newRecord(msg string, attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0)
	r.AddAttrs(attrs...)
	return r
}

// Without this the tests of the lines would pass with a handler that leaves all to slog.
func TestWhatIsPlain(t *testing.T) {
	h, ok := New(io.Discard, nil).(*Handler)
	require.True(t, ok, "slog writes another format than this package")
	cases := []struct {
		name   string
		record slog.Record
		plain  bool
	}{
		{"no attributes", newRecord("m"), true},
		{"values", newRecord("m", slog.String("s", "a"), slog.Int("i", 1), slog.Uint64("u", 1), slog.Float64("f", 1.5), slog.Bool("b", true),
			slog.Duration("d", 1), slog.Time("t", time.Now())), true},
		{"unicode", newRecord("世界", slog.String("é", "😀")), true},
		{"quote in the message", newRecord(`"`), false},
		{"newline in a key", newRecord("m", slog.Int("\n", 1)), false},
		{"control character in a value", newRecord("m", slog.String("s", "\x01")), false},
		{"line separator", newRecord("\u2028"), false},
		{"bad UTF-8", newRecord("\xff"), false},
		{"float with an exponent", newRecord("m", slog.Float64("f", 1e21)), false},
		{"no number", newRecord("m", slog.Float64("f", math.NaN())), false},
		{"error", newRecord("m", slog.Any("err", io.EOF)), true},
		{"error with a quote", newRecord("m", slog.Any("err", errors.New(`"`))), false},
		{"wrapping error", newRecord("m", slog.Any("err", fmt.Errorf("read: %w", io.EOF))), true},
		{"error that could change", newRecord("m", slog.Any("err", &os.PathError{Op: "open", Err: io.EOF})), false},
		{"error in a group", newRecord("m", slog.Group("g", slog.Any("err", io.EOF))), true},
		{"other error in a group", newRecord("m", slog.Group("g", slog.Any("err", &os.PathError{Op: "open", Err: io.EOF}))), false},
		{"any", newRecord("m", slog.Int("i", 1), slog.Any("a", nil), slog.Int("j", 1)), false},
		{"groups", newRecord("m", slog.Group("g", slog.Int("i", 1), slog.Group("h", slog.Int("i", 1)))), true},
		{"newline in a group", newRecord("m", slog.Group("g", slog.Int("i", 1), slog.String("s", "\n"))), false},
		{"group without a name", newRecord("m", slog.Group("", slog.Int("i", 1))), false},
		{"empty group in a group", newRecord("m", slog.Group("g", slog.Int("i", 1), slog.Attr{Key: "h", Value: slog.GroupValue()})), true},
		{"year", newRecord("m", slog.Time("t", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), false},
	}
	for _, derived := range []slog.Handler{h, h.WithAttrs([]slog.Attr{slog.Any("a", nil)}), h.WithGroup("g")} {
		d := derived.(*Handler)
		require.NoError(t, d.Handle(t.Context(), newRecord("learn the layout"))) // from slog
		require.NoError(t, d.Handle(t.Context(), newRecord("learn the layout", slog.Int("i", 1))))
		d.slog = refusing{}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				err := d.Handle(t.Context(), c.record)
				require.Equal(t, c.plain, err == nil)
			})
		}
	}
}

// refusing stands for slog.
type refusing struct{ slog.Handler }

func (refusing) Handle(context.Context, slog.Record) error { return errors.ErrUnsupported }

// A slog that writes something else is left to itself.
func TestAnotherSlog(t *testing.T) {
	same := sameAsSlog
	defer func() { sameAsSlog = same }()
	sameAsSlog = func() bool { return false }
	require.IsType(t, &slog.JSONHandler{}, New(io.Discard, nil))
}

// another is a handler with a format of its own.
type another struct {
	slog.Handler
	w      io.Writer
	format string // with the level, the message and the number of attributes
}

func (a another) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintf(a.w, a.format, r.Level, r.Message, r.NumAttrs())
	return err
}

func TestNothingIsPlainInAForeignLayout(t *testing.T) {
	for _, format := range []string{
		"%v %s with %d attributes\n",
		`{"level":"%v","msg":"%s","attributes":%d}` + "\n",
		`{"level":"%v","msg":"%s","i":%d} ` + "\n",
	} {
		var out bytes.Buffer
		h := newHandler(&out, nil)
		h.slog = another{h.slog, h.out, format}
		r := slog.NewRecord(time.Time{}, 0, "m", 0)
		r.AddAttrs(slog.Int("i", 2))
		for range 3 {
			require.NoError(t, h.Handle(t.Context(), r))
		}
		require.Equal(t, strings.Repeat(fmt.Sprintf(format, "INFO", "m", 1), 3), out.String())
		require.Equal(t, foreign, h.full.state)
	}
}

func TestLayoutOf(t *testing.T) {
	const head = `{"msg":"m"`
	tests := []struct {
		name, line, attrs string
		want              layout
	}{
		{"no attributes", `{"msg":"m"}` + "\n", "", layout{known, "", "}\n"}},
		{"attributes of the handler", `{"msg":"m","a":{"b":1}}` + "\n", "", layout{known, `,"a":{"b":1`, "}}\n"}},
		{"an attribute", `{"msg":"m","i":1}` + "\n", `"i":1`, layout{known, ",", "}\n"}},
		{"the same before it", `{"msg":"m","i":1,"i":1}` + "\n", `"i":1`, layout{known, `,"i":1,`, "}\n"}},
		{"in groups", `{"msg":"m","g":{"h":{"i":1}}}` + "\n", `"i":1`, layout{known, `,"g":{"h":{`, "}}}\n"}},
		{"a group in groups", `{"msg":"m","g":{"h":{"i":{"j":1}}}}` + "\n", `"i":{"j":1}`, layout{known, `,"g":{"h":{`, "}}}\n"}},
		{"a brace in a string", `{"msg":"m","s":"}"}` + "\n", `"s":"}"`, layout{known, ",", "}\n"}},
		{"another value", `{"msg":"m","i":2}` + "\n", `"i":1`, layout{state: foreign}},
		{"something behind it", `{"msg":"m","i":1,"pid":2}` + "\n", `"i":1`, layout{state: foreign}},
		{"another head", `{"message":"m","i":1}` + "\n", `"i":1`, layout{state: foreign}},
		{"no newline", `{"msg":"m","i":1`, `"i":1`, layout{state: foreign}},
		{"nothing", "", "", layout{state: foreign}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, layoutOf([]byte(tt.line), []byte(head), []byte(tt.attrs)))
		})
	}
}

func TestNothingIsLearnedFromAFailure(t *testing.T) {
	h := newHandler(io.Discard, nil)
	slogs := h.slog
	h.slog = refusing{}
	r := newRecord("m", slog.Int("i", 1))
	require.Error(t, h.Handle(t.Context(), r))
	h.slog = slogs
	require.NoError(t, h.Handle(t.Context(), r))
	require.Equal(t, known, h.full.state)
}

func TestMemoryOfALongLineIsNotKept(t *testing.T) {
	h := newHandler(io.Discard, nil)
	long := strings.Repeat("m", 2*maxKept)
	for _, r := range []slog.Record{newRecord(long), newRecord("m"), newRecord(long), newRecord(long + "\n")} {
		require.NoError(t, h.Handle(t.Context(), r))
		require.LessOrEqual(t, max(cap(h.out.line), cap(h.out.learned)), maxKept)
	}
}

func TestHandleDoesNotAlloc(t *testing.T) {
	h := newHandler(io.Discard, nil)
	r := newRecord("m", slog.String("s", "a"), slog.Int("i", 1), slog.Float64("f", 1.5), slog.Duration("d", 1), slog.Bool("b", true))
	allocs := testing.AllocsPerRun(100, func() { _ = h.Handle(context.Background(), r) })
	require.Zero(t, allocs)
}
