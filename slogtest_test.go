package asynchandler_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// flavor is a way to make a handler, and the handler of slog that it must be like.
type flavor struct {
	name     string
	json     bool
	original func(io.Writer, *slog.HandlerOptions) slog.Handler
	make     func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler
}

func newJSON(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, ho) }

func newText(w io.Writer, ho *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, ho) }

// over returns what makes a handler with New over the original.
func over(original func(io.Writer, *slog.HandlerOptions) slog.Handler) func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler {
	return func(w io.Writer, ho *slog.HandlerOptions, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.New(original(w, ho), opts...)
	}
}

// building returns what makes a handler with NewWriterHandler of the original.
func building(original func(io.Writer, *slog.HandlerOptions) slog.Handler) func(io.Writer, *slog.HandlerOptions, ...asynchandler.Option) *asynchandler.Handler {
	return func(w io.Writer, ho *slog.HandlerOptions, opts ...asynchandler.Option) *asynchandler.Handler {
		return asynchandler.NewWriterHandler(w, func(w io.Writer) slog.Handler { return original(w, ho) }, opts...)
	}
}

var flavors = []flavor{
	{"NewJSONHandler", true, newJSON, asynchandler.NewJSONHandler},
	{"NewTextHandler", false, newText, asynchandler.NewTextHandler},
	{"New over JSON", true, newJSON, over(newJSON)},
	{"New over text", false, newText, over(newText)},
	{"NewWriterHandler of JSON", true, newJSON, building(newJSON)},
	{"NewWriterHandler of text", false, newText, building(newText)},
}

// small is room enough for most tests; the default takes megabytes.
var small = asynchandler.WithCapacity(64)

func TestSlogtest(t *testing.T) { // P1
	settings := []struct {
		name string
		ho   *slog.HandlerOptions
	}{
		{"plain", nil},
		{"ReplaceAttr", &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return a }}},
	}
	for _, f := range flavors {
		for _, s := range settings {
			t.Run(f.name+"/"+s.name, func(t *testing.T) { slogtestStack(t, f, alone(s.ho), "") })
			t.Run(f.name+"/"+s.name+"/derived", func(t *testing.T) { slogtestStack(t, f, alone(s.ho), "prefix") })
		}
	}
}

// alone is the stack of a handler by itself.
func alone(ho *slog.HandlerOptions) func(flavor, io.Writer) (slog.Handler, queue) {
	return func(f flavor, w io.Writer) (slog.Handler, queue) {
		h := f.make(w, ho, small)
		return h, h
	}
}

// merged returns m with those of the keys that from has.
func merged(m, from map[string]any, keys ...string) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	for _, k := range keys {
		if v, ok := from[k]; ok {
			m[k] = v
		}
	}
	return m
}

// parse returns what one line of the flavor says.
func (f flavor) parse(t *testing.T, line string) map[string]any {
	t.Helper()
	if !f.json {
		m, err := parseText(line)
		require.NoError(t, err)
		return m
	}
	m := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(line), &m))
	return m
}

// parseText understands lines of a text handler without quotes, as slogtest's are.
func parseText(line string) (map[string]any, error) {
	top := map[string]any{}
	for field := range strings.FieldsSeq(line) {
		path, value, ok := strings.Cut(field, "=")
		if !ok {
			return nil, fmt.Errorf("no value in %q", field)
		}
		keys := strings.Split(path, ".")
		m := top
		for _, k := range keys[:len(keys)-1] {
			inner, ok := m[k].(map[string]any)
			if !ok {
				inner = map[string]any{}
				m[k] = inner
			}
			m = inner
		}
		m[keys[len(keys)-1]] = value
	}
	return top, nil
}
