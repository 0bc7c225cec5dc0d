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
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
)

// behindOthers logs two other records before each: of the first lines of a handler, with
// attributes and without, slog's encoder would be compared with itself.
type behindOthers struct{ slog.Handler }

func (h behindOthers) Handle(ctx context.Context, r slog.Record) error {
	bare := slog.NewRecord(when, slog.LevelError, "bare", 0)
	full := bare.Clone()
	full.AddAttrs(slog.Int("n", 1))
	return errors.Join(h.Handler.Handle(ctx, bare), h.Handler.Handle(ctx, full), h.Handler.Handle(ctx, r))
}

func (h behindOthers) WithAttrs(attrs []slog.Attr) slog.Handler {
	return behindOthers{h.Handler.WithAttrs(attrs)}
}

func (h behindOthers) WithGroup(name string) slog.Handler {
	return behindOthers{h.Handler.WithGroup(name)}
}

// What slog shows of a LogValue that panicked depends on the caller, and where a
// pointer within a struct points to is shown by text handlers.
var (
	stack   = regexp.MustCompile(`LogValue panicked\\n[^"]*`)
	address = regexp.MustCompile(`0x[0-9a-f]{6,}`)
)

type loud struct{ fail any }

func (l loud) String() string               { panic(l.fail) }
func (l loud) MarshalJSON() ([]byte, error) { panic(l.fail) }

// noContext is what some programs log with.
var noContext context.Context

// settings are what handlers are made with.
var settings = []struct {
	name      string
	addSource bool
	replace   func(groups []string, a slog.Attr) slog.Attr
}{
	{"plain", false, nil},
	{"source", true, nil},
	{"identity", false, func(_ []string, a slog.Attr) slog.Attr { return a }},
	{"upper case keys", true, func(_ []string, a slog.Attr) slog.Attr {
		a.Key = strings.ToUpper(a.Key)
		return a
	}},
	{"no time", false, without(slog.TimeKey)},
	{"no built-ins", false, without(slog.TimeKey, slog.LevelKey, slog.MessageKey)},
	{"without a and b", false, without("a", "b")},
	{"nothing", true, func([]string, slog.Attr) slog.Attr { return slog.Attr{} }},
	{"groups", false, into("g")},
	{"empty groups", false, func(_ []string, a slog.Attr) slog.Attr { return slog.Group(a.Key) }},
	{"inline groups", false, into("")},
	{"LogValuers", false, func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == "" || a.Key == "i" { // what is in the group is replaced too
			return a
		}
		return slog.Any(a.Key, valuer(slog.GroupValue(slog.Any("", valuer(slog.StringValue("v"))), slog.Int("i", 1))))
	}},
	{"base name of source", true, func(_ []string, a slog.Attr) slog.Attr {
		if s, ok := a.Value.Any().(*slog.Source); ok && s != nil {
			s.File = filepath.Base(s.File)
		}
		return a
	}},
}

// into puts each attribute into a group, but for those that it has put there.
func into(group string) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		if strings.HasPrefix(a.Key, "in ") {
			return a
		}
		return slog.Group(group, "in "+a.Key, a.Value)
	}
}

