package capture_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// pairing is a format and a handler that it must be right for.
type pairing struct {
	name   string
	format capture.Format
	next   func(io.Writer, *slog.HandlerOptions) slog.Handler
}

func newJSON(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, o) }
func newText(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) }

var pairings = []pairing{
	{"JSON", capture.JSON, newJSON},
	{"Text", capture.Text, newText},
	{"Any behind JSON", capture.Any, newJSON},
	{"Any behind Text", capture.Any, newText},
}

// madeOfAnother reports whether x has methods to show itself but not the one that slog's
// handler asks for, so that it shows x otherwise without a handler between.
func (p pairing) madeOfAnother(x any) bool {
	if v, ok := x.(slog.LogValuer); ok {
		x = slog.AnyValue(v).Resolve().Any()
	}
	_, asJSON := x.(json.Marshaler)
	_, asText := x.(encoding.TextMarshaler)
	_, isString := x.(fmt.Stringer)
	_, isError := x.(error)
	if _, isFormatter := x.(fmt.Formatter); isFormatter {
		isString = true
	}
	switch p.name {
	case "Any behind JSON":
		return isString && !asJSON && !asText && !isError
	case "Any behind Text":
		t := reflect.TypeOf(x)
		bytes := t != nil && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
		return !asText && (asJSON && !isString && !isError || bytes && t.Name() != "RawMessage")
	}
	return false
}

var when = time.Date(2026, 5, 6, 7, 8, 9, 10, time.UTC)

func recordOf(attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(when, slog.LevelInfo, "m", 0)
	r.AddAttrs(attrs...)
	return r
}

// panicStack is where slog prints a stack, which is the caller's own.
var panicStack = regexp.MustCompile(`LogValue panicked\\n[^"]*`)

// shown returns the line that h, which writes to buf, makes of r.
func shown(t testing.TB, h slog.Handler, buf *bytes.Buffer, r slog.Record) string {
	t.Helper()
	buf.Reset()
	require.NoError(t, h.Handle(t.Context(), r))
	return panicStack.ReplaceAllString(buf.String(), "LogValue panicked")
}

// scenes are the places an attribute can have in a line.
var scenes = []struct {
	name  string
	under func(slog.Handler) slog.Handler
	attrs func(v any) []slog.Attr
}{
	{"alone", nil, func(v any) []slog.Attr { return []slog.Attr{slog.Any("k", v)} }},
	{"without a key", nil, func(v any) []slog.Attr { return []slog.Attr{slog.Any("", v)} }},
	{"in WithGroup", withGroup, func(v any) []slog.Attr { return []slog.Attr{slog.Any("k", v)} }},
	{"in a group", nil, func(v any) []slog.Attr {
		return []slog.Attr{slog.Group("g", slog.Group("h", "k", v)), slog.Int("n", 1)}
	}},
	{"in an inline group", withGroup, func(v any) []slog.Attr { return []slog.Attr{slog.Group("", "k", v, "", v)} }},
	{"after many", nil, func(v any) []slog.Attr {
		a := slog.Any("k", v)
		return []slog.Attr{a, slog.Int("n", 1), a, slog.Group("g"), a, {}, a, a, a, a, a}
	}},
}

func withGroup(h slog.Handler) slog.Handler {
	return h.WithAttrs([]slog.Attr{slog.Int("w", 1)}).WithGroup("wg")
}

func TestRecordShowsWhatItShowedAtTheCall(t *testing.T) { // P1, P4
	for _, p := range pairings {
		for _, scene := range scenes {
			for _, v := range values() {
				if x, _ := v.make(); p.madeOfAnother(x) {
					continue // TestAnyAsksOnlyTheMethodsThatThereAre is about these
				}
				t.Run(p.name+"/"+scene.name+"/"+v.name, func(t *testing.T) {
					var buf bytes.Buffer
					h := p.next(&buf, nil)
					if scene.under != nil {
						h = scene.under(h)
					}
					x, mutate := v.make()
					attrs := scene.attrs(x)
					want := shown(t, h, &buf, recordOf(attrs...))

					r := recordOf(attrs...)
					capture.Record(&r, p.format)
					change(attrs, mutate)

					assert.Equal(t, want, shown(t, h, &buf, r))
				})
			}
		}
	}
}

// change does to the arguments of a log call what its caller may do afterwards.
func change(attrs []slog.Attr, mutate func()) {
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			clear(a.Value.Group())
		}
	}
	if mutate != nil {
		mutate()
	}
}

func TestAttrsShowWhatTheyShowedAtTheCall(t *testing.T) { // P1, P4
	for _, p := range pairings {
		for _, v := range values() {
			if x, _ := v.make(); p.madeOfAnother(x) {
				continue // TestAnyAsksOnlyTheMethodsThatThereAre is about these
			}
			t.Run(p.name+"/"+v.name, func(t *testing.T) {
				var buf bytes.Buffer
				h := p.next(&buf, nil).WithGroup("g")
				x, mutate := v.make()
				attrs := []slog.Attr{slog.Any("k", x), slog.Group("h", "k", x), slog.Any("", x)}
				want := shown(t, h.WithAttrs(attrs), &buf, recordOf())

				frozen := capture.Attrs(attrs, p.format)
				change(attrs, mutate)
				clear(attrs)

				assert.Equal(t, want, shown(t, h.WithAttrs(frozen), &buf, recordOf()))
			})
		}
	}
}

