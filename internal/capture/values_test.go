package capture_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// value makes a fresh value and, if it can still change, what changes it.
type value struct {
	name string
	make func() (v any, mutate func())
}

type (
	level    int
	text     string
	words    []string
	rawBytes []byte
	secret   []byte
	byteErr  []byte
	flag     byte
	point    struct{ X, Y int }
	attrs    []slog.Attr
	form     map[string][]string
)

func (l level) String() string              { return "level-" + fmt.Sprint(int(l)) }
func (f form) String() string               { return fmt.Sprint("form of ", len(f)) }
func (s secret) String() string             { return "hidden" }
func (e byteErr) Error() string             { return "bytes: " + string(e) }
func (f flag) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "flag %d", byte(f)), nil }

type person struct {
	Name string         `json:"name"`
	Tags []string       `json:"tags"`
	Home *point         `json:"home"`
	Any  map[string]any `json:"any"`
	note string
	Skip []int `json:"-"`
}

type node struct {
	Name string
	Next *node
}

func fixed(v any) func() (any, func()) {
	return func() (any, func()) { return v, nil }
}

// nasty holds what JSON and text escape, each in its own way.
const nasty = "a\b\f\\b\n\t\x00\x1b\x7f\"=<>& \u2028\u00a0\ufffd\xffé"

// values are shown by slog's handlers in every way there is. No value here makes
// slog itself panic or run without end.
func values() []value {
	var all []value
	for _, part := range [][]value{fixedValues(), containers(), structs(), errorValues(), methodValues(), panicValues()} {
		all = append(all, part...)
	}
	return all
}

func fixedValues() []value {
	type namedTime time.Time
	return []value{
		{"nil", fixed(nil)},
		{"string", fixed(nasty)},
		{"empty string", fixed("")},
		{"named string", fixed(text(nasty))},
		{"int with String", fixed(level(3))},
		{"slog.Level", fixed(slog.LevelWarn + 1)},
		{"slog.Kind", fixed(slog.KindGroup)},
		{"slog.Value", fixed(slog.Float64Value(math.Inf(1)))},
		{"NaN", fixed(math.NaN())},
		{"named NaN", fixed(struct{ F float64 }{math.NaN()})},
		{"complex", fixed(1 + 2i)},
		{"rune", fixed('x')},
		{"time", fixed(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))},
		{"time.Time{}", fixed(time.Time{})},
		{"year beyond 9999", fixed(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))},
		{"year before 0", fixed(time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC))},
		{"struct of late time", fixed(struct{ T time.Time }{time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)})},
		{"named time", fixed(namedTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))},
		{"duration", fixed(time.Minute)},
		{"location", fixed(time.UTC)},
		{"array", fixed([3]int{1, 2, 3})},
		{"byte array", fixed([3]byte{1, 2, 3})},
		{"empty struct", fixed(struct{}{})},
		{"plain struct", fixed(point{1, 2})},
		{"errno", fixed(syscall.ENOENT)},
		{"netip.Addr", fixed(netip.MustParseAddr("::1"))},
		{"big.Int", fixed(big.NewInt(1 << 62))},
		{"func", fixed(func() {})},
		{"chan", fixed(make(chan int))},
		{"reflect.Type", fixed(reflect.TypeFor[int]())},
		{"reflect.Value", fixed(reflect.ValueOf(map[string]any{"a": 1}))},
		{"nil *slog.Source", fixed((*slog.Source)(nil))},
		{"empty *slog.Source", fixed(&slog.Source{})},
		{"nil pointer", fixed((*person)(nil))},
		{"nil error pointer", fixed((*codeError)(nil))},
		{"nil pointer with value methods", fixed((*level)(nil))},
		{"nil pointer with MarshalJSON", fixed((*jsoner)(nil))},
		{"nil pointer with MarshalText", fixed((*texter)(nil))},
		{"nil pointer with Error and marshalers", fixed((*jsonTextFailure)(nil))},
		{"nil LogValuer", fixed((*valuer)(nil))},
		{"nil map", fixed(map[string]int(nil))},
		{"nil header", fixed(http.Header(nil))},
		{"empty header", fixed(http.Header{})},
		{"nil *url.URL", fixed((*url.URL)(nil))},
		{"nil map of any", fixed(map[string]any(nil))},
		{"nil bytes", fixed([]byte(nil))},
		{"nil named bytes", fixed(secret(nil))},
		{"nil slice", fixed([]string(nil))},
		{"nil slice of any", fixed([]any(nil))},
		{"nil func", fixed((func())(nil))},
		{"nil chan", fixed((chan int)(nil))},
		{"empty map", fixed(map[string]int{})},
		{"empty map of levels", fixed(map[level]int{})},
		{"empty bytes", fixed([]byte{})},
		{"empty slice", fixed([]string{})},
		{"empty slice of points", fixed([]point{})},
	}
}

