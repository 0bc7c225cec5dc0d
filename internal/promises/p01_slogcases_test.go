package promises_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"time"
)

// slogCases are the ideas of the tests of slog itself, of its handlers and its logger, as
// input: what its handlers should make of it is what they do make of it.
var slogCases = []struct {
	name    string
	replace func(groups []string, a slog.Attr) slog.Attr
	source  bool
	log     func(l *slog.Logger)
}{
	// TestJSONAndTextHandlers
	{name: "basic", log: logAttrs(some...)},
	{name: "empty key", log: logAttrs(slog.String("a", "one"), slog.Any("", nil), slog.Any("", "v"))},
	{name: "cap keys", replace: upper, log: logAttrs(some...)},
	{name: "remove all", replace: nothing, log: logAttrs(some...)},
	{name: "preformatted", log: derived(preformatted, some...)},
	{name: "preformatted cap keys", replace: upper, log: derived(preformatted, some...)},
	{name: "preformatted remove all", replace: nothing, log: derived(preformatted, some...)},
	{name: "remove built-in", replace: withoutBuiltIns, log: logAttrs(some...)},
	{name: "preformatted remove built-in", replace: withoutBuiltIns, log: derived(preformatted, some...)},
	{name: "groups", replace: brief, log: logAttrs(nested...)},
	{name: "empty group", replace: brief, log: logAttrs(slog.Group("g"), slog.Group("h", "a", 1))},
	{name: "nested empty group", replace: brief, log: logAttrs(slog.Group("g", slog.Group("h", slog.Group("i"), slog.Group("j"))))},
	{name: "nested non-empty group", replace: brief, log: logAttrs(slog.Group("g", slog.Group("h", slog.Group("i"), slog.Group("j", "a", 1))))},
	{name: "escapes", replace: brief, log: logAttrs(slog.String("k y", "v\t\n\x00w"), slog.Group(" p.q=\"\\x2E\t", "d=e", "f.g\"", "m.d", 1))},
	{name: "LogValuer", replace: brief, log: logAttrs(slog.Int("a", 1), slog.Any("name", fullName{"Ada", "Byron"}), slog.Int("b", 2))},
	{name: "resolve", log: logAttrs(slog.Any("", valuer(slog.Value{})), slog.Any("name", fullName{"Ada", "Byron"}))},
	{name: "with-group", replace: brief, log: derived(func(l *slog.Logger) *slog.Logger { return preformatted(l).WithGroup("s") }, some...)},
	{name: "preformatted with-groups", replace: brief, log: derived(func(l *slog.Logger) *slog.Logger {
		return l.With("p", 1).WithGroup("s").With("q", 2).WithGroup("t").With("r", 3)
	}, some...)},
	{name: "two with-groups", replace: brief, log: derived(func(l *slog.Logger) *slog.Logger { return l.With("p", 1).WithGroup("s").WithGroup("t") }, some...)},
	{name: "empty with-groups", replace: brief, log: derived(func(l *slog.Logger) *slog.Logger { return l.WithGroup("x").WithGroup("y") })},
	{name: "empty with-groups, only empty attributes", replace: brief, log: derived(func(l *slog.Logger) *slog.Logger {
		return l.WithGroup("x").With(slog.Group("g")).WithGroup("y")
	})},
	{name: "one empty with-group", replace: brief, log: derived(func(l *slog.Logger) *slog.Logger {
		return l.WithGroup("x").With("a", 1).WithGroup("y")
	}, slog.Group("g", slog.Group("h")))},
	{name: "Value as a value", replace: brief, log: logAttrs(slog.Any("v", slog.IntValue(3)))},
	{name: "byte slice", replace: brief, log: logAttrs(slog.Any("b", []byte{1, 2, 3, 4}))},
	{name: "json.RawMessage", replace: brief, log: logAttrs(slog.Any("r", json.RawMessage("1234")))},
	{name: "inline group", replace: brief, log: logAttrs(slog.Int("a", 1), slog.Group("", "b", 2, "c", 3), slog.Int("d", 4))},
	{name: "Source", source: true, log: logAttrs(), replace: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key != slog.SourceKey {
			return brief(groups, a)
		}
		s := a.Value.Any().(*slog.Source)
		s.File = filepath.Base(s.File)
		return slog.Any(a.Key, s)
	}},
	{name: "replace built-in with group", log: logAttrs(), replace: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Group(slog.TimeKey, "mins", 3, "secs", 2)
		}
		return without(slog.LevelKey)(groups, a)
	}},
	{name: "replace empty", replace: nothing, log: logAttrs(slog.Group("g", "a", 1))},
	{name: "replace empty 1", replace: nothing, log: derived(inG, slog.Group("h", "b", 2))},
	{name: "replace empty 2", replace: nothing, log: derived(inGH, slog.Group("i", "c", 3))},
	{name: "replace empty 3", replace: nothing, log: derived(func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") }, slog.Int("a", 1))},
	{name: "replace empty inline", replace: nothing, log: derived(inGH, slog.Group("", "c", 3))},
	{name: "replace partial empty 1", replace: withoutBuiltInsAnd("a"), log: derived(inGH, slog.Group("i", "c", 3))},
	{name: "replace partial empty 2", replace: withoutBuiltInsAnd("a", "b"), log: derived(func(l *slog.Logger) *slog.Logger {
		return inG(l).With("n", 4).WithGroup("h").With("b", 2)
	}, slog.Group("i", "c", 3))},
	{name: "replace partial empty 3", replace: withoutBuiltInsAnd("a", "c"), log: derived(func(l *slog.Logger) *slog.Logger {
		return l.WithGroup("g").With("x", 0).With("a", 1).With("n", 4).WithGroup("h").With("b", 2)
	}, slog.Group("i", "c", 3))},
	{name: "replace resolved group", log: logAttrs(slog.Any("name", fullName{"Ada", "Byron"})), replace: func(groups []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindGroup {
			return slog.Int("bad", 1)
		}
		return withoutBuiltIns(groups, a)
	}},
	{name: "group or key needs quoting", replace: brief, log: logAttrs(
		slog.Group("pre", " a b ", "v", "plain", "v"), slog.Group("pre fix", " a b ", "v", "plain", "v"))},

	// TestJSONAndTextHandlersWithUnavailableSource
	{name: "unavailable source", replace: without(slog.LevelKey), source: true, log: func(l *slog.Logger) {
		_ = l.Handler().Handle(noContext, slog.NewRecord(time.Time{}, slog.LevelInfo, "message", 0))
	}},
	// TestSecondWith
	{name: "second With", replace: without(slog.TimeKey), log: func(l *slog.Logger) {
		l = l.With("app", "playground", "role", "tester", "version", 2)
		a, _ := l.With("type", "log"), l.With("type", "metric")
		a.Info("first")
		l.Info("second")
	}},
	// TestWriteTimeRFC3339; the record's own time too, though the rest of these tests gives
	// it the same one
	{name: "times", log: func(l *slog.Logger) {
		zone := time.FixedZone("zone", -(3*60+30)*60)
		for _, at := range []time.Time{
			when, when.In(zone), when.Truncate(time.Second), time.Date(2000, 11, 12, 3, 4, 500, 5e7, zone), time.Unix(0, 0),
			{},
			time.Date(-1, 1, 1, 0, 0, 0, 400, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*60*60)),
		} {
			l.Info("message", "at", at, "in", []time.Time{at}, "p", &at)
			_ = l.Handler().(clocked).Handler.Handle(noContext, slog.NewRecord(at, slog.LevelInfo, "message", 0))
		}
	}},

	// TestJSONHandler, TestAppendJSONValue, TestJSONAppendAttrValueSpecial
	{name: "map", replace: upper, log: logAttrs(slog.Int("a", 1), slog.Any("m", map[string]int{"b": 2}))},
	{name: "JSON values", log: logEachValue("hello\r\n\t\a", `"[{escape}]"`, "<escapeHTML&>", "\u03B8\u2028\u2029\uFFFF\xF6", "-123",
		int64(math.MinInt64), uint64(math.MaxUint64), -12.75, 1.23e-9, 1e21, float32(0.1), false, time.Minute, when, slog.LevelWarn,
		[]any{"<escapeHTML&>\u2028"}, map[string]any{"<&>": &[]string{"<&>"}}, struct{ HTML string }{"<&>"},
		asJSON{"<xyz>"}, asJSON{""}, errorAsJSON{asJSON{"pqr"}}, errorAsJSON{asJSON{""}})},
	{name: "special values", log: logEachValue(math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), io.EOF, []float64{math.NaN()})},

	// TestTextHandler, TestNeedsQuoting
	{name: "text values", replace: upper, log: logEachValue(1, `qu"o`, name{"Ada", "Byron"}, &struct{ A, b int }{1, 2}, asText{"abc"}, asText{""}, nil)},
	{name: "quoting", log: func(l *slog.Logger) {
		for _, s := range []string{"", "ab", "a=b", `"ab"`, "\a\b", "a\tb", "µåπ", "a b", "bad\xF6"} {
			l.Info(s, s, s, "group", slog.GroupValue(slog.String(s, s)))
		}
	}},
	{name: "preformatted values", log: derived(func(l *slog.Logger) *slog.Logger {
		return l.With("took", time.Minute, "ok", true, "at", when, "f", math.NaN(), "e", io.EOF, "m", map[string]int{"b": 2}, "n", name{"Ada", "Byron"})
	}, slog.Int("a", 1))},

	// TestLogTextHandler, TestCallDepth, TestLoggerError, TestPanics, TestNewLogLogger
	{name: "methods of the logger", source: true, log: func(l *slog.Logger) {
		ctx := context.Background()
		l.Debug("not enabled", "a", 1)
		l.DebugContext(ctx, "not enabled", "a", 1)
		l.Info("message", "a", 1)
		l.InfoContext(ctx, "message", "a", 1)
		l.Warn("message", slog.Duration("d", 3*time.Second))
		l.WarnContext(ctx, "message", slog.Duration("d", 3*time.Second))
		l.Error("message", "err", io.EOF, "a", 1)
		l.ErrorContext(ctx, "message", "err", io.EOF, "a", 1)
		l.Log(ctx, slog.LevelWarn+1, "message", slog.Int("a", 1), slog.String("b", "two"))
		l.LogAttrs(ctx, slog.LevelInfo+1, "a b c", slog.Int("a", 1), slog.String("b", "two"))
		slog.NewLogLogger(l.Handler(), slog.LevelWarn).Print("message")
	}},
	{name: "key without value", log: func(l *slog.Logger) {
		l.Error("message", []any{"err", io.EOF, "a"}...)
	}},
	{name: "marshalers that panic", log: logEachValue((*loud)(nil), loud{io.ErrUnexpectedEOF}, loud{"broken"}, loud{42}, &loud{nil})},

	// TestAliasingAndClone
	{name: "records that share attributes", log: func(l *slog.Logger) {
		r := slog.NewRecord(when, slog.LevelInfo, "message", 0)
		for i := range 8 {
			r.Add("k", i)
		}
		first, second := r.Clone(), r.Clone()
		first.Add("first", true)
		second.Add("second", true)
		for _, r := range []slog.Record{first, second, r} {
			_ = l.Handler().Handle(noContext, r)
			r.Add("too late", true)
		}
	}},
}

