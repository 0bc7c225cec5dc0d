package plainjson

import (
	"reflect"
	"slices"

	"github.com/asynchandler/asynchandler/internal/lists"
)

// strings appends x if encoding/json escapes nothing of it: it has escapes that slog has not.
func (s *state) strings(x []string) (plain bool) {
	if x == nil {
		s.b = append(s.b, "null"...)
		return true
	}
	start := len(s.b)
	s.b = append(s.b, '[')
	for i, text := range x {
		if i > 0 {
			s.b = append(s.b, ',')
		}
		if !isPlain(text) {
			s.b = s.b[:start]
			return false
		}
		s.quoted(text)
	}
	s.b = append(s.b, ']')
	return true
}

func (s *state) quoted(text string) {
	s.b = append(s.b, '"')
	s.b = append(s.b, text...)
	s.b = append(s.b, '"')
}

// lists appends x if it is a map of lists of strings, by its keys as encoding/json has them.
func (s *state) lists(x any) (plain bool) {
	if !lists.Is(reflect.TypeOf(x)) {
		return false
	}
	m := lists.Of(reflect.ValueOf(x))
	if m == nil {
		s.b = append(s.b, "null"...)
		return true
	}
	var memory [16]string
	keys := memory[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	start := len(s.b)
	s.b = append(s.b, '{')
	for i, key := range keys {
		if i > 0 {
			s.b = append(s.b, ',')
		}
		s.quoted(key)
		s.b = append(s.b, ':')
		if !isPlain(key) || !s.strings(m[key]) {
			s.b = s.b[:start]
			return false
		}
	}
	s.b = append(s.b, '}')
	return true
}
