package plainjson

import (
	"log/slog"
	"runtime"
)

// maxSites is how many places in the code are remembered. A program that logs at more of
// them looks those up anew now and then.
const maxSites = 1024

// sites are the places in the code that logged. What a program counter stands for never
// changes.
type sites map[uintptr]*site

// site is such a place, and what stands for it in a line.
type site struct {
	source slog.Source
	line   []byte
}

func (s *site) empty() bool { return s.source == slog.Source{} }

// of returns the place of a program counter, an empty one for 0.
func (m *sites) of(pc uintptr) *site {
	if s, ok := (*m)[pc]; ok {
		return s
	}
	s := new(site)
	if pc != 0 {
		f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		s.source = slog.Source{Function: f.Function, File: f.File, Line: f.Line}
	}
	if *m == nil {
		*m = sites{}
	}
	if len(*m) >= maxSites {
		clear(*m)
	}
	(*m)[pc] = s
	return s
}

// shown returns the attribute of a place.
func (s *site) shown(f *format) []byte {
	if s.line == nil {
		line := state{format: f}
		line.source(slog.SourceKey, &s.source)
		s.line = line.b
	}
	return s.line
}
