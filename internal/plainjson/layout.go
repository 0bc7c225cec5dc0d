package plainjson

import (
	"bytes"
	"context"
	"log/slog"
)

// layout is what stands in each line of a handler around the attributes of a record.
type layout struct {
	state         state
	before, after string
}

type state uint8

const (
	unknown state = iota
	known
	foreign // slog writes something else than this package
)

// learn lets slog write the line of r, and finds out from it what stands around the
// attributes. head is what comes first in a line of this package.
func (h *Handler) learn(ctx context.Context, r *slog.Record, l *layout, head, attrs []byte) error {
	line, err := h.slogsLine(ctx, r)
	if err != nil {
		return err
	}
	*l = layoutOf(line, head, attrs)
	_, err = h.out.w.Write(line)
	return err
}

func (h *Handler) slogsLine(ctx context.Context, r *slog.Record) ([]byte, error) {
	o := h.out
	o.learning = true
	defer func() {
		o.learning = false
		o.learned = kept(o.learned)
	}()
	err := h.slog.Handle(ctx, *r)
	return o.learned, err
}

// layoutOf returns the layout of a line that is head, something, attrs, some braces and a
// newline.
func layoutOf(line, head, attrs []byte) layout {
	behind, ok := bytes.CutPrefix(line, head)
	if !ok {
		return layout{state: foreign}
	}
	end := len(bytes.TrimRight(behind, "}\n"))
	for ; end < len(behind); end++ { // attrs may have braces at the end too
		if before, ok := bytes.CutSuffix(behind[:end], attrs); ok {
			return layout{known, string(before), string(behind[end:])}
		}
	}
	return layout{state: foreign}
}