// some attributes, of which the last is nothing.
var some = []slog.Attr{slog.String("a", "one"), slog.Int("b", 2), slog.Any("", nil)}

var nested = []slog.Attr{slog.Int("a", 1), slog.Group("g", "b", 2, slog.Group("h", "c", 3), "d", 4), slog.Int("e", 5)}

// What the cases replace.
var (
	withoutBuiltIns = without(slog.TimeKey, slog.LevelKey, slog.MessageKey)
	brief           = without(slog.TimeKey, slog.LevelKey)
	identity        = func(_ []string, a slog.Attr) slog.Attr { return a }
	nothing         = func([]string, slog.Attr) slog.Attr { return slog.Attr{} }
	upper           = func(_ []string, a slog.Attr) slog.Attr {
		a.Key = strings.ToUpper(a.Key)
		return a
	}
)

func withoutBuiltInsAnd(keys ...string) func([]string, slog.Attr) slog.Attr {
	return without(append(keys, slog.TimeKey, slog.LevelKey, slog.MessageKey)...)
}

// What the cases log with.
func preformatted(l *slog.Logger) *slog.Logger { return l.With("pre", 3, "x", "y") }
func inG(l *slog.Logger) *slog.Logger          { return l.WithGroup("g").With("a", 1) }
func inGH(l *slog.Logger) *slog.Logger         { return inG(l).WithGroup("h").With("b", 2) }

