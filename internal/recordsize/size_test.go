package recordsize_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/recordsize"
)

func record(msg string, attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, msg, 0)
	r.AddAttrs(attrs...)
	return r
}

// own returns a copy that no constant and no other record shares.
func own(s string) string { return strings.Clone(s) }

// corpus are records whose parts are all on the heap and their own, with i so that no two
// are alike.
var corpus = []struct {
	name string
	make func(i int) slog.Record
}{
	{"message", func(i int) slog.Record { return record(fmt.Sprintf("%0100d", i)) }},
	{"small", func(i int) slog.Record {
		return record(fmt.Sprintf("request %d done with a little text", i), slog.String(own("method"), own("GET")),
			slog.Int(own("status"), 200), slog.String(own("path"), own("/api/v1/users/12345")),
			slog.Duration(own("took"), 5))
	}},
	{"20 attributes", func(i int) slog.Record {
		var attrs []slog.Attr
		for n := range 20 {
			attrs = append(attrs, slog.String(fmt.Sprintf("key%d", n), fmt.Sprintf("value number %d", i)))
		}
		return record(own("request done"), attrs...)
	}},
	{"big strings", func(int) slog.Record {
		return record(strings.Repeat("x", 5000), slog.String(own("body"), strings.Repeat("y", 20001)))
	}},
	{"groups", func(i int) slog.Record {
		return record(own("request done"), slog.Group(own("req"), slog.String(own("method"), own("GET")),
			slog.Group(own("user"), slog.String(own("name"), fmt.Sprintf("somebody %d", i)), slog.Int(own("id"), i))))
	}},
	{"bytes", func(int) slog.Record { return record(own("read"), slog.Any(own("b"), make([]byte, 600))) }},
	{"raw JSON", func(int) slog.Record {
		return record(own("read"), slog.Any(own("b"), json.RawMessage(strings.Repeat("7", 600))))
	}},
	{"strings", func(i int) slog.Record {
		names := []string{own("one"), own("two"), fmt.Sprintf("three and more %d", i)}
		return record(own("request done"), slog.Any(own("names"), names))
	}},
	{"map of strings", func(int) slog.Record {
		m := map[string]string{}
		for n := range 10 {
			m[fmt.Sprintf("key%d", n)] = own("some value")
		}
		return record(own("request done"), slog.Any(own("m"), m))
	}},
	{"map of numbers", func(int) slog.Record {
		m := map[string]int{}
		for n := range 100 {
			m[fmt.Sprintf("key number %d", n)] = n
		}
		return record(own("request done"), slog.Any(own("m"), m))
	}},
	{"map of anything", func(i int) slog.Record {
		return record(own("request done"), slog.Any(own("m"), map[string]any{
			own("name"): fmt.Sprintf("some value %d", i), own("ids"): []int{i, 2, 3}, own("none"): nil,
		}))
	}},
	{"wrapped error", func(i int) slog.Record {
		err := fmt.Errorf("dial %d: %w", i, errors.Join(errors.New(own("connection refused")), errors.New(own("no route"))))
		return record(own("request failed"), slog.Any(own("err"), err))
	}},
	{"struct with captured text", func(i int) slog.Record {
		return record(own("done"), slog.Any(own("v"), struct {
			text string
			json []byte
			err  error
		}{fmt.Sprintf("%0100d", i), make([]byte, 100), errors.New(own("some error or other"))}))
	}},
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// hostile fails the test when a method of it is called.
type hostile struct{ name string }

func (hostile) Error() string                { panic("Error called") }
func (hostile) String() string               { panic("String called") }
func (hostile) LogValue() slog.Value         { panic("LogValue called") }
func (hostile) MarshalJSON() ([]byte, error) { panic("MarshalJSON called") }
func (hostile) MarshalText() ([]byte, error) { panic("MarshalText called") }

type hostileText string

func (hostileText) String() string { panic("String called") }

func TestOfCallsNoMethods(t *testing.T) {
	text := strings.Repeat("x", 1000)
	for _, v := range []any{hostile{text}, hostileText(text), []hostile{{text}}, map[string]any{"k": hostile{text}}} {
		assert.GreaterOrEqual(t, sizeOf(record("m", slog.Any("k", v))), int64(1000), "%T", v)
	}
	var none *hostile
	for _, v := range []any{none, &hostile{text}, map[hostile]hostile{{text}: {text}}} {
		assert.NotPanics(t, func() { sizeOf(record("m", slog.Any("k", v))) })
	}
}

// guarded may have a lock around its names that only its methods know of.
type guarded struct{ names []string }

func (guarded) String() string { panic("String called") }

// node refers to itself in every way that Go allows.
type node struct {
	Next  *node
	All   []any
	Named map[string]any
}

func TestOfEndsOnCyclicData(t *testing.T) {
	slice := make([]any, 100)
	for i := range slice {
		slice[i] = slice
	}
	m := map[string]any{}
	m["self"], m["slice"] = m, slice
	n := &node{All: slice, Named: m}
	n.Next = n
	group := make([]slog.Attr, 100)
	for i := range group {
		group[i] = slog.Attr{Key: "self", Value: slog.GroupValue(group...)}
	}
	for _, v := range []any{slice, m, n, *n, group} {
		assert.Positive(t, sizeOf(record("m", slog.Any("k", v))), "%T", v)
	}
}

func TestOfDoesNotAllocate(t *testing.T) {
	for _, tt := range corpus {
		r := tt.make(1)
		assert.Zero(t, testing.AllocsPerRun(100, func() { recordsize.Of(&r) }), tt.name)
	}
}

// FuzzOf builds a record from a string: one byte says what to add, the rest is text.
func FuzzOf(f *testing.F) {
	f.Add("message", "key", "value", []byte{0, 1, 2, 3, 4, 5, 6, 7}, uint16(3))
	f.Add("", "", "\xff", []byte{4, 4, 4, 4, 4, 4, 4, 0}, uint16(0))
	f.Fuzz(func(t *testing.T, msg, key, text string, shape []byte, longer uint16) {
		if len(shape) > 100 {
			return
		}
		short := sizeOf(record(msg, attrs(shape, key, text)...))
		require.GreaterOrEqual(t, short, int64(len(msg)))
		text += strings.Repeat("x", int(longer))
		long := sizeOf(record(msg, attrs(shape, key, text)...))
		require.GreaterOrEqual(t, long, short, "longer strings never make a record smaller")
	})
}

// attrs returns one attribute for each byte of shape; some of them hold all that follow.
func attrs(shape []byte, key, text string) (out []slog.Attr) {
	for i, b := range shape {
		var v slog.Value
		switch b % 9 {
		case 0, 1:
			v = slog.StringValue(text)
		case 2:
			v = slog.AnyValue([]byte(text))
		case 3:
			v = slog.AnyValue(errors.New(text))
		case 4:
			return append(out, slog.Attr{Key: key, Value: slog.GroupValue(attrs(shape[i+1:], key, text)...)})
		case 5:
			v = slog.AnyValue(map[string]any{text: text, key: []string{text}})
		case 6:
			v = slog.AnyValue(hostile{text})
		case 7:
			v = slog.AnyValue([]any{text, &text, 1, nil})
		case 8:
			v = slog.IntValue(i)
		}
		out = append(out, slog.Attr{Key: key, Value: v})
	}
	return out
}

func sizeOf(r slog.Record) int64 { return recordsize.Of(&r) }
