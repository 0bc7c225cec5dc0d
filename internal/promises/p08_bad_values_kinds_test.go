package promises_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// scene is what a bad value is logged in, so that its methods can do harm.
type scene struct {
	l      *slog.Logger
	flush  func() error // nil for slog's own handlers
	record *slog.Record
	group  []slog.Attr // what is logged with the value
}

// Each of these shows itself by methods that do something first. Those that have one for
// JSON have one for text too: for a handler that is not known one is made of the other.
type (
	actingValuer struct{ do func() string }
	actingString struct{ do func() string }
	actingFormat struct{ do func() string }
	actingText   struct{ do func() string }
	actingError  struct{ do func() string }
)

func (v *actingValuer) LogValue() slog.Value         { return slog.StringValue(v.do()) }
func (v *actingString) String() string               { return v.do() }
func (v *actingString) MarshalJSON() ([]byte, error) { return json.Marshal(v.do()) }
func (v *actingFormat) Format(s fmt.State, _ rune)   { _, _ = io.WriteString(s, v.do()) }
func (v *actingFormat) MarshalJSON() ([]byte, error) { return json.Marshal(v.do()) }
func (v *actingText) MarshalText() ([]byte, error)   { return []byte(v.do()), nil }
func (v *actingError) Error() string                 { return v.do() }

// actings returns values that do so, themselves or inside.
func actings(do func() string) []any {
	return []any{
		&actingValuer{do}, &actingString{do}, &actingFormat{do}, &actingText{do}, &actingError{do},
		map[string]any{"inside": &actingString{do}},
		[]any{&actingFormat{do}},
		errors.Join(&actingError{do}, io.EOF),
	}
}

// nodes is a ring of pointers.
type nodes struct {
	Name string
	Next *nodes
}

// selfish is an error that wraps itself.
type selfish struct{ text string }

func (e *selfish) Error() string { return e.text }
func (e *selfish) Unwrap() error { return e }

// recursing is as many values deep, each of which asks the next.
type recursing int

func (n recursing) MarshalJSON() ([]byte, error) {
	if n == 0 {
		return []byte(`"bottom"`), nil
	}
	return json.Marshal([]any{n - 1})
}

func (n recursing) String() string {
	if n == 0 {
		return "bottom"
	}
	return fmt.Sprint([]any{n - 1})
}

// logsItself logs itself, a number of times.
type logsItself struct {
	l    *slog.Logger
	left int
}

func (v *logsItself) String() string {
	if v.left--; v.left >= 0 {
		v.l.Info("within", "v", v)
	}
	return "logged"
}

func (v *logsItself) MarshalJSON() ([]byte, error) { return json.Marshal(v.String()) }

func mapInItself() any {
	m := map[string]any{"k": "v"}
	m["self"] = m
	return m
}

func sliceInItself() any {
	s := make([]any, 2)
	s[1] = s
	return s
}

// ring returns a ring of pointers, whose values do not change.
var ring = func() *nodes {
	a := &nodes{Name: "a"}
	a.Next = &nodes{"b", &nodes{"c", a}}
	return a
}()

// badValues are to be shown as slog shows them.
var badValues = []struct {
	name    string
	make    func(s *scene) []any
	endless bool // slog's text handler would overflow the stack
}{
	{"panics", func(*scene) []any { return actings(func() string { panic("boom") }) }, false},
	{"panics with an error", func(*scene) []any { return actings(func() string { panic(io.ErrUnexpectedEOF) }) }, false},
	{"panics with nil", func(*scene) []any { return actings(func() string { panic(nil) }) }, false},
	{"reads memory that is not there", func(*scene) []any { return actings(nil) }, false},
	{"changes its siblings and the record", func(s *scene) []any {
		return actings(func() string {
			if s.group != nil {
				s.group[0], s.group[2] = slog.String("changed", "before"), slog.String("changed", "behind")
			}
			if s.record != nil {
				s.record.Message, s.record.Time, s.record.Level = "changed", time.Time{}, slog.LevelError
			}
			return "changer"
		})
	}, false},
	{"recurses", func(*scene) []any { return []any{recursing(200), []any{recursing(200)}} }, false},
	{"logs through the same logger", func(s *scene) []any {
		return actings(func() string {
			s.l.Warn("from within", "k", "v")
			return "talker"
		})
	}, false},
	{"logs itself", func(s *scene) []any { return []any{&logsItself{s.l, 100}} }, false},
	{"flushes the handler", func(s *scene) []any {
		return actings(func() string {
			if s.flush == nil {
				return fmt.Sprint(error(nil))
			}
			return fmt.Sprint(s.flush())
		})
	}, false},
	{"LogValuers without end", func(*scene) []any {
		var v valuerFunc
		v = func() slog.Value { return slog.AnyValue(v) }
		return []any{v}
	}, false},
	{"typed nil pointers", func(*scene) []any {
		return []any{
			(*actingValuer)(nil), (*actingString)(nil), (*actingFormat)(nil), (*actingText)(nil), (*actingError)(nil),
			(*codeError)(nil), (*point)(nil), (*nodes)(nil), (*slog.Source)(nil), (*slog.LevelVar)(nil), (*time.Time)(nil),
			(map[string]any)(nil), ([]any)(nil), (func())(nil), (chan int)(nil), error((*selfish)(nil)),
			[]any{(*actingString)(nil)},
			map[string]error{"k": (*codeError)(nil)},
			errors.Join((*nilError)(nil)),
		}
	}, false},
	{"a ring of pointers", func(*scene) []any { return []any{ring, *ring, []*nodes{ring}} }, false},
	{"errors that wrap themselves", func(*scene) []any {
		e := &selfish{"selfish"}
		return []any{e, fmt.Errorf("wrapped: %w", e), errors.Join(e, e)}
	}, false},
	{"maps and slices in themselves", func(*scene) []any {
		return []any{mapInItself(), sliceInItself(), struct{ M any }{mapInItself()}, &struct{ M any }{mapInItself()}}
	}, true},
}

// nilError is an error whose nil pointer has a text.
type nilError struct{}

func (*nilError) Error() string { return "nil is fine" }

// show logs v in all places that a record has.
func (s *scene) show(v any) {
	s.l.Info("attribute", "v", v)
	s.l.Info("beyond the fifth", "a", 1, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6, "v", v)
	s.group = []slog.Attr{slog.Int("before", 1), slog.Any("v", v), slog.Int("behind", 2)}
	s.l.Info("group", slog.Attr{Key: "g", Value: slog.GroupValue(s.group...)})
	s.group = nil
	s.l.With("own", 1, "v", v).Info("own")
	s.l.WithGroup("g").With("own", 1, "v", v).WithGroup("h").Info("own, in a group", "v", v)
	r := slog.NewRecord(when, slog.LevelInfo, "by hand", 0)
	r.Add("a", 1, "v", v, "b", 2, "c", 3, "d", 4, "e", 5, "f", 6)
	s.record = &r
	_ = s.l.Handler().Handle(context.Background(), r)
	s.record = nil
}
