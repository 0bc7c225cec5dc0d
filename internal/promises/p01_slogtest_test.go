package promises_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

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
