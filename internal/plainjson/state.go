package plainjson

import (
	"log/slog"
	"strconv"
	"time"
)

// state is where a line is. It follows slog's handler step by step, as what a ReplaceAttr
// may leave of a record has many shapes.
type state struct {
	*format

	b         []byte
	separator bool     // is due before the next key
	prefix    []byte   // of keys in a text: the open groups
	groups    []string // the same for a ReplaceAttr, nil where it is told none
	clock     *clock   // of the time of a record
}

func (s *state) separate() {
	if !s.separator {
		return
	}
	if s.text {
		s.b = append(s.b, ' ')
	} else {
		s.b = append(s.b, ',')
	}
}

// separateAfter says that attributes stand before the next key.
func (s *state) separateAfter(attrs []byte) {
	s.separator = s.text || attrs[len(attrs)-1] != '{'
}

func (s *state) key(key string) {
	s.separate()
	s.separator = true
	if !s.text {
		s.b = append(s.b, '"')
		s.b = appendEscaped(s.b, key)
		s.b = append(s.b, `":`...)
		return
	}
	switch {
	case len(s.prefix) == 0:
		s.b = appendText(s.b, key)
	case needsQuotes(key) || needsQuotes(string(s.prefix)):
		s.b = appendQuoted(s.b, string(s.prefix)+key)
	default:
		s.b = append(append(s.b, s.prefix...), key...)
	}
	s.b = append(s.b, '=')
}

func (s *state) string(text string) {
	if s.text {
		s.b = appendText(s.b, text)
		return
	}
	s.b = append(s.b, '"')
	s.b = appendEscaped(s.b, text)
	s.b = append(s.b, '"')
}

// attrs appends attributes, and reports whether any is shown.
func (s *state) attrs(attrs []slog.Attr) (some bool) {
	for i := range attrs {
		if s.attr(attrs[i]) {
			some = true
		}
	}
	return some
}

// attr appends an attribute, and reports whether it is shown; slog says so of an empty group.
func (s *state) attr(a slog.Attr) (some bool) {
	kind := a.Value.Kind()
	if kind == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
		kind = a.Value.Kind()
	}
	if s.replace != nil && kind != slog.KindGroup {
		if a = s.replace(s.groups, a); a.Value.Kind() == slog.KindLogValuer {
			a.Value = a.Value.Resolve()
		}
		kind = a.Value.Kind()
	}
	switch kind {
	case slog.KindGroup:
		return s.group(a.Key, a.Value.Group())
	case slog.KindAny:
		x := a.Value.Any()
		if x == nil && a.Key == "" {
			return false
		}
		if source, ok := x.(*slog.Source); ok {
			return s.source(a.Key, source)
		}
	}
	s.key(a.Key)
	s.value(a.Value, kind)
	return true
}

func isEmptyGroup(v slog.Value) bool {
	return v.Kind() == slog.KindGroup && len(v.Group()) == 0
}

// group appends the members of a group. One that turns out to be empty leaves traces in what
// follows, under a slog that leaves them.
func (s *state) group(name string, attrs []slog.Attr) (some bool) {
	if len(attrs) == 0 {
		return true
	}
	start, separator, prefix, groups := len(s.b), s.separator, len(s.prefix), len(s.groups)
	if name != "" {
		s.openGroup(name)
	}
	if !s.attrs(attrs) {
		s.b = s.b[:start]
		if forgetsEmptyGroups() {
			s.separator, s.prefix, s.groups = separator, s.prefix[:prefix], s.groups[:groups]
		}
		return false
	}
	if name != "" {
		s.closeGroup(name)
	}
	return true
}

func (s *state) open(groups []string) {
	for _, name := range groups {
		s.openGroup(name)
	}
}

func (s *state) openGroup(name string) {
	if s.text {
		s.prefix = append(append(s.prefix, name...), '.')
	} else {
		s.key(name)
		s.b = append(s.b, '{')
		s.separator = false
	}
	if s.groups != nil {
		s.groups = append(s.groups, name)
	}
}

func (s *state) closeGroup(name string) {
	if s.text {
		s.prefix = s.prefix[:len(s.prefix)-len(name)-1]
	} else {
		s.b = append(s.b, '}')
	}
	s.separator = true
	if s.groups != nil {
		s.groups = s.groups[:len(s.groups)-1]
	}
}

// source appends a source, which is a group in JSON.
func (s *state) source(key string, source *slog.Source) (some bool) {
	switch {
	case source == nil || *source == slog.Source{}:
		return false
	case s.text:
		s.key(key)
		s.string(source.File + ":" + strconv.Itoa(source.Line))
		return true
	}
	var members [3]slog.Attr
	attrs := members[:0]
	if source.Function != "" {
		attrs = append(attrs, slog.String("function", source.Function))
	}
	if source.File != "" {
		attrs = append(attrs, slog.String("file", source.File))
	}
	if source.Line != 0 {
		attrs = append(attrs, slog.Int("line", source.Line))
	}
	return s.group(key, attrs)
}

// timeBy appends a time that is of the same second as others.
func (s *state) timeBy(c *clock, t time.Time) {
	if b, plain := c.appendTime(s.b, t); plain {
		s.b = b
		return
	}
	s.foreign(slog.TimeValue(t))
}

func (s *state) time(t time.Time) {
	switch {
	case s.clock != nil:
		s.timeBy(s.clock, t)
	case !hasPlainYear(t):
		s.foreign(slog.TimeValue(t))
	case s.text:
		s.b = t.AppendFormat(s.b, rfc3339Millis)
	default:
		s.b = append(s.b, '"')
		s.b = t.AppendFormat(s.b, time.RFC3339Nano)
		s.b = append(s.b, '"')
	}
}
