package plainjson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/plainjson"
)

var at = time.Date(2026, 5, 6, 7, 8, 9, 123_456_700, time.FixedZone("here", 2*3600))

// pcs are places in this file, and none.
var pcs = func() []uintptr {
	pcs := make([]uintptr, 3)
	return append(pcs[:runtime.Callers(0, pcs)], 0)
}()

func record(t time.Time, level slog.Level, msg string, attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(t, level, msg, pcs[len(attrs)%len(pcs)])
	r.AddAttrs(attrs...)
	return r
}

// replaceFunc is the type of a ReplaceAttr.
type replaceFunc = func([]string, slog.Attr) slog.Attr

// settings are the options that change lines. Each has two functions that do the same, as a
// function may count.
var settings = []func() *slog.HandlerOptions{
	func() *slog.HandlerOptions { return nil },
	func() *slog.HandlerOptions { return &slog.HandlerOptions{AddSource: true} },
	func() *slog.HandlerOptions { return &slog.HandlerOptions{ReplaceAttr: telling, AddSource: true} },
	func() *slog.HandlerOptions { return &slog.HandlerOptions{ReplaceAttr: removing(), AddSource: true} },
	func() *slog.HandlerOptions { return &slog.HandlerOptions{ReplaceAttr: turning()} },
}

// telling shows with what it is called.
func telling(groups []string, a slog.Attr) slog.Attr {
	a.Key += fmt.Sprintf("%q%v%v", groups, groups == nil, a.Value.Kind())
	return a
}

// removing removes every third attribute.
func removing() replaceFunc {
	n := 0
	return func(_ []string, a slog.Attr) slog.Attr {
		if n++; n%3 == 0 {
			return slog.Attr{}
		}
		return a
	}
}

// turning turns attributes into others, by turns.
func turning() replaceFunc {
	others := []slog.Value{
		slog.StringValue("other"), slog.GroupValue(slog.Int("i", 1), slog.Int("j", 2)), slog.GroupValue(), slog.AnyValue(nil),
		slog.AnyValue(groupOf(slog.Int("k", 3))), slog.TimeValue(at), slog.AnyValue(&slog.Source{}), slog.AnyValue(&slog.Source{File: "f", Line: 2}),
		slog.GroupValue(slog.Group("l", slog.Any("", nil))), slog.DurationValue(time.Minute),
	}
	n := 0
	return func(_ []string, a slog.Attr) slog.Attr {
		switch n++; n % 4 {
		case 0:
			a.Value = others[n/4%len(others)]
		case 1:
			a.Key = ""
		}
		return a
	}
}

// requireSame requires that both handlers write the same of the records, as JSON and as text,
// with all settings.
func requireSame(t *testing.T, derive func(slog.Handler) slog.Handler, records ...slog.Record) {
	t.Helper()
	for _, options := range settings {
		var ours, slogs bytes.Buffer
		for out, h := range map[*bytes.Buffer][]slog.Handler{
			&ours:  {derive(plainjson.New(&ours, options())), derive(plainjson.NewText(&ours, options()))},
			&slogs: {derive(slog.NewJSONHandler(&slogs, options())), derive(slog.NewTextHandler(&slogs, options()))},
		} {
			for _, h := range h {
				for _, r := range records {
					require.NoError(t, h.Handle(t.Context(), r), out)
				}
			}
		}
		require.Equal(t, slogs.String(), ours.String())
	}
}

func asIs(h slog.Handler) slog.Handler { return h }

// groupOf is a LogValuer.
func groupOf(attrs ...slog.Attr) slog.LogValuer { return valuer(attrs) }

type valuer []slog.Attr

func (v valuer) LogValue() slog.Value { return slog.GroupValue(v...) }

type panics struct{}

func (panics) Error() string { panic("no text") }