// logAttrs returns what logs a message with the attributes.
func logAttrs(attrs ...slog.Attr) func(*slog.Logger) {
	return func(l *slog.Logger) { l.LogAttrs(noContext, slog.LevelInfo, "message", attrs...) }
}

// derived returns what logs a message with the attributes through a logger derived by with.
func derived(with func(*slog.Logger) *slog.Logger, attrs ...slog.Attr) func(*slog.Logger) {
	return func(l *slog.Logger) { logAttrs(attrs...)(with(l)) }
}

// logEachValue returns what logs a message for each of the values.
func logEachValue(values ...any) func(*slog.Logger) {
	return func(l *slog.Logger) {
		for _, v := range values {
			l.Info("message", "x = y", v, slog.Group("g", "in", v))
		}
	}
}

// fullName is a LogValuer.
type fullName struct{ first, last string }

func (n fullName) LogValue() slog.Value {
	return slog.GroupValue(slog.String("first", n.first), slog.String("last", n.last))
}

// name has a method String.
type name struct{ First, Last string }

func (n name) String() string { return n.Last + ", " + n.First }

// asJSON shows itself as JSON, unless it is empty.
type asJSON struct{ s string }

func (asJSON) String() string { return "not asked by JSON" }

func (j asJSON) MarshalJSON() ([]byte, error) {
	if j.s == "" {
		return nil, errors.New("nothing to show as JSON")
	}
	return fmt.Appendf(nil, "[%q]", j.s), nil
}

type errorAsJSON struct{ asJSON }

func (errorAsJSON) Error() string { return "an error" }

// asText shows itself as text, unless it is empty.
type asText struct{ s string }

func (asText) String() string { return "not asked" }

func (x asText) MarshalText() ([]byte, error) {
	if x.s == "" {
		return nil, errors.New("nothing to show as text")
	}
	return fmt.Appendf(nil, "text{%q}", x.s), nil
}
