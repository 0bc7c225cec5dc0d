// Package plainjson writes what [slog.JSONHandler] writes, byte for byte, and takes a
// third of its time for records of plain values, which most are:
//
//	h := plainjson.New(w, nil) // instead of slog.NewJSONHandler(w, nil)
//
// A record is plain if its attributes are strings, numbers, booleans, durations, times,
// the errors of [errors.New] and [fmt.Errorf] and groups of these, and if no string of it
// needs escaping. There is little to decide about such a record, only bytes to copy. All
// others, and what WithAttrs and WithGroup add, are left to a slog.JSONHandler, so that
// slog's rules are in slog alone.
//
// The first plain line of a [Handler] is slog's own, and shows where the attributes of a
// record stand. That line costs half as much again as with slog alone, the next ones a
// third; a handler that is derived for two records costs the same.
//
// slog of another Go release might write something else: so [New] compares the two
// once per process, and returns slog's handler if they differ.
package plainjson

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math"
	"sync"
	"time"
)

// Handler is a [slog.Handler]. Handle must not be called concurrently, neither on one
// Handler nor on those derived from it: it is for a worker, and does without a lock. All
// other methods may be called at any time.
type Handler struct {
	slog slog.Handler // writes to out
	out  *output

	// Handle's alone.
	bare layout // of records without attributes: slog shows no empty groups
	full layout
}

var _ slog.Handler = (*Handler)(nil)

// output is what a Handler and those derived from it share.
type output struct {
	w     io.Writer
	line  []byte // memory of the line being made
	clock clock

	learning bool // slog's line goes to learned instead of w
	learned  []byte
}

// kept returns the memory of a line for the next one, unless it is much; slog keeps as much.
func kept(line []byte) []byte {
	if cap(line) > maxKept {
		return nil
	}
	return line[:0]
}

const maxKept = 16 << 10

// Write is for the slog.JSONHandler.
func (o *output) Write(p []byte) (int, error) {
	if o.learning {
		o.learned = append(o.learned, p...)
		return len(p), nil
	}
	return o.w.Write(p)
}

// New returns a handler that writes to w, or slog's own if a line is not made of plain
// values alone: with AddSource, with ReplaceAttr, or under a slog that writes another
// format. ho may be nil.
func New(w io.Writer, ho *slog.HandlerOptions) slog.Handler {
	if ho != nil && (ho.AddSource || ho.ReplaceAttr != nil) || !sameAsSlog() {
		return slog.NewJSONHandler(w, ho)
	}
	return newHandler(w, ho)
}

func newHandler(w io.Writer, ho *slog.HandlerOptions) *Handler {
	out := &output{w: w}
	return &Handler{slog: slog.NewJSONHandler(out, ho), out: out}
}

// sameAsSlog reports whether slog writes plain records as this package does.
var sameAsSlog = sync.OnceValue(func() bool {
	var ours, slogs bytes.Buffer
	for _, to := range []slog.Handler{newHandler(&ours, nil), slog.NewJSONHandler(&slogs, nil)} {
		h := to.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("h")
		for _, zone := range []*time.Location{time.UTC, time.UTC, time.FixedZone("", -5400)} { // the first one only shows the layout
			at := time.Date(2026, 1, 2, 3, 4, 5, 60_700, zone)
			r := slog.NewRecord(at, slog.LevelWarn+1, "message, é", 0)
			r.AddAttrs(slog.String("s", "<&>"), slog.String("", ""), slog.Int("i", math.MinInt), slog.Uint64("u", math.MaxUint64),
				slog.Float64("f", -1.5), slog.Float64("g", 1e20), slog.Bool("b", true), slog.Duration("d", time.Second),
				slog.Time("t", at), slog.Any("e", io.EOF), slog.Group("g", slog.Int("i", 1)))
			if h.Handle(context.Background(), r) != nil {
				return false
			}
		}
	}
	return bytes.Equal(ours.Bytes(), slogs.Bytes())
})

// Enabled reports whether records of that level are handled.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.slog.Enabled(ctx, level)
}

// WithAttrs returns a handler whose lines have these attributes too.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{slog: h.slog.WithAttrs(attrs), out: h.out}
}

// WithGroup returns a handler whose lines have what follows in a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{slog: h.slog.WithGroup(name), out: h.out}
}

// Handle writes the line of r.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	l := &h.full
	if r.NumAttrs() == 0 {
		l = &h.bare
	}
	if l.state == foreign {
		return h.slog.Handle(ctx, r)
	}
	line, head, plain := h.out.appendLine(&r, l)
	h.out.line = kept(line)
	switch {
	case !plain:
		return h.slog.Handle(ctx, r)
	case l.state == unknown:
		return h.learn(ctx, &r, l, line[:head], line[head:])
	}
	_, err := h.out.w.Write(line)
	return err
}
