package capture_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync/atomic"
)

// The methods of these call the functions that they are made of.
type (
	stringer struct{ f func() string }
	jsoner   struct{ f func() ([]byte, error) }
	texter   struct{ f func() ([]byte, error) }
	valuer   struct{ f func() slog.Value }
	failure  struct{ f func() string }
	both     struct {
		stringer
		jsoner
	}
	jsonFailure struct {
		failure
		jsoner
	}
	textFailure struct {
		failure
		texter
	}
	jsonTextFailure struct {
		failure
		jsoner
		texter
	}
)

// These are copied by no rule, for their methods.
type (
	count  int64
	counts []int64
	tally  map[string]int64
	named  map[string]any
)

func (c *count) String() string { return fmt.Sprint(atomic.LoadInt64((*int64)(c))) }
func (c counts) String() string { return fmt.Sprint(atomic.LoadInt64(&c[0])) }
func (t tally) String() string  { return fmt.Sprint(len(t)) }
func (n named) String() string  { return "looping" }

func (s stringer) String() string             { return s.f() }
func (j jsoner) MarshalJSON() ([]byte, error) { return j.f() }
func (t texter) MarshalText() ([]byte, error) { return t.f() }
func (v valuer) LogValue() slog.Value         { return v.f() }
func (f failure) Error() string               { return f.f() }

// codeError is an error that can be changed, as many are.
type codeError struct {
	Code int
	Msg  string
}

func (e *codeError) Error() string { return fmt.Sprintf("%s (%d)", e.Msg, e.Code) }

// constError cannot be changed.
type constError struct{ Code int }

func (e constError) Error() string { return fmt.Sprint("code ", e.Code) }

// stackError shows more under %+v.
type stackError struct{ frames []string }

func (e *stackError) Error() string { return e.frames[0] }

func (e *stackError) Format(s fmt.State, verb rune) {
	if verb == 'v' && s.Flag('+') {
		fmt.Fprintf(s, "%s\n%v", e.frames[0], e.frames)
		return
	}
	_, _ = io.WriteString(s, e.frames[0])
}

func ok(s string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(s), nil }
}

func fails(s string) func() ([]byte, error) {
	return func() ([]byte, error) { return nil, errors.New(s) }
}

func panics[T any](with any) func() T {
	return func() T { panic(with) }
}

func marshalPanics(with any) func() ([]byte, error) {
	return func() ([]byte, error) { panic(with) }
}

func errorValues() []value {
	changing := func(wrap func(*codeError) error) func() (any, func()) {
		return func() (any, func()) {
			e := &codeError{1, nasty}
			return wrap(e), func() { e.Code, e.Msg = 9, "X" }
		}
	}
	return []value{
		{"errors.New", fixed(errors.New(nasty))},
		{"immutable error", fixed(constError{3})},
		{"mutable error", changing(func(e *codeError) error { return e })},
		{"fmt.Errorf with %v", changing(func(e *codeError) error { return fmt.Errorf("a: %v", e) })}, //nolint:errorlint // %v hides the error, which is what is tested
		{"fmt.Errorf with %w", changing(func(e *codeError) error { return fmt.Errorf("a: %w", e) })},
		{"fmt.Errorf with two %w", changing(func(e *codeError) error { return fmt.Errorf("%w: %w", e, e) })},
		{"errors.Join", changing(func(e *codeError) error { return errors.Join(io.EOF, e) })},
		{"fs.PathError", changing(func(e *codeError) error { return &fs.PathError{Op: "open", Path: "/x", Err: e} })},
		{"error with %+v", func() (any, func()) {
			e := &stackError{[]string{"a", "b c"}}
			return e, func() { e.frames[0] = "X" }
		}},
		{"error in struct", func() (any, func()) {
			e := &codeError{1, "m"}
			return struct{ Err error }{e}, func() { e.Code = 9 }
		}},
		{"error with MarshalJSON", fixed(jsonFailure{failure{func() string { return "e" }}, jsoner{ok(`{"a":"<"}`)}})},
		{"error with failing MarshalJSON", fixed(jsonFailure{failure{func() string { return "e" }}, jsoner{fails(nasty)}})},
		{"error with MarshalText", fixed(textFailure{failure{func() string { return "e" }}, texter{ok(nasty)}})},
		{"error with failing MarshalText", fixed(textFailure{failure{func() string { return "e" }}, texter{fails(nasty)}})},
		{"error with both marshalers", fixed(&jsonTextFailure{failure{func() string { return "e" }}, jsoner{ok(`[1]`)}, texter{ok("t")}})},
	}
}

