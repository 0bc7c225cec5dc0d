package stdlog

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// handler renders records as the default handler does. Attributes and groups
// are left to a [slog.TextHandler], which shows them the same way. All before
// them, the head of the line, passes through it as the message.
type handler struct {
	given  slog.Handler // says what is enabled
	header header
	attrs  string // those the given handler was derived with
	text   slog.Handler
}

var _ slog.Handler = (*handler)(nil)

func newHandler(w io.Writer, given slog.Handler, hd header, from derivation) *handler {
	text := slog.NewTextHandler(&unwrapper{w: w}, nil)
	return &handler{given: given, header: hd, attrs: from.attrs, text: from.open(text)}
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.given.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	var buf [256]byte // spares most heads the heap
	head := h.header.append(buf[:0], r.Time, r.PC)
	head = append(head, r.Level.String()...)
	head = append(head, ' ')
	head = append(head, r.Message...)
	if h.attrs != "" {
		head = append(head, ' ')
		head = append(head, h.attrs...)
	}
	r.Time, r.Level, r.PC, r.Message = time.Time{}, slog.LevelInfo, 0, string(head)
	return h.text.Handle(ctx, r)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(h.text.WithAttrs(attrs))
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(h.text.WithGroup(name))
}

func (h *handler) with(text slog.Handler) *handler {
	h2 := *h
	h2.text = text
	return &h2
}

// wrapping is what the text handler puts before a message. The message follows
// in quotes, for a head always has a space in it.
const wrapping = "level=INFO msg="

// unwrapper makes lines of the default handler's kind of a text handler's
// lines. That the head travels with the line, quoted, spares a lock held
// while attributes are rendered: they may be the caller's code, and log themselves.
type unwrapper struct {
	w    io.Writer
	line []byte // reused: a text handler serializes Writes, of derived handlers too
}

func (u *unwrapper) Write(p []byte) (int, error) {
	u.line = appendUnwrapped(u.line[:0], p)
	_, err := u.w.Write(u.line)
	if cap(u.line) > maxKept {
		u.line = nil
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// maxKept bounds what one long line leaves allocated.
const maxKept = 64 << 10

// appendUnwrapped appends the line in p to b, or p should it not look as expected.
func appendUnwrapped(b, p []byte) []byte {
	s, ok := strings.CutPrefix(string(p), wrapping)
	if !ok {
		return append(b, p...)
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return append(b, p...)
	}
	head, err := strconv.Unquote(quoted)
	if err != nil {
		return append(b, p...)
	}
	b = append(b, head...)
	// Package log ends a line only if the line does not end itself.
	if rest := s[len(quoted):]; rest != "\n" || !strings.HasSuffix(head, "\n") {
		b = append(b, rest...)
	}
	return b
}