// slice is a value of xs that is changed to have other for an element.
func slice[S ~[]E, E any](name string, other E, xs ...E) value {
	return value{name, func() (any, func()) {
		s := append(S(nil), xs...)
		return s, func() { s[0] = other }
	}}
}

// mapOf is a map that is changed in one entry and gets another.
func mapOf[K comparable, V any](name string, k1, k2 K, v1, v2 V) value {
	return value{name, func() (any, func()) {
		m := map[K]V{k1: v1}
		return m, func() { m[k1] = v2; m[k2] = v2 }
	}}
}

// lists is a map of which a list, and then the map, is changed.
func lists[M ~map[string][]string](name string) value {
	return value{name, func() (any, func()) {
		m := M{"b": {"1", nasty}, nasty: {"a"}, "a": nil, "c": {}}
		return m, func() {
			m["b"][0] = "X"
			m["b"] = append(m["b"][:1], "Y")
			m["new"] = nil
		}
	}}
}

func containers() []value {
	return []value{
		slice[[]byte]("bytes", 'X', []byte("abc")...),
		slice[[]byte]("nasty bytes", 'X', []byte(nasty)...),
		slice[rawBytes]("named bytes", 'X', []byte("abc")...),
		slice[secret]("bytes with String", 'X', []byte("abc")...),
		slice[byteErr]("bytes with Error", 'X', []byte("abc")...),
		slice[[]flag]("bytes with MarshalText each", 9, 1, 2),
		slice[json.RawMessage]("json.RawMessage", '[', []byte(`{"a" : "<"}`)...),
		slice[json.RawMessage]("broken json.RawMessage", '[', []byte(`{"a`)...),
		slice[net.IP]("net.IP", 9, net.IPv4(10, 0, 0, 1)...),
		slice[net.IP]("broken net.IP", 9, 1, 2, 3),
		slice[[]string]("strings", "X", nasty, "", "a b"),
		slice[words]("named strings", "X", "a"),
		slice[[]int]("ints", 9, 1, 2),
		slice[[]text]("named strings each", "X", "a"),
		slice[[]float64]("floats", 9, 1.5, math.MaxFloat64),
		slice[[]float64]("NaNs", 9, math.NaN()),
		slice[[]complex64]("complexes", 9, 1i),
		slice[[]bool]("bools", false, true),
		slice[[][2]int]("arrays", [2]int{9, 9}, [2]int{1, 2}),
		slice[[]level]("ints with String", 9, 1, 2),
		slice[[]time.Duration]("durations", 9, time.Second),
		slice[[]time.Time]("times", time.Time{}, time.Unix(1, 2).UTC()),
		slice[[]point]("points", point{9, 9}, point{1, 2}),
		slice[[]error, error]("errors", io.EOF, errors.New("a"), nil),
		slice[[]any, any]("anys", 9, 1, "a", nil, []byte("b"), map[string]any{"c": 1}),
		slice[[]slog.Value]("slog.Values", slog.IntValue(9), slog.StringValue("a")),
		slice[attrs]("named attrs", slog.Int("x", 9), slog.String("a", "b")),
		slice[[]slog.Attr]("attrs", slog.Int("x", 9), slog.String("a", "b")),
		mapOf("map of strings", "a", "b", nasty, "X"),
		mapOf("map of ints", "a", "b", 1, 9),
		mapOf("map of floats", "a", "b", 1.5, 9),
		mapOf("map by int", 1, 2, "a", "X"),
		mapOf("map by float", 1.5, 2, "a", "X"),
		mapOf("map by NaN", math.NaN(), 2, "a", "X"),
		mapOf("map by level", level(1), 2, "a", "X"),
		mapOf("map of levels", "a", "b", level(1), 9),
		mapOf("map by array", [2]int{1, 2}, [2]int{3, 4}, "a", "X"),
		mapOf("map of lists", "a", "b", []string{"c"}, nil),
		mapOf("map of no list", "b", "a", nil, []string{}),
		mapOf("map of list by name", text("a"), "b", []string{"c"}, nil),
		lists[http.Header]("http.Header"),
		lists[url.Values]("url.Values"),
		lists[textproto.MIMEHeader]("textproto.MIMEHeader"),
		lists[form]("lists with String"),
		mapOf[string, any]("map of anys", "a", "b", []any{1, nil, "x"}, 9),
		mapOf[any, any]("map by any", "a", 1, nil, 9),
	}
}

