package plainjson

import (
	"bytes"
	"context"
	"log/slog"
	"time"
)

// layout is what stands in each line of a handler behind the message.
type layout struct {
	bare          string // all of it, in the line of a record without attributes
	before, after string // what is around the attributes of one that has some
	known         bool   // else nothing is plain
}

const (
	probeHead = `{"level":"INFO","msg":""`
	probeAttr = `"plain":0`
)

// learn finds the layout out from how slog writes two records that are otherwise empty.
func (h *Handler) learn() (l layout) {
	bare, ok := h.behindMessage()
	if !ok {
		return l
	}
	rest, ok := h.behindMessage(slog.Int("plain", 0))
	if !ok {
		return l
	}
	// The attributes of a record come last, so only braces follow them.
	before, ok := bytes.CutSuffix(bytes.TrimRight(rest, "}\n"), []byte(probeAttr))
	if !ok {
		return l
	}
	after := rest[len(before)+len(probeAttr):]
	return layout{bare: string(bare), before: string(before), after: string(after), known: true}
}

func (h *Handler) behindMessage(attrs ...slog.Attr) (text []byte, ok bool) {
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "", 0)
	r.AddAttrs(attrs...)
	var probe bytes.Buffer
	h.out.probe = &probe
	defer func() { h.out.probe = nil }()
	if err := h.slog.Handle(context.Background(), r); err != nil {
		return nil, false
	}
	return bytes.CutPrefix(probe.Bytes(), []byte(probeHead))
}