func TestLinesAreThoseOfSlog(t *testing.T) {
	records := []slog.Record{
		record(at, slog.LevelInfo, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Second)),
		record(at, slog.LevelDebug-1, ""),
		record(time.Time{}, slog.LevelWarn, "no time"),
		record(time.Time{}, slog.LevelError+3, "", slog.String("", ""), slog.Int("", 0)),
		record(at, 0, "kinds", slog.Int64("i", math.MinInt64), slog.Uint64("u", math.MaxUint64), slog.Bool("t", true), slog.Bool("f", false),
			slog.Time("at", at), slog.Time("utc", at.UTC()), slog.Time("zero", time.Time{}), slog.Time("far", time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC))),
		record(at, 0, "floats", slog.Float64("0", 0), slog.Float64("-0", math.Copysign(0, -1)), slog.Float64("1", 1), slog.Float64("third", 1./3),
			slog.Float64("least", 1e-6), slog.Float64("most", math.Nextafter(1e21, 0))),
		record(at, 0, "small", slog.Float64("f", math.Nextafter(1e-6, 0))),
		record(at, 0, "large", slog.Float64("f", -1e21)),
		record(at, 0, "infinite", slog.Float64("f", math.Inf(1)), slog.Int("i", 1)),
		record(at, 0, "no number", slog.Float64("f", math.NaN()), slog.Int("i", 1)),
		record(at, 0, "a \"quote\""), record(at, 0, "a \\ and a\ttab"), record(at, 0, "\x00 \x1f \x7f"),
		record(at, 0, "é, 世界, 😀"), record(at, 0, "é\n"), record(at, 0, "é\""), record(at, 0, "é\\"),
		record(at, 0, "\u2028 and \u2029"), record(at, 0, "bad \xff"), record(at, 0, "\ufffd"), record(at, 0, "<b>&</b>"),
		record(at, 0, "key", slog.Int("a \"key\"", 1)), record(at, 0, "key", slog.Int("é", 1), slog.Int("é\xff", 2)),
		record(at, 0, "value", slog.Int("i", 1), slog.String("s", "two\nlines"), slog.Int("j", 2)),
		record(at, 0, "groups", slog.Group("g", slog.Int("i", 1), slog.Group("h", slog.Int("i", 1), slog.Int("j", 2))), slog.Int("k", 1)),
		record(at, 0, "hidden groups", slog.Group("g"), slog.Group("g", slog.Group("h")), slog.Group("", slog.Int("i", 1))),
		record(at, 0, "group of nothing", slog.Group("g", slog.Any("a", groupOf()), slog.Attr{})), record(at, 0, "zero", slog.Attr{}),
		record(at, 0, "errors", slog.Any("a", io.EOF), slog.Any("b", errors.New("a \"quote\"")), slog.Any("c", (*os.PathError)(nil)), slog.Any("d", panics{})),
		record(at, 0, "a nil error", slog.Any("err", (*os.PathError)(nil))), record(at, 0, "wrapped", slog.Any("err", fmt.Errorf("read: %w", io.EOF))),
		record(at, 0, "any", slog.Any("err", errors.New("failed")), slog.Any("nil", nil), slog.Any("map", map[string]int{"a": 1})),
		record(at, 0, "raw", slog.Any("json", json.RawMessage(`{"a": 1}`)), slog.Any("source", &slog.Source{File: "f", Line: 1})),
		record(at, 0, "kept", slog.Any("level", slog.LevelWarn+1), slog.Any("ip", netip.MustParseAddr("fe80::1%a\"b")), slog.Any("4", netip.MustParseAddr("1.2.3.4")),
			slog.Any("none", netip.Addr{}), slog.Any("prefix", netip.MustParsePrefix("10.0.0.0/8"))),
		record(at, 0, "lists", slog.Any("bytes", []byte("a \"\xff")), slog.Any("nil", []byte(nil)), slog.Any("strings", []string{"a", "é"}),
			slog.Any("escapes", []string{"\b\n"}), slog.Any("none", []string(nil)), slog.Any("empty", []string{}), slog.Any("named", net.IP{1, 2, 3, 4})),
		record(at, 0, "headers", slog.Any("a", http.Header{"B": {"1", "2"}, "A": nil, "é": {}}), slog.Any("b", http.Header{"A": {"b"}, "B": {"\b"}}),
			slog.Any("c", url.Values{"a\n": nil}), slog.Any("none", map[string][]string(nil)), slog.Any("empty", map[string][]string{})),
		record(at, 0, "URLs", slog.Any("a", &url.URL{Scheme: "s", Opaque: "o", User: url.User("u"), Host: "h", Path: "p", RawPath: "r", OmitHost: true}),
			slog.Any("b", &url.URL{ForceQuery: true, RawQuery: "q", Fragment: "f", RawFragment: "g"}), slog.Any("c", &url.URL{Path: "<\b>"}), slog.Any("d", (*url.URL)(nil))),
		record(at, 0, "rendered", slog.Any("a", json.RawMessage(`{"a":[1,2.5e-3,"x\n"]}`)), slog.Any("b", json.RawMessage(`{"a"`)), slog.Any("c", json.RawMessage(nil))),
		record(at, 0, "sources", slog.Any("a", &slog.Source{Function: "f", File: "a b", Line: 1}), slog.Any("b", (*slog.Source)(nil)), slog.Any("", &slog.Source{Line: 1}), slog.Int("i", 1)),
		record(at, 0, "texts", slog.String("space", "a b"), slog.String("two words", "a=b"), slog.String("e\"", "a\\b"), slog.String("tab", "a\tb\vc"), slog.String("nbsp", "\u00a0\u200b\x7f")),
		record(at, 0, "nested", slog.Group("a b", slog.String("two words", "x"), slog.Group("", slog.Int("i", 1)), slog.Group("é", slog.Any("v", groupOf(slog.Int("w", 1)))))),
		record(at, 0, "nothing in between", slog.Int("i", 1), slog.Group("g", slog.Attr{}), slog.Int("j", 2), slog.Any("k", groupOf()), slog.Int("l", 2)),
		record(at, 0, "eight", slog.Int("1", 1), slog.Int("2", 2), slog.Int("3", 3), slog.Int("4", 4),
			slog.Int("5", 5), slog.Int("6", 6), slog.Int("7", 7), slog.Int("8", 8)),
	}
	derivations := map[string]func(slog.Handler) slog.Handler{
		"as it is":            asIs,
		"attributes":          func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.String("plain", "0}}\n")}) },
		"like the record's":   func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.Group("g", slog.Int("i", 1))}) },
		"a group":             func(h slog.Handler) slog.Handler { return h.WithGroup("g") },
		"nothing":             func(h slog.Handler) slog.Handler { return h.WithGroup("").WithAttrs(nil) },
		"an empty group":      func(h slog.Handler) slog.Handler { return h.WithAttrs([]slog.Attr{slog.Group("g")}) },
		"a group, attributes": func(h slog.Handler) slog.Handler { return h.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}) },
		"all of it": func(h slog.Handler) slog.Handler {
			return h.WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("}").WithAttrs([]slog.Attr{slog.Any("b", nil)}).WithGroup(`"`).WithGroup("h")
		},
	}
	for name, derive := range derivations {
		t.Run(name, func(t *testing.T) {
			for _, r := range records {
				requireSame(t, derive, r, r, r)
			}
			requireSame(t, derive, records...)
			slices.Reverse(records)
			requireSame(t, derive, records...)
		})
	}
}

