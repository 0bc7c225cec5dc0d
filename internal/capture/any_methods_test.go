package capture_test

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// asked counts by which rule it is read.
type asked struct{ calls map[string]int }

type (
	askedJSON   struct{ asked }
	askedText   struct{ asked }
	askedString struct{ asked }
	askedError  struct{ asked }
	askedFormat struct{ asked }
	askedAll    struct{ asked }
)

func (a asked) by(rule string) string { a.calls[rule]++; return "by " + rule }

func (a askedJSON) MarshalJSON() ([]byte, error) { return json.Marshal(a.by("json")) }

func (a askedText) MarshalText() ([]byte, error) { return []byte(a.by("text")), nil }

func (a askedString) String() string { return a.by("string") }

func (a askedError) Error() string { return a.by("error") }

func (a askedFormat) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, a.by("format")) }

func (a askedAll) MarshalJSON() ([]byte, error) { return json.Marshal(a.by("json")) }

func (a askedAll) MarshalText() ([]byte, error) { return []byte(a.by("text")), nil }

func (a askedAll) String() string { return a.by("string") }

func TestAnyAsksOnlyTheMethodsThatThereAre(t *testing.T) { // P4
	for _, tt := range []struct {
		name               string
		make               func(asked) any
		wantJSON, wantText string
	}{
		{"json", func(a asked) any { return askedJSON{a} }, `"by json"`, "by json"},
		{"text", func(a asked) any { return askedText{a} }, `"by text"`, "by text"},
		{"string", func(a asked) any { return askedString{a} }, `"by string"`, "by string"},
		{"error", func(a asked) any { return askedError{a} }, `"by error"`, "by error"},
		{"format", func(a asked) any { return askedFormat{a} }, `"by format"`, "by format"},
		{"all", func(a asked) any { return askedAll{a} }, `"by json"`, "by text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := asked{map[string]int{}}
			r := recordOf(slog.Any("k", tt.make(a)))
			capture.Record(&r, capture.Any)
			calls := maps.Clone(a.calls)
			var buf bytes.Buffer
			assert.Contains(t, shown(t, newJSON(&buf, nil), &buf, r), `"k":`+tt.wantJSON)
			assert.Contains(t, shown(t, newText(&buf, nil), &buf, r), `k="`+tt.wantText+`"`)
			assert.Equal(t, calls, a.calls, "nothing is asked later")
			for rule, n := range calls {
				assert.LessOrEqual(t, n, 2, rule) // Format for %v and for %+v
			}
		})
	}
}

// Handlers go by the methods of a value.
func TestAnyHasTheMethodsOfTheOriginal(t *testing.T) { // P4
	for _, v := range values() {
		x, _ := v.make()
		if x == nil || slog.AnyValue(x).Kind() != slog.KindAny {
			continue
		}
		frozen := frozenAny(t, x)
		if reflect.TypeOf(frozen) == reflect.TypeOf(x) {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			for i, m := range []reflect.Type{
				reflect.TypeFor[error](), reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[json.Marshaler](),
			} {
				_, isError := x.(error)
				if i == 3 && !isError {
					assert.Implements(t, (*json.Marshaler)(nil), frozen, "JSON sees nothing else of it")
					continue
				}
				assert.Equal(t, reflect.TypeOf(x).Implements(m), reflect.TypeOf(frozen).Implements(m), m)
			}
		})
	}
	n := big.NewInt(42)
	frozen := frozenAny(t, n)
	n.SetInt64(0)
	assert.Equal(t, "42", frozen.(fmt.Stringer).String())
	assert.Equal(t, "42 +42", fmt.Sprintf("%v %+v", frozen, frozen))
}

// masked shows a secret to who asks it for its text.
type masked struct{ secret string }

func (m masked) AppendText(b []byte) ([]byte, error) { return append(b, "***"...), nil }

// A handler that slog knows shows what it shows without us, which since Go 1.27 is the mask; one
// that is not known shows the mask in any case.
func TestAValueThatMasksItselfByAppendTextAlone(t *testing.T) { // P4, T1
	for _, p := range pairings {
		t.Run(p.name, func(t *testing.T) {
			var out bytes.Buffer
			h := p.next(&out, nil)
			want := shown(t, h, &out, recordOf(slog.Any("user", masked{"hunter2"})))
			r := recordOf(slog.Any("user", masked{"hunter2"}))
			capture.Record(&r, p.format)
			got := shown(t, h, &out, r)
			if p.format == capture.Any {
				assert.Contains(t, got, "***")
				assert.NotContains(t, got, "hunter2")
				return
			}
			assert.Equal(t, want, got)
		})
	}
}
