package plainjson

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// asker has slog's own handler show a value.
type asker struct {
	line bytes.Buffer
	h    slog.Handler
}

// What is before and behind the value in a line of an asker.
const (
	beforeJSON = `{"level":"INFO","msg":"","v":`
	beforeText = `level=INFO msg="" v=`
	behindJSON = "}\n"
	behindText = "\n"
)

var (
	jsonAskers = sync.Pool{New: func() any {
		a := &asker{}
		a.h = slog.NewJSONHandler(&a.line, nil)
		return a
	}}
	textAskers = sync.Pool{New: func() any {
		a := &asker{}
		a.h = slog.NewTextHandler(&a.line, nil)
		return a
	}}
)

// foreign appends what slog shows of v, by methods of the value's perhaps.
func (s *state) foreign(v slog.Value) {
	askers, before, behind := &jsonAskers, beforeJSON, behindJSON
	if s.text {
		if text, ok := capture.Endless(v); ok {
			s.string(text)
			return
		}
		askers, before, behind = &textAskers, beforeText, behindText
	}
	a := askers.Get().(*asker)
	a.line.Reset()
	var r slog.Record
	r.AddAttrs(slog.Attr{Key: "v", Value: v})
	_ = a.h.Handle(context.Background(), r) // a bytes.Buffer takes all
	line := a.line.Bytes()
	s.b = append(s.b, line[min(len(before), len(line)):max(len(before), len(line)-len(behind))]...)
	if a.line.Cap() <= maxKept {
		askers.Put(a)
	}
}