func TestTimesAreThoseOfSlog(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	second := time.Date(2026, 11, 1, 5, 59, 59, 0, time.UTC) // the last one of summer time in New York
	var records []slog.Record
	for _, d := range []time.Duration{0, 1, 100, 999_999_999, time.Second, time.Second + 500*time.Millisecond, -time.Second, time.Hour, 100 * 365 * 24 * time.Hour} {
		for _, zone := range []*time.Location{time.UTC, newYork, time.FixedZone("", 0), time.FixedZone("half", -9*1800), time.FixedZone("odd", 3601), time.Local} {
			records = append(records, record(second.Add(d).In(zone), 0, "m"))
		}
	}
	for _, year := range []int{-1, 0, 1, 999, 9999, 10000} {
		records = append(records, record(time.Date(year, 12, 31, 23, 59, 59, 1, time.UTC), 0, "m"), record(at, 0, "m"))
	}
	records = append(records, record(time.Unix(0, 0).UTC(), 0, "m"), record(time.Now(), 0, "m"))
	requireSame(t, asIs, records...)
	for _, r := range records {
		requireSame(t, asIs, r)
	}
}

func TestOptionsOfSlog(t *testing.T) {
	options := map[string]*slog.HandlerOptions{
		"level":  {Level: slog.LevelError},
		"source": {AddSource: true},
		"replace": {ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			a.Key += "!"
			return a
		}},
	}
	for name, ho := range options {
		t.Run(name, func(t *testing.T) {
			var ours, slogs bytes.Buffer
			for out, h := range map[*bytes.Buffer]slog.Handler{&ours: plainjson.New(&ours, ho), &slogs: slog.NewJSONHandler(&slogs, ho)} {
				for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
					if r := record(at, level, "m", slog.Int("a", 1)); h.Enabled(t.Context(), level) {
						require.NoError(t, h.Handle(t.Context(), r), out)
					}
				}
			}
			require.Equal(t, slogs.String(), ours.String())
		})
	}
}