func structs() []value {
	return []value{
		{"struct", func() (any, func()) {
			p := person{Name: nasty, Tags: []string{"a"}, Home: &point{1, 2}, Any: map[string]any{"k": 1}}
			return p, func() { p.Tags[0], p.Home.X, p.Any["k"] = "X", 9, 9 }
		}},
		{"pointer to struct", func() (any, func()) {
			p := &person{Name: "n", note: "unexported", Skip: []int{1}}
			return p, func() { p.Name, p.note, p.Skip[0] = "X", "X", 9 }
		}},
		{"pointer to int", func() (any, func()) { p := new(int); return p, func() { *p = 9 } }},
		{"pointer to pointer", func() (any, func()) { p := &point{}; return &p, func() { p = nil } }},
		{"pointer to slice", func() (any, func()) { s := []int{1}; return &s, func() { s[0] = 9 } }},
		{"pointer to bytes", func() (any, func()) { s := []byte("a"); return &s, func() { s[0] = 9 } }},
		{"pointer to map", func() (any, func()) { m := map[string]int{"a": 1}; return &m, func() { m["a"] = 9 } }},
		{"pointer to time", func() (any, func()) { t := time.Unix(1, 0).UTC(); return &t, func() { t = time.Time{} } }},
		{"pointer in array", func() (any, func()) { p := new(int); return [1]any{p}, func() { *p = 9 } }},
		{"cyclic pointer", func() (any, func()) {
			n := &node{Name: "a"}
			n.Next = n
			return n, func() { n.Name = "X" }
		}},
		{"list", func() (any, func()) {
			n := &node{"a", &node{"b", nil}}
			return n, func() { n.Next.Name = "X" }
		}},
		{"NaN behind a pointer", func() (any, func()) { f := math.NaN(); return &f, func() { f = 1 } }},
		{"func in struct", func() (any, func()) { p := &struct{ F func() }{}; return p, func() { p.F = func() {} } }},
		{"*slog.Source", func() (any, func()) {
			s := &slog.Source{Function: "f", File: "a b.go", Line: 3}
			return s, func() { s.File = "X" }
		}},
		{"*url.URL", func() (any, func()) {
			u := &url.URL{Scheme: "https", User: url.UserPassword("u", "p"), Host: "h", Path: "/a", RawQuery: "q=1", Fragment: "f"}
			return u, func() { u.Scheme, u.User, u.Host, u.ForceQuery = "http", nil, "X", true }
		}},
		{"*url.URL with escapes", fixed(&url.URL{Path: nasty, RawPath: nasty, OmitHost: true})},
		{"url.URL", fixed(url.URL{Host: "h", User: url.User("u")})},
		{"slog.Source", fixed(slog.Source{File: "a.go", Line: 3})},
		{"slog.Attr", func() (any, func()) { m := []int{1}; return slog.Any("k", m), func() { m[0] = 9 } }},
		{"*slog.Value", func() (any, func()) { v := slog.IntValue(1); return &v, func() { v = slog.IntValue(9) } }},
		{"*slog.LevelVar", func() (any, func()) { l := new(slog.LevelVar); return l, func() { l.Set(9) } }},
		{"*atomic.Int64", func() (any, func()) { n := new(atomic.Int64); return n, func() { n.Store(9) } }},
		{"*strings.Builder", func() (any, func()) {
			b := new(strings.Builder)
			b.WriteString("abc")
			return b, func() { b.WriteString("X") }
		}},
		{"*big.Int", func() (any, func()) { n := big.NewInt(5); return n, func() { n.SetInt64(9) } }},
	}
}
