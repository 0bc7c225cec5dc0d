package capture_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/capture"
)

type onlyJSON struct{ Hidden map[string]int }

func (onlyJSON) MarshalJSON() ([]byte, error) { return []byte(`{"shown":true}`), nil }

func TestShownTextIsWhatTheHandlersShow(t *testing.T) {
	_, err := json.Marshal(json.RawMessage("{"))
	broken := "!ERROR:" + err.Error() // another one in each release of Go
	for _, tt := range []struct {
		name            string
		value           any
		json, text, any string
	}{
		{"error", errors.New(`a "b"`), `a "b"`, `a "b"`, `a "b"`},
		{"path error", &fs.PathError{Op: "open", Path: "p", Err: fs.ErrExist}, "open p: file already exists", "open p: file already exists", "open p: file already exists"},
		{"bytes", []byte("abc"), "YWJj", "abc", "abc"},
		{"bytes with String", secret("abc"), "YWJj", "abc", "hidden"},
		{"raw JSON", json.RawMessage(`{"a": 1}`), `{"a":1}`, `{"a": 1}`, `{"a":1}`},
		{"raw JSON string", json.RawMessage(`"a\nb"`), "a\nb", `"a\nb"`, "a\nb"},
		{"broken JSON", json.RawMessage(`{`), broken, "{", broken},
		{"struct", point{1, 2}, `{"X":1,"Y":2}`, "{X:1 Y:2}", "{X:1 Y:2}"},
		{"method for JSON alone", onlyJSON{}, `{"shown":true}`, "{Hidden:map[]}", `{"shown":true}`},
		{"method for text", flag(1), `"flag 1"`[1:7], "flag 1", "flag 1"},
		{"source", &slog.Source{File: "f.go", Line: 3}, `{"function":"","file":"f.go","line":3}`, "f.go:3", "&{Function: File:f.go Line:3}"},
		{"nil", nil, "null", "<nil>", "<nil>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.json, capture.ShownText(tt.value, capture.JSON))
			assert.Equal(t, tt.text, capture.ShownText(tt.value, capture.Text))
			assert.Equal(t, tt.any, capture.ShownText(tt.value, capture.Any))
		})
	}
}

// What capture made of a value is shown as the value was.
func TestShownTextOfCapturedValues(t *testing.T) {
	for _, v := range values() {
		for _, f := range []capture.Format{capture.JSON, capture.Text} {
			x, _ := v.make()
			if _, isLogValuer := x.(slog.LogValuer); isLogValuer {
				continue // capture resolves it
			}
			want := capture.ShownText(x, f)
			frozen := capture.Attrs([]slog.Attr{slog.Any("k", x)}, f)[0].Value
			if frozen.Kind() == slog.KindAny {
				assert.Equal(t, want, capture.ShownText(frozen.Any(), f), "%s %d", v.name, f)
			}
		}
	}
}