// scenes are what programs do with a logger.
var scenes = []struct {
	name string
	log  func(l *slog.Logger)
}{
	{"no attributes", func(l *slog.Logger) { l.Info("m") }},
	{"empty message", func(l *slog.Logger) { l.Info("") }},
	{"pairs", func(l *slog.Logger) { l.Info("m", "a", 1, "b", "two", "c", 3.5, "d", nil) }},
	{"bad keys", func(l *slog.Logger) { l.Warn("m", []any{"a", 1, 2, "c"}...) }},
	{"kinds", func(l *slog.Logger) {
		l.LogAttrs(noContext, slog.LevelInfo, "m",
			slog.Int64("i", math.MinInt64), slog.Uint64("u", math.MaxUint64), slog.Float64("f", math.Inf(-1)),
			slog.Float64("nan", math.NaN()), slog.Bool("t", true), slog.Duration("d", 90*time.Second),
			slog.Time("at", when), slog.Time("far", time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)))
	}},
	{"levels", func(l *slog.Logger) {
		for _, level := range []slog.Level{-100, slog.LevelDebug, -1, 0, 1, 4, 6, 8, 13, math.MaxInt} {
			l.Log(context.Background(), level, "m", "n", int(level))
		}
	}},
	{"empty attributes", func(l *slog.Logger) {
		l.Info("m", slog.Attr{}, slog.Any("", nil), slog.Any("", "v"), slog.Int("", 1))
	}},
	{"built-in keys", func(l *slog.Logger) { l.Info("m", "time", 1, "level", 2, "msg", 3, "source", 4) }},
	{"escapes", func(l *slog.Logger) {
		l.Info("a \"b\"\n=\t\x00<&>\u2028", "k e y", "x=y", "", "v", "q\"", "\\", "é世", "😀", "del\x7f", "\b\f")
	}},
	{"invalid UTF-8", func(l *slog.Logger) { l.Info("m\xff\xfe", "k\xc3", "v\xe2\x82", "b", []byte{0xff, 'a'}) }},
	{"groups", func(l *slog.Logger) {
		l.Info("m", "a", 1, slog.Group("g", "b", 2, slog.Group("h", "c", 3), "d", 4), "e", 5)
	}},
	{"empty groups", func(l *slog.Logger) {
		l.Info("m", slog.Group("g"), slog.Group("h", slog.Group("i"), slog.Group("j", slog.Group("k"))))
		l.WithGroup("x").WithGroup("y").Info("m")
		l.WithGroup("x").With(slog.Group("g")).WithGroup("y").Info("m", slog.Group("h"))
		l.WithGroup("x").With("a", 1).WithGroup("y").Info("m", slog.Group("g", slog.Group("h")))
	}},
	{"groups that LogValuers resolve to", func(l *slog.Logger) {
		none, one := valuer(slog.GroupValue()), valuer(slog.GroupValue(slog.Int("a", 1), slog.Group("in")))
		l.WithGroup("x").Info("m", "none", none)
		l.WithGroup("x").Info("m", slog.Group("g", "none", none), "one", one, "", one, "", none)
		l.WithGroup("x").With("none", none).WithGroup("y").With("one", one).Info("m")
	}},
	{"inline groups", func(l *slog.Logger) { l.Info("m", slog.Group("", "a", 1, slog.Group("", "b", 2)), "c", 3) }},
	{"attributes as a value", func(l *slog.Logger) {
		l.Info("m", "a", []slog.Attr{slog.Int("i", 1)}, "v", slog.GroupValue(slog.Int("i", 1)), "n", slog.IntValue(3))
	}},
	{"derived", func(l *slog.Logger) {
		a := l.With("a", 1).WithGroup("g").With("b", 2, slog.Group("h", "c", 3))
		b, c := a.With("x", 1), a.With("y", 2).WithGroup("z") // of the same, to see that they do not share a slice
		b.Info("m", "d", 4)
		c.Info("m", "d", 4)
		a.Info("m")
		l.WithGroup("").With().Info("m", "d", 4)
	}},
	{"nested 20 deep", func(l *slog.Logger) {
		for i := range 20 {
			l = l.WithGroup("g"+strconv.Itoa(i)).With("i", i)
		}
		l.Info("m", "a", 1)
	}},
	{"100 attributes", func(l *slog.Logger) {
		var args []any
		for i := range 100 {
			args = append(args, "k"+strconv.Itoa(i), i)
		}
		l.Info("m", args...)
		l.With(args...).Info("m", args...)
	}},
	{"zero time and pc", func(l *slog.Logger) {
		_ = l.Handler().Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0))
		_ = l.Handler().Handle(noContext, slog.Record{})
	}},
	{"values", func(l *slog.Logger) {
		name := "n"
		l.Info("m", "s", point{1, 2, &name}, "p", &point{Name: &name}, "m", map[string]any{"z": 1, "a": []int{1}},
			"e", errors.New("e\n"), "w", fmt.Errorf("w: %w", io.EOF), "j", errors.Join(io.EOF, io.ErrNoProgress))
		l.Info("m", "b", []byte("abc"), "r", json.RawMessage(`{"a": [1, 2]}`), "bad", json.RawMessage(`{`), "ch", make(chan int),
			"f", strconv.Itoa, "l", slog.LevelWarn, "src", &slog.Source{File: "f.go", Line: 3}, "t", []any{when, nil})
	}},
	{"nil pointers", func(l *slog.Logger) {
		l.Info("m", "p", (*point)(nil), "re", (*regexp.Regexp)(nil), "src", (*slog.Source)(nil), "m", map[string]int(nil),
			"b", []byte(nil), "at", (*time.Time)(nil), "e", (*json.SyntaxError)(nil))
	}},
	{"LogValuers", func(l *slog.Logger) {
		loop := valuerFunc(nil)
		loop = func() slog.Value { return slog.AnyValue(loop) }
		ada := valuer(slog.GroupValue(slog.String("first", "Ada"), slog.Any("last", valuer(slog.AnyValue(&point{})))))
		l.With("n", ada).WithGroup("g").Info("m", "n", ada, "", valuer(slog.Value{}), "loop", loop, "nil", valuer(slog.Value{}))
	}},
	{"panics", func(l *slog.Logger) {
		bad := valuerFunc(func() slog.Value { panic("LogValue\nis broken") })
		l.Info("m", "v", bad, "s", loud{"string"}, "e", loud{io.EOF}, slog.Group("g", "p", &loud{1}))
		l.With("v", bad, "s", loud{"string"}).Info("m")
	}},
}

