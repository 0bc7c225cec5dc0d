package capture_test

import (
	"bytes"
	"crypto"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// frozenAny returns v as a handler that is not known gets it.
func frozenAny(t *testing.T, v any) any {
	t.Helper()
	attrs := capture.Attrs([]slog.Attr{slog.Any("k", v)}, capture.Any)
	require.Len(t, attrs, 1)
	return attrs[0].Value.Any()
}

func TestAnyKeepsTypes(t *testing.T) {
	for _, v := range []any{
		nil, "s", []byte("abc"),
		[]byte{},
		[]byte(nil), rawBytes("abc"),
		net.IP{1, 2, 3, 4},
		net.IPMask{255},
		net.HardwareAddr{1, 2},
		json.RawMessage(`{}`),
		[]string{"a"},
		[]string{},
		[]string(nil),
		words{"a"},
		[]int{1},
		[]float64{1.5},
		[2]int{1, 2},
		[][2]int{{1, 2}},
		map[string]int{"a": 1},
		map[string]int(nil),
		map[string]string{"a": "b"},
		map[int]bool{1: true},
		map[text]int{"a": 1},
		map[text]int(nil),
		http.Header{"A": {"b"}, "C": nil, "D": {}},
		http.Header(nil),
		url.Values{},
		map[string][]string{"a": {"b", "c"}},
		&url.URL{Host: "h", User: url.User("u")},
		&slog.Source{File: "f", Line: 1}, slog.LevelWarn, slog.KindAny, time.May, time.Sunday, fs.ModeDir, json.Number("1"), reflect.Int, crypto.SHA256,
		netip.MustParseAddr("::1%eth0"), netip.MustParseAddrPort("1.2.3.4:5"), netip.MustParsePrefix("10.0.0.0/8"), syscall.ENOENT, syscall.SIGINT,
		struct {
			A netip.Addr
			D time.Duration
		}{netip.IPv6Loopback(), 1},
		point{1, 2},
		struct{ T time.Time }{when},
		(*person)(nil), map[string]any(nil),
		errors.New("e"), fmt.Errorf("%w", io.EOF),
	} {
		t.Run(fmt.Sprintf("%T %v", v, v == nil), func(t *testing.T) {
			assert.Equal(t, v, frozenAny(t, v)) // type, content, and nil apart from empty
		})
	}
}

// A method may read with a lock or an atomic what a copy reads without.
func TestAnyCopiesNoTypesWithMethods(t *testing.T) {
	for _, v := range []any{counts{1}, []count{1}, named{"a": 1}, tally{"a": 1}, map[string]count{"a": 1}, []point{{1, 2}}} {
		t.Run(fmt.Sprintf("%T", v), func(t *testing.T) {
			assert.NotEqual(t, reflect.TypeOf(v), reflect.TypeOf(frozenAny(t, v)))
		})
	}
}

func TestAnyErrorLeadsToTheOriginal(t *testing.T) { // P4
	code := &codeError{1, "m"}
	original := &fs.PathError{Op: "open", Path: "/x", Err: errors.Join(io.EOF, code)}
	err, isError := frozenAny(t, original).(error)
	require.True(t, isError)
	want := original.Error()
	original.Path = "/y"

	require.EqualError(t, err, want)
	require.ErrorIs(t, err, original)
	require.ErrorIs(t, err, io.EOF)
	found, isCode := errors.AsType[*codeError](err)
	require.True(t, isCode)
	assert.Same(t, code, found)
}

type codedError struct{ code []int }

func (codedError) Error() string     { return "coded" }
func (codedError) ErrorType() string { return "E42" }

type listError []string

func (listError) Error() string { return "list" }

// OpenTelemetry names the type of an error, and would else name one of ours.
func TestAnyErrorHasTheTypeOfTheOriginal(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "p", Err: io.EOF}, "*fs.PathError"},
		{listError{"a"}, "github.com/asynchandler/asynchandler/internal/capture_test.listError"},
		{codedError{[]int{1}}, "E42"},
		{errors.Join(io.EOF, codedError{[]int{1}}), "E42"},
	} {
		frozen, ok := frozenAny(t, tt.err).(interface{ ErrorType() string })
		if assert.True(t, ok, "%T", tt.err) {
			assert.Equal(t, tt.want, frozen.ErrorType())
		}
	}
}

