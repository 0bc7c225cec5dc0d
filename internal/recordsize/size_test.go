package recordsize_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
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

// The doc promises 30% of the growth of the heap.
func TestOfIsNearTheGrowthOfTheHeap(t *testing.T) {
	if raceDetector() {
		t.Skip("the race detector makes the objects larger whose sizes are measured; runs without it are the test")
	}
	if strconv.IntSize == 32 {
		t.Skip("the bound is for 64 bits, as the doc comment of membudget.SizeOf says")
	}
	const count, bound = 2000, 0.30
	for _, tt := range corpus {
		t.Run(tt.name, func(t *testing.T) {
			records := make([]slog.Record, count)
			before := heap()
			for i := range records {
				records[i] = tt.make(i)
			}
			grown := float64(heap()-before) / count
			var sum int64
			for _, r := range records {
				sum += recordsize.Of(&r)
			}
			estimate := float64(sum) / count
			t.Logf("heap %.0f, estimate %.0f", grown, estimate)
			assert.InEpsilon(t, grown, estimate, bound)
		})
	}
}

func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
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

func TestOfValues(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("the sizes in the table are for 64 bits")
	}
	empty := sizeOf(record(""))
	var nilMap map[string]string
	tests := []struct {
		name     string
		value    any
		min, max int64
	}{
		{"nil", nil, 0, 0},
		{"number", 12, 0, 0},
		{"time", time.Now(), 0, 0},
		{"string", strings.Repeat("x", 100), 100, 110},
		{"nil error", error(nil), 0, 0},
		{"nil map", nilMap, 0, 400},
		{"nil source", (*slog.Source)(nil), 0, 0},
		{"source", &slog.Source{Function: strings.Repeat("f", 100), File: strings.Repeat("x", 100)}, 200, 260},
		{"pointer", &[100]int{}, 800, 800},
		{"struct", struct{ names []string }{[]string{strings.Repeat("x", 100)}}, 140, 150},
		{"struct with methods", guarded{[]string{strings.Repeat("x", 100)}}, 40, 40},
		{"list in a map", http.Header{"Accept": {strings.Repeat("x", 1000)}}, 1300, 1600},
		{"URL", &url.URL{RawQuery: strings.Repeat("x", 1000)}, 1100, 1200},
		{"user of a URL", &url.URL{User: url.User(strings.Repeat("x", 1000))}, 1100, 1300},
		{"nil URL", (*url.URL)(nil), 0, 0},
		{"array", [100]int{}, 800, 800},
		{"array of strings", [2]string{"1234567890", "1234567890"}, 52, 70},
		{"named map", http.Header{"Accept": {"text/plain"}}, 200, 500},
		{"times", make([]time.Time, 10), 240, 270},
		{"room of a slice", make([]byte, 1, 1000), 1000, 1040},
		{"many strings", repeat(strings.Repeat("x", 84), 100_000), 10_000_000, 12_000_000},
		{"channel", make(chan int), 0, 0},
		{"function", heap, 0, 0},
		{"huge elements of nothing", make([]struct{}, math.MaxInt), 0, 40},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sizeOf(record("", slog.Any("", tt.value))) - empty
			assert.GreaterOrEqual(t, got, tt.min)
			assert.LessOrEqual(t, got, tt.max)
			inGroup := sizeOf(record("", slog.Group("", slog.Any("", tt.value)))) - empty
			assert.Equal(t, got+40, inGroup, "an attribute in a group is itself on the heap")
		})
	}
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
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