func methodValues() []value {
	return []value{
		{"String", func() (any, func()) {
			s := nasty
			return stringer{func() string { return s }}, func() { s = "X" }
		}},
		{"String and MarshalJSON", func() (any, func()) {
			s := "a b"
			return both{stringer{func() string { return s }}, jsoner{func() ([]byte, error) { return json.Marshal(s) }}}, func() { s = "X" }
		}},
		{"MarshalJSON with spaces", fixed(jsoner{ok(" { \"a\" : [ 1 , \"<\u2028\" ] } \n")})},
		{"MarshalJSON of nothing", fixed(jsoner{ok("")})},
		{"broken MarshalJSON", fixed(jsoner{ok(`{"a`)})},
		{"failing MarshalJSON", fixed(jsoner{fails(nasty)})},
		{"MarshalText", fixed(texter{ok(nasty)})},
		{"MarshalText of nothing", fixed(texter{ok("")})},
		{"failing MarshalText", fixed(texter{fails(nasty)})},
		{"LogValue", func() (any, func()) {
			s := "a"
			return valuer{func() slog.Value { return slog.StringValue(s) }}, func() { s = "X" }
		}},
		{"LogValue of a struct", func() (any, func()) {
			p := &person{Name: "n"}
			return valuer{func() slog.Value { return slog.AnyValue(p) }}, func() { p.Name = "X" }
		}},
		{"LogValue of LogValue", fixed(valuer{func() slog.Value {
			return slog.AnyValue(valuer{func() slog.Value { return slog.IntValue(1) }})
		}})},
		{"LogValue of groups", fixed(valuer{func() slog.Value {
			return slog.GroupValue(slog.Any("a", valuer{func() slog.Value { return slog.IntValue(1) }}), slog.Group("b", "c", []int{1}))
		}})},
		{"LogValue of an empty group", fixed(valuer{func() slog.Value { return slog.GroupValue() }})},
		{"LogValue of nil", fixed(valuer{func() slog.Value { return slog.Value{} }})},
		{"LogValue in struct", fixed(struct{ V slog.LogValuer }{valuer{}})},
		{"LogValue without end", func() (any, func()) {
			var v valuer
			v.f = func() slog.Value { return slog.AnyValue(v) }
			return v, nil
		}},
	}
}

func panicValues() []value {
	return []value{
		{"panicking String", fixed(stringer{panics[string](nasty)})},
		{"panicking Error", fixed(failure{panics[string](nasty)})},
		{"panicking Error with an error", fixed(failure{panics[string](&codeError{1, "m"})})},
		{"panicking MarshalJSON", fixed(jsoner{marshalPanics(nasty)})},
		{"panicking MarshalText", fixed(texter{marshalPanics(nasty)})},
		{"panicking LogValue", fixed(valuer{panics[slog.Value]("boom")})},
		{"panicking nil LogValue", fixed((*valuer)(nil))},
		{"panicking everything", fixed(jsonTextFailure{failure{panics[string]("e")}, jsoner{marshalPanics("j")}, texter{marshalPanics("t")}})},
		{"pointer to panicking error", fixed(&jsonFailure{failure{panics[string]("e")}, jsoner{marshalPanics("j")}})},
		{"panicking String in struct", fixed(struct{ S fmt.Stringer }{stringer{panics[string]("s")}})},
		{"nil deref in Error", fixed(failure{})},
		{"panicking with nil", fixed(failure{panics[string](nil)})},
	}
}