func TestWritesWhatSlogWrites(t *testing.T) { // P1
	for _, f := range flavors {
		for _, s := range settings {
			for _, scene := range scenes {
				t.Run(f.name+"/"+s.name+"/"+scene.name, func(t *testing.T) {
					ho := &slog.HandlerOptions{AddSource: s.addSource, ReplaceAttr: s.replace}
					want, got := f.both(t, ho, func(h slog.Handler) { scene.log(slog.New(clocked{behindOthers{h}})) })
					assert.Equal(t, want, got)
				})
			}
		}
	}
}

// Those who get a record that next does not must not change what next writes.
func TestWritesWhatSlogWritesWithOthersLookingOn(t *testing.T) { // P1
	reference := observer{"CaptureReference", asynchandler.WithCapture(asynchandler.CaptureReference)}
	for _, f := range flavors {
		for _, o := range append(observers[1:], reference) {
			for _, s := range settings[:3] {
				for _, scene := range scenes {
					t.Run(f.name+"/"+o.name+"/"+s.name+"/"+scene.name, func(t *testing.T) {
						ho := &slog.HandlerOptions{AddSource: s.addSource, ReplaceAttr: s.replace}
						want, got := f.both(t, ho, func(h slog.Handler) { scene.log(slog.New(clocked{behindOthers{h}})) }, o.opt)
						assert.Equal(t, want, got)
					})
				}
			}
		}
	}
}

func TestLongMessage(t *testing.T) { // P1
	msg := strings.Repeat("0123456789abcde\n", 1<<16)
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			want, got := f.both(t, nil, func(h slog.Handler) { slog.New(clocked{h}).Info(msg) })
			assert.True(t, want == got, "%d bytes instead of %d", len(got), len(want))
		})
	}
}

func TestLevelIsAskedAtTheCall(t *testing.T) { // P1
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			var level slog.LevelVar
			scene := func(h slog.Handler) {
				l := slog.New(clocked{h})
				level.Set(slog.LevelInfo)
				l.Debug("no")
				l.Info("yes")
				level.Set(slog.LevelDebug)
				l.Debug("now")
				level.Set(slog.LevelError)
				l.With("a", 1).Warn("no")
			}
			want, got := f.both(t, &slog.HandlerOptions{Level: &level}, scene)
			assert.Equal(t, want, got)
			assert.Equal(t, 2, strings.Count(got, "\n"))
		})
	}
}

func TestDerivingByNothingReturnsTheReceiver(t *testing.T) { // P1
	for _, f := range flavors {
		t.Run(f.name, func(t *testing.T) {
			h := f.make(io.Discard, nil, small)
			defer h.Close()
			derived := h.WithGroup("g").(*asynchandler.Handler)
			for _, h := range []*asynchandler.Handler{h, derived} {
				assert.Same(t, h, h.WithGroup(""))
				assert.Same(t, h, h.WithAttrs(nil))
				assert.Same(t, h, h.WithAttrs([]slog.Attr{}))
			}
		})
	}
}
