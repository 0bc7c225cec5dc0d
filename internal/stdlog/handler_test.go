package stdlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/stdlog"
)

type (
	point    struct{ X, Y int }
	valuer   struct{ v slog.Value }
	panicker struct{}
	text     string
	named    []byte
)

func (v valuer) LogValue() slog.Value       { return v.v }
func (panicker) String() string             { panic("no text") }
func (t text) MarshalText() ([]byte, error) { return []byte("text of " + string(t)), nil }
func (*point) Error() string                { return "an error" }

// derivations are ways to a handler from another one.
var derivations = []struct {
	name   string
	derive func(slog.Handler) slog.Handler
}{
	{"plain", func(h slog.Handler) slog.Handler { return h }},
	{"attrs", func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs("a", 1, "b c", "d e")) }},
	{"group", func(h slog.Handler) slog.Handler { return h.WithGroup("g") }},
	{"odd names", func(h slog.Handler) slog.Handler {
		return h.WithGroup("g h").WithAttrs(attrs("a", 1)).WithGroup("i.j.").WithGroup(".")
	}},
	{"attrs and groups", func(h slog.Handler) slog.Handler {
		return h.WithAttrs(attrs("a", 1)).WithGroup("g").WithAttrs(attrs("b", 2)).WithGroup("h").WithGroup("i")
	}},
	{"group value", func(h slog.Handler) slog.Handler {
		return h.WithGroup("g").WithAttrs([]slog.Attr{slog.Group("h", "a", 1), slog.Group("", "b", 2), slog.Group("i")})
	}},
	{"nothing", func(h slog.Handler) slog.Handler {
		return h.WithAttrs(nil).WithAttrs([]slog.Attr{{}}).WithAttrs([]slog.Attr{slog.Group("empty")})
	}},
	{"group of empty groups", func(h slog.Handler) slog.Handler {
		return h.WithAttrs([]slog.Attr{slog.Group("g", slog.Group("h", slog.Group("i"))), slog.Int("a", 1)})
	}},
}

func attrs(args ...any) []slog.Attr { return slog.Group("", args...).Value.Group() }

// calls are log calls. Each is one closure, so that it has one line in the
// file, whichever logger it is called with.
var calls = []struct {
	name string
	log  func(context.Context, *slog.Logger)
}{
	{"message", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "message") }},
	{"no message", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "") }},
	{"newline", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "message\n") }},
	{"newlines", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "\nmes\nsage\n\n") }},
	{"newline and attrs", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "message\n", "a", 1) }},
	{"quotes and bad UTF-8", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "\"m\" \\n \\ `\xff\xed\xa0\x80\ufffd\x00é世\u2028'")
	}},
	{"like an attr", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, `level=INFO msg="x" a=1`, "msg", "y") }},
	{"levels", func(ctx context.Context, l *slog.Logger) {
		for level := slog.LevelDebug - 3; level < slog.LevelError+3; level++ {
			l.Log(ctx, level, "message")
		}
		l.Log(ctx, math.MaxInt, "highest")
	}},
	{"kinds", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "m", "s", "t", "e", "", "i", -1, "u", uint64(math.MaxUint64), "f", 1e100, "n", math.NaN(), "b", true,
			"d", time.Minute, "t", time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC), "nil", nil)
	}},
	{"strings", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "m", "space", "a b", "newline", "a\nb", "quote", `a"b`, "equals", "a=b", "backslash", `a\b`, "bad", "\xff", "k e=y\n", 1, "", 2)
	}},
	{"anything", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "m", "struct", point{1, 2}, "error", errors.New("an error"), "typed nil", (*point)(nil), "bytes", []byte("a b"),
			"named", named("ab"), "text", text("a"), "panic", panicker{}, "map", map[string]int{"b": 2, "a": 1}, "source", &slog.Source{File: "f.go", Line: 3},
			"no source", &slog.Source{})
	}},
	{"LogValuers", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "m", "v", valuer{slog.AnyValue(valuer{slog.IntValue(1)})}, "g", valuer{slog.GroupValue(slog.Int("a", 1))}, "", valuer{slog.GroupValue(slog.Int("b", 2))})
	}},
	{"groups", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "m", slog.Group("g", "a", 1, slog.Group("h i", "b", 2)), slog.Group("empty"), slog.Group("", "c", 3), slog.Attr{}, "d", 4)
	}},
	{"empty groups", func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "m", slog.Group("g", slog.Group("h"))) }},
	{"empty groups, then an attr", func(ctx context.Context, l *slog.Logger) {
		l.InfoContext(ctx, "m", slog.Group("g", slog.Group("h")), "a", 1)
	}},
	{"derived logger", func(ctx context.Context, l *slog.Logger) {
		l.With("x", 1).WithGroup("y").With("z z", valuer{slog.IntValue(2)}).WithGroup("w").InfoContext(ctx, "m", "a", 1)
		l.WithGroup("y").With(slog.Group("z", slog.Group("w"))).InfoContext(ctx, "m", "a", 1)
	}},
}

// moveElsewhere makes the local time zone one that is surely not UTC.
func moveElsewhere(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("elsewhere", -5*3600)
}

// TestLinesAreTheDefaultHandlers compares with the default handler itself. In
// the bubble no time passes, so the times agree too.
func TestLinesAreTheDefaultHandlers(t *testing.T) {
	const everything = log.Ldate | log.Ltime | log.Lmicroseconds | log.Llongfile | log.Lshortfile | log.LUTC | log.Lmsgprefix
	moveElsewhere(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123456789 * time.Nanosecond)
		for flags := range everything + 1 {
			testLines(t, "app: ", flags)
		}
		testLines(t, "", log.LstdFlags)
	})
}