func FuzzLinesAreThoseOfSlog(f *testing.F) {
	f.Add("message", "key", "value", int64(1), 1.5, int64(1_700_000_000), uint32(123), int16(60), int8(4), byte(0))
	f.Add("é\n", "k\"", "\u2028", int64(-1), 1e21, int64(-70_000_000_000), uint32(0), int16(-90), int8(-4), byte(7))
	f.Fuzz(func(t *testing.T, msg, key, s string, i int64, float float64, sec int64, ns uint32, minutes int16, level int8, derivation byte) {
		derive := func(h slog.Handler) slog.Handler {
			if derivation&1 != 0 {
				h = h.WithGroup(key)
			}
			if derivation&2 != 0 {
				h = h.WithAttrs([]slog.Attr{slog.String(msg, s)})
			}
			if derivation&4 != 0 {
				h = h.WithGroup(s)
			}
			return h
		}
		sec %= 1 << 40 // else the date is beyond what package time computes
		now := time.Unix(sec, int64(ns%1e9)).In(time.FixedZone("", int(minutes)%1440*60))
		attrs := []slog.Attr{slog.Any(key, errors.New(s)), slog.Group(s, slog.String(key, msg), slog.Int64(s, i)), slog.Int64(key, i), slog.Uint64(key, uint64(i)), slog.Float64(key, float), slog.Time(key, now), slog.Bool(key, i > 0)}
		requireSame(t, derive,
			record(now, slog.Level(level), msg, slog.String(key, s), attrs[uint64(i)%7]),
			record(now.Add(time.Duration(i%3e9)), 0, msg),
			record(now.Add(1), 0, s, attrs...),
			record(now.Add(1), 0, msg, attrs[uint64(i+1)%7]),
			record(now.Add(2), 0, s))
	})
}

// A handler that is derived for one record pays for what it learns from it.
func BenchmarkDerived(b *testing.B) {
	r := record(time.Now(), 0, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Millisecond))
	for name, h := range map[string]slog.Handler{"plain": plainjson.New(io.Discard, nil), "slog": slog.NewJSONHandler(io.Discard, nil)} {
		for _, records := range []int{1, 2, 5} {
			b.Run(fmt.Sprint(name, "/", records), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					d := h.WithAttrs([]slog.Attr{slog.String("request", "0123456789")})
					for range records {
						_ = d.Handle(context.Background(), r)
					}
				}
			})
		}
	}
}

func BenchmarkHandle(b *testing.B) {
	for name, h := range map[string]slog.Handler{"plain": plainjson.New(io.Discard, nil), "slog": slog.NewJSONHandler(io.Discard, nil)} {
		for attrs, r := range map[string]slog.Record{
			"3 attributes": record(time.Now(), 0, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.Duration("took", time.Millisecond)),
			"not plain":    record(time.Now(), 0, "request served", slog.String("method", "GET"), slog.Int("status", 200), slog.Any("any", nil)),
		} {
			b.Run(name+"/"+attrs, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_ = h.Handle(context.Background(), r)
				}
			})
		}
	}
}