func TestAnyErrorUnderFmt(t *testing.T) {
	original := &stackError{[]string{"a b", "c"}}
	err := frozenAny(t, original)
	formats := []string{"%v", "%+v", "%s", "%q", "%10s|", "%-10v|", "%x", "%.1s"}
	var want []string
	for _, f := range formats[:3] {
		want = append(want, fmt.Sprintf(f, original))
	}
	for _, f := range formats[3:] {
		want = append(want, fmt.Sprintf(f, original.Error()))
	}
	original.frames[0] = "X"

	for i, f := range formats {
		assert.Equal(t, want[i], fmt.Sprintf(f, err), f)
	}
}

func TestAnyErrorHasTheMarshalersOfTheOriginal(t *testing.T) {
	text := failure{func() string { return "e" }}
	tests := []struct {
		name               string
		err                error
		wantJSON, wantText bool
	}{
		{"none", &text, false, false},
		{"JSON", &jsonFailure{text, jsoner{ok("1")}}, true, false},
		{"text", &textFailure{text, texter{ok("1")}}, false, true},
		{"both", &jsonTextFailure{text, jsoner{ok("1")}, texter{ok("1")}}, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := frozenAny(t, tt.err)
			assert.Implements(t, (*error)(nil), err)
			_, marshalsJSON := err.(json.Marshaler)
			_, marshalsText := err.(encoding.TextMarshaler)
			assert.Equal(t, tt.wantJSON, marshalsJSON)
			assert.Equal(t, tt.wantText, marshalsText)
		})
	}
}

func TestAnyRenderedValueInOtherEncoders(t *testing.T) {
	p := &person{Name: "<n>"}
	wantJSON, err := json.Marshal(map[string]any{"p": p})
	require.NoError(t, err)
	wantText := fmt.Sprintf("%+v", p)
	frozen := frozenAny(t, p)
	p.Name = "X"

	gotJSON, err := json.Marshal(map[string]any{"p": frozen})
	require.NoError(t, err)
	assert.Equal(t, string(wantJSON), string(gotJSON), "HTML is escaped as that encoder does")
	assert.Equal(t, wantText, fmt.Sprintf("%+v", frozen))
	assert.Equal(t, wantText, fmt.Sprint(frozen))
}

// A map that holds itself is an error under JSON and ends the process under fmt: here
// it becomes a text.
func TestDataNestedWithoutEnd(t *testing.T) {
	loop := map[string]any{}
	loop["self"] = loop
	list := []any{1}
	list[0] = list
	type hidden struct{ loop map[string]any }
	for _, v := range []any{loop, list, &list, struct{ L any }{loop}, []map[string]any{loop}, &hidden{loop}, map[any]int{&loop: 1}, reflect.ValueOf(loop)} {
		for _, p := range pairings {
			if p.madeOfAnother(v) {
				continue
			}
			var buf bytes.Buffer
			h := p.next(&buf, nil)
			r := recordOf(slog.Any("k", v))
			capture.Record(&r, p.format)
			got := shown(t, h, &buf, r)
			if p.name == "Text" || p.name == "Any behind Text" { // slog itself overflows the stack
				if reflect.TypeOf(v) != reflect.TypeFor[map[any]int]() { // whose key is a pointer
					assert.Contains(t, got, `k="!ERROR:nested deeper than 10000 levels"`)
				}
				continue
			}
			assert.Equal(t, shown(t, h, &buf, recordOf(slog.Any("k", v))), got)
		}
	}
	assert.Equal(t, "!ERROR:nested deeper than 10000 levels", fmt.Sprint(frozenAny(t, loop)))
	assert.Equal(t, "looping", fmt.Sprint(frozenAny(t, named(loop))), "fmt goes no further than to String")
}

type endless struct{}

func (endless) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("l", endless{}), slog.Any("r", endless{}))
}

func TestGroupsWithoutEnd(t *testing.T) { // P8
	attrs := make([]slog.Attr, 1)
	attrs[0] = slog.GroupAttrs("g", attrs...)
	for _, v := range []slog.Value{slog.AnyValue(endless{}), slog.GroupValue(attrs...)} {
		r := recordOf(slog.Attr{Key: "k", Value: v})
		capture.Record(&r, capture.JSON)
		var buf bytes.Buffer
		assert.Contains(t, shown(t, slog.NewJSONHandler(&buf, nil), &buf, r), `"!ERROR:more than 10000 groups"`)
	}
}