func testLines(t *testing.T, prefix string, flags int) {
	var want, got lines
	redirect(t, &want, prefix, flags)
	slog.SetLogLoggerLevel(math.MinInt)
	for _, d := range derivations {
		given := d.derive(slog.Default().Handler())
		_, build := stdlog.New(given)
		stand := build(&got)
		for _, c := range calls {
			want, got = nil, nil
			for _, h := range []slog.Handler{given, stand} {
				c.log(t.Context(), slog.New(h))
			}
			require.NotEmpty(t, want)
			require.Equal(t, want, got, "flags %b, prefix %q, derived: %s, call: %s", flags, prefix, d.name, c.name)
		}
	}
}

func FuzzLinesAreTheDefaultHandlers(f *testing.F) {
	f.Add("app: ", uint8(log.Lmsgprefix), 0, "message\n", "group", "key", "value")
	f.Add("\n", uint8(log.Lshortfile), 1, "\xff\\\"", "", "", "\n")
	f.Fuzz(func(t *testing.T, prefix string, flags uint8, level int, msg, group, key, value string) {
		var want, got lines
		redirect(t, &want, prefix, int(flags)&^(log.Ldate|log.Ltime|log.Lmicroseconds))
		slog.SetLogLoggerLevel(math.MinInt)
		given := slog.New(slog.Default().Handler()).With(key, value).WithGroup(group)
		_, build := stdlog.New(given.Handler())
		for _, h := range []slog.Handler{given.Handler(), build(&got)} {
			slog.New(h).With(key, 1).Log(t.Context(), slog.Level(level), msg, slog.Group(key, value, key))
		}
		require.Equal(t, want, got)
	})
}

func TestTimeIsTheRecords(t *testing.T) {
	moveElsewhere(t)
	at := time.Date(2026, 3, 1, 2, 4, 5, 123456789, time.FixedZone("", 3*3600)) // 23:04:05 UTC of the day before
	tests := []struct {
		name  string
		flags int
		want  string
	}{
		{"none", 0, "INFO m\n"},
		{"date", log.Ldate, "2026/02/28 INFO m\n"},
		{"time", log.Ltime, "18:04:05 INFO m\n"},
		{"both", log.LstdFlags, "2026/02/28 18:04:05 INFO m\n"},
		{"microseconds", log.Lmicroseconds, "18:04:05.123456 INFO m\n"},
		{"UTC", log.LstdFlags | log.Lmicroseconds | log.LUTC, "2026/02/28 23:04:05.123456 INFO m\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			redirect(t, &out, "", tt.flags)
			require.NoError(t, newDefault().Handle(t.Context(), slog.NewRecord(at, slog.LevelInfo, "m", 0)))
			assert.Equal(t, tt.want, out.String())
		})
	}
}

func TestNoTimeIsTheTimeOfWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		redirect(t, &out, "", log.LstdFlags|log.LUTC)
		h := newDefault()
		time.Sleep(time.Hour)
		require.NoError(t, h.Handle(t.Context(), slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)))
		assert.Equal(t, "2000/01/01 01:00:00 INFO m\n", out.String())
	})
}

func TestNoPCIsAnUnknownFile(t *testing.T) {
	for _, flags := range []int{log.Lshortfile, log.Llongfile} {
		var out bytes.Buffer
		redirect(t, &out, "", flags)
		require.NoError(t, newDefault().Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelInfo, "m", 0)))
		assert.Equal(t, "???:0: INFO m\n", out.String())
	}
}

// SetDefault and the rest change the standard logger after New: what New saved holds.
func TestSettingsAreThoseAtNew(t *testing.T) {
	var out bytes.Buffer
	redirect(t, &out, "app: ", 0)
	h := newDefault()
	log.SetOutput(io.Discard)
	log.SetPrefix("other: ")
	log.SetFlags(log.LstdFlags)
	slog.New(h).Info("m")
	assert.Equal(t, "app: INFO m\n", out.String())
}

func TestEmptyDerivationIsTheReceiver(t *testing.T) {
	h := newDefault()
	assert.Same(t, h, h.WithGroup(""))
	assert.Same(t, h, h.WithAttrs(nil))
}

func TestDerivedHandlersShareNothing(t *testing.T) {
	var out bytes.Buffer
	redirect(t, &out, "", 0)
	base := slog.New(newDefault()).With("a", 1)
	left, right := base.With("l", 1), base.WithGroup("r")
	left.Info("m")
	right.Info("m", "k", 1)
	base.Info("m")
	assert.Equal(t, strings.Join([]string{"INFO m a=1 l=1", "INFO m a=1 r.k=1", "INFO m a=1", ""}, "\n"), out.String())
}

func BenchmarkHandle(b *testing.B) {
	redirect(b, writes{}, "", log.LstdFlags|log.Lshortfile)
	pc, _, _, _ := runtime.Caller(0)
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request served", pc)
	r.AddAttrs(slog.String("path", "/a/b"), slog.Int("status", 200), slog.Duration("took", time.Millisecond))
	for name, h := range map[string]slog.Handler{"default": slog.Default().Handler(), "stand-in": newDefault()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = h.Handle(b.Context(), r)
			}
		})
	}
}

// writes takes everything, as io.Discard, which package log knows and skips, would.
type writes struct{}

func (writes) Write(p []byte) (int, error) { return len(p), nil }
