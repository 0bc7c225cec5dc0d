package plainjson

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"
)

// A check compares what this package and slog write, once per process.
type check func() bool

// checks are of JSON and of text: of lines without options, with sources, and with a
// ReplaceAttr too.
var checks = [2][3]check{newChecks(false), newChecks(true)}

func newChecks(text bool) (c [3]check) {
	for i, ho := range []*slog.HandlerOptions{nil, {AddSource: true}, {AddSource: true, ReplaceAttr: probe}} {
		c[i] = sync.OnceValue(func() bool { return same(text, ho) })
	}
	return c
}

// sameAsSlog reports whether slog writes with these options as this package does.
func sameAsSlog(ho *slog.HandlerOptions, text bool) bool {
	c := &checks[0]
	if text {
		c = &checks[1]
	}
	switch {
	case !c[0]():
		return false
	case ho == nil:
		return true
	case ho.ReplaceAttr != nil:
		return c[2]()
	}
	return !ho.AddSource || c[1]()
}

func same(text bool, ho *slog.HandlerOptions) bool {
	var ours, slogs bytes.Buffer
	logSome(newHandler(&ours, ho, text))
	logSome(slogsOwn(&slogs, ho, text))
	return bytes.Equal(ours.Bytes(), slogs.Bytes())
}

func slogsOwn(w io.Writer, ho *slog.HandlerOptions, text bool) slog.Handler {
	if text {
		return slog.NewTextHandler(w, ho)
	}
	return slog.NewJSONHandler(w, ho)
}

// probe is a ReplaceAttr that shows with what it was called.
func probe(groups []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case "gone":
		return slog.Attr{}
	case slog.TimeKey:
		a.Key = "at"
	}
	a.Key += strings.Join(groups, "/")
	return a
}

// logSome logs all records through h, and the last ones through handlers derived from it.
func logSome(h slog.Handler) {
	pc, _, _, _ := runtime.Caller(0)
	records := someRecords(time.UTC, pc)
	last := records[len(records)-3:]
	handle := func(h slog.Handler, records []slog.Record) {
		for _, r := range records {
			_ = h.Handle(context.Background(), r)
		}
	}
	handle(h, records)
	handle(h, someRecords(time.FixedZone("", -5400), pc)[1:2])
	handle(h.WithAttrs([]slog.Attr{slog.Int("a", 1), slog.String("b", "two words")}), last)
	handle(h.WithGroup("g").WithAttrs([]slog.Attr{slog.Any("n", nil)}).WithGroup("h").WithGroup("i j"), last)
	handle(h.WithGroup("g").WithAttrs([]slog.Attr{slog.Group("e")}).WithGroup("h").WithAttrs([]slog.Attr{slog.Group("m", slog.Bool("b", true))}), last)
}

func someRecords(zone *time.Location, pc uintptr) []slog.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 60_700_089, zone)
	attrs := [][]slog.Attr{
		{slog.String("s", "<&>"), slog.String("", ""), slog.Int("i", math.MinInt), slog.Uint64("u", math.MaxUint64)},
		{slog.Float64("f", -1.5), slog.Float64("g", 1e20), slog.Float64("h", 1e-9), slog.Bool("b", true), slog.Duration("d", time.Minute+1), slog.Time("t", at)},
		{slog.Any("e", errors.New("a \"quote\"")), slog.Any("n", nil), slog.Any("l", slog.LevelWarn), slog.Any("ip", netip.AddrFrom4([4]byte{1, 2, 3, 4}))},
		{slog.Any("b", []byte("ab\xff")), slog.Any("s", []string{"a", "é"}), slog.Any("m", map[string]int{"a": 1}), slog.Any("p", &slog.Source{File: "f", Line: 3})},
		{slog.String("two words", "=\\"), slog.Group("g h", slog.Int("i", 1), slog.Group("", slog.Int("j", 2))), slog.Group("k", slog.Int("gone", 1), slog.Int("l", 1))},
		{slog.Any("h", map[string][]string{"B": {"b", ""}, "A": nil, "\u00e9": {}})},
		{slog.Int("gone", 1)},
		nil,
	}
	records := []slog.Record{slog.NewRecord(time.Time{}, slog.LevelInfo, allBytes(), 0)}
	for i, attrs := range attrs {
		r := slog.NewRecord(at.Add(time.Duration(i)*time.Millisecond), slog.LevelWarn+slog.Level(i), "message, é\u2028\u00a0\u200b", pc)
		r.AddAttrs(attrs...)
		records = append(records, r)
	}
	return records
}

// allBytes returns a text of all bytes.
func allBytes() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

// forgetsEmptyGroups reports whether slog goes on behind a group of which nothing is shown as
// if it had not been there. In Go 1.26 a comma is missing then.
var forgetsEmptyGroups = sync.OnceValue(func() bool {
	var line bytes.Buffer
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "", 0)
	r.AddAttrs(slog.Int("a", 1), slog.Group("g", slog.Any("", nil)), slog.Int("b", 1))
	_ = slog.NewJSONHandler(&line, nil).Handle(context.Background(), r)
	return bytes.Contains(line.Bytes(), []byte(`"a":1,"b"`))
})
