package archive_test

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/archive"
)

type (
	plainBytes   []byte
	letter       byte
	letters      []letter
	loud         byte
	louds        []loud
	stringBytes  []byte
	textBytes    []byte
	jsonBytes    []byte
	bothBytes    []byte
	errorBytes   []byte
	badJSONBytes []byte
	panicBytes   []byte
)

func (l loud) MarshalText() ([]byte, error)      { return []byte{'!', byte(l)}, nil }
func (b stringBytes) String() string             { return "string of " + string(b) }
func (b textBytes) MarshalText() ([]byte, error) { return []byte("text of " + string(b)), nil }
func (b jsonBytes) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{"<len>": len(b)})
}
func (b bothBytes) MarshalText() ([]byte, error)    { return []byte("text"), nil }
func (b bothBytes) MarshalJSON() ([]byte, error)    { return []byte(`"json"`), nil }
func (b bothBytes) String() string                  { return "string" }
func (b errorBytes) Error() string                  { return "error\n<" + string(b) + ">" }
func (b badJSONBytes) MarshalJSON() ([]byte, error) { return nil, errors.New("no <JSON>") }
func (b panicBytes) String() string                 { panic("string") }

// What is read shows the same as what was written by slog's handlers, and by fmt if that is not
// about a text of its own, also after it was written and read once more.
func TestValuesShowTheSame(t *testing.T) {
	values := map[string]any{"nil source": (*slog.Source)(nil), "empty source": &slog.Source{}, "source": &slog.Source{File: "x.go", Line: 3}}
	values["URL"], values["header"] = &url.URL{Host: "h", Path: "a b"}, http.Header{"A": {"b"}}
	for name, b := range map[string][]byte{"nil": nil, "empty": {}, "word": []byte("word"), "text": []byte("two words\n"), "binary": {0, 0xFF, 7, 0x80}} {
		var small letters
		var big louds
		if b != nil {
			small, big = letters{}, louds{}
		}
		for _, c := range b {
			small, big = append(small, letter(c)), append(big, loud(c))
		}
		for _, x := range []any{
			b, json.RawMessage(`"raw"`), net.HardwareAddr(b), net.IPMask(b), net.IP(b), plainBytes(b), small, big, stringBytes(b), textBytes(b),
			jsonBytes(b), bothBytes(b), errorBytes(b), badJSONBytes(b), panicBytes(b),
		} {
			values[fmt.Sprintf("%T %s", x, name)] = x
		}
	}
	for name, x := range values {
		t.Run(name, func(t *testing.T) {
			var r slog.Record
			r.AddAttrs(slog.Any("a", x), slog.Group("g", slog.Any("b", x)))
			want := shown(t, r)
			plain := fmt.Sprintf("%v", x)
			for range 2 {
				got, err := new(archive.Codec).Read(new(archive.Codec).Append(nil, nil, &r))
				require.NoError(t, err)
				r = got.Record
				require.Equal(t, want, shown(t, r))
				for a := range r.Attrs {
					_, source := x.(*slog.Source)
					if _, text := x.(encoding.TextMarshaler); a.Key == "a" && !source && !text {
						require.Equal(t, plain, fmt.Sprintf("%v", a.Value.Any()))
					}
				}
			}
		})
	}
}