func TestAttrsKeepsEmptyGroups(t *testing.T) {
	var buf bytes.Buffer
	h := slog.NewJSONHandler(&buf, nil).WithGroup("g")
	attrs := []slog.Attr{slog.Group("a"), slog.Group("b")}

	frozen := capture.Attrs(attrs, capture.Any)

	assert.Equal(t, attrs, frozen)
	assert.Equal(t, shown(t, h.WithAttrs(attrs), &buf, recordOf()), shown(t, h.WithAttrs(frozen), &buf, recordOf()))
}

func TestRecordKeepsTheRest(t *testing.T) {
	r := slog.NewRecord(time.Now(), slog.LevelError, "message", 42)
	r.AddAttrs(slog.Any("a", []int{1}))
	before := r

	capture.Record(&r, capture.Any)

	assert.Equal(t, before.Time, r.Time, "the monotonic reading too")
	assert.Equal(t, before.Level, r.Level)
	assert.Equal(t, before.Message, r.Message)
	assert.Equal(t, before.PC, r.PC)
	assert.Equal(t, 1, r.NumAttrs())
}

// TestRecordConcurrentSafe is for the race detector: each argument changes while
// the frozen record is shown.
func TestRecordConcurrentSafe(t *testing.T) { // P4
	for _, p := range pairings {
		t.Run(p.name, func(t *testing.T) {
			var attrs []slog.Attr
			var mutates []func()
			for _, v := range values() {
				x, mutate := v.make()
				if p.madeOfAnother(x) {
					continue
				}
				attrs = append(attrs, slog.Any(v.name, x), slog.Group("g "+v.name, "k", x))
				if mutate != nil {
					mutates = append(mutates, mutate)
				}
			}
			var buf bytes.Buffer
			h := p.next(&buf, nil)
			want := shown(t, h, &buf, recordOf(attrs...))
			r := recordOf(attrs...)
			capture.Record(&r, p.format)

			var wg sync.WaitGroup
			wg.Go(func() {
				for _, mutate := range mutates {
					mutate()
				}
				change(attrs, nil)
			})
			got := shown(t, h, &buf, r)
			wg.Wait()
			assert.Equal(t, want, got)
		})
	}
}

func TestLogValuerIsResolvedOnceByRecord(t *testing.T) { // P4
	for _, p := range pairings {
		t.Run(p.name, func(t *testing.T) {
			calls := 0
			v := valuer{func() slog.Value { calls++; return slog.AnyValue([]point{{1, 2}}) }}
			r := recordOf(slog.Any("a", v), slog.Group("g", slog.Any("b", v)))

			capture.Record(&r, p.format)
			require.Equal(t, 2, calls, "one per attribute, before Record returns")

			var buf bytes.Buffer
			shown(t, p.next(&buf, nil), &buf, r)
			assert.Equal(t, 2, calls, "none by the handler")
		})
	}
}

func TestOnlyTheFormatsOwnRulesAreUsed(t *testing.T) {
	forbidden := func(rule string) func() string {
		return func() string { t.Error(rule, "was called"); return "" }
	}
	marshalForbidden := func(rule string) func() ([]byte, error) {
		return func() ([]byte, error) { t.Error(rule, "was called"); return []byte("0"), nil }
	}
	tests := []struct {
		name   string
		format capture.Format
		value  any
	}{
		{"JSON and String", capture.JSON, &both{stringer{forbidden("String")}, jsoner{ok("1")}}},
		{"JSON and Error of a marshaler", capture.JSON, &jsonTextFailure{failure{forbidden("Error")}, jsoner{ok("1")}, texter{marshalForbidden("MarshalText")}}},
		{"JSON and MarshalText of an error", capture.JSON, &textFailure{failure{func() string { return "" }}, texter{marshalForbidden("MarshalText")}}},
		{"Text and MarshalJSON", capture.Text, &both{stringer{func() string { return "" }}, jsoner{marshalForbidden("MarshalJSON")}}},
		{"Text and Error of a marshaler", capture.Text, &jsonTextFailure{failure{forbidden("Error")}, jsoner{marshalForbidden("MarshalJSON")}, texter{ok("1")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := recordOf(slog.Any("k", tt.value))
			capture.Record(&r, tt.format)
			assert.Equal(t, 1, r.NumAttrs())
		})
	}
}

// slog itself panics on a panic whose value panics when printed.
func TestPanicThatPanics(t *testing.T) {
	inner := failure{panics[string]("innermost")}
	outer := failure{panics[string](inner)}
	tests := []struct {
		name   string
		format capture.Format
		value  any
	}{
		{"Error under JSON", capture.JSON, failure{panics[string](outer)}},
		{"MarshalJSON", capture.JSON, jsoner{marshalPanics(outer)}},
		{"Error under text", capture.Text, failure{panics[string](outer)}},
		{"String", capture.Text, stringer{panics[string](outer)}},
		{"MarshalText", capture.Text, texter{marshalPanics(outer)}},
		{"Error under both", capture.Any, failure{panics[string](outer)}},
		{"everything", capture.Any, jsonTextFailure{failure{panics[string](outer)}, jsoner{marshalPanics(outer)}, texter{marshalPanics(outer)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := recordOf(slog.Any("k", tt.value))
			require.NotPanics(t, func() { capture.Record(&r, tt.format) })
			var buf bytes.Buffer
			assert.Contains(t, shown(t, slog.NewJSONHandler(&buf, nil), &buf, r), `"k":"!PANIC: `)
		})
	}
}
