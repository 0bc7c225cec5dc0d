package asynchandler

import (
	"bytes"
	"context"
	"io"
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// A ReplaceAttr sees the built-in attributes and may return groups, LogValuers or
// nothing at all: emulating that would be a second slog. So where there is one, the
// real handler renders the whole line on the caller, and the line is what waits.

// line is a rendered line. The real handler returns the error of its writer, and
// so a line returned as that error comes back to the very call that rendered it,
// without any lock. It waits as the only attribute of the record.
type line struct {
	text   []byte
	record slog.Record // what was rendered, if somebody may want it
}

func (*line) Error() string { return "asynchandler: not an error" }

// lineOf returns the line that r has, or nil if r was not rendered.
func lineOf(r *slog.Record) (l *line) {
	r.Attrs(func(a slog.Attr) bool {
		if v, ok := a.Value.Any().(line); ok {
			l = &v
		}
		return false
	})
	return l
}

// lineWriter returns each Write as the error of it.
type lineWriter struct{}

func (lineWriter) Write(p []byte) (int, error) { return len(p), &line{text: bytes.Clone(p)} }

// renderLine returns the line that render makes of r.
func renderLine(ctx context.Context, render slog.Handler, r slog.Record) (*line, error) {
	err := render.Handle(ctx, r)
	if l, ok := err.(*line); ok { //nolint:errorlint // it is returned as it is
		return l, nil
	}
	return nil, err
}

func newRenderedHandler(w io.Writer, build func(io.Writer) slog.Handler, o *options) *Handler {
	render := build(lineWriter{})
	keep := o.OnDrop != nil || o.Fallback != nil
	if onDrop := o.OnDrop; onDrop != nil {
		o.OnDrop = func(ctx context.Context, r slog.Record, reason DropReason) { onDrop(ctx, original(r), reason) }
	}
	if o.Fallback != nil {
		o.Fallback = originalHandler{o.Fallback}
	}
	o.Capture = CaptureReference // there is nothing left to capture
	maxSize := int64(o.MaxRecordSize)
	o.MaxRecordSize = 0
	h := newWriterHandler(w, func(w io.Writer) slog.Handler { return lineHandler{w, render} }, 0, o)
	h.render, h.keep, h.maxSize = render, keep, maxSize
	return h
}

// handleRendered is Handle where there is a ReplaceAttr.
func (h *Handler) handleRendered(ctx context.Context, r slog.Record) error {
	if h.keep || h.maxSize > 0 {
		capture.Record(&r, capture.Resolved) // LogValue is called once, though several ask
	}
	if h.maxSize > 0 {
		recordsize.Truncate(&r, h.maxSize) // the line is as long as it is then
	}
	l, err := renderLine(ctx, h.render, r)
	if err != nil {
		return err
	}
	if h.keep {
		capture.Record(&r, capture.Any)
		l.record = r.Clone() // whoever gets it may add attributes
	}
	rec := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	rec.AddAttrs(slog.Any("line", *l)) // not the pointer: its size must be seen
	return h.queue.Enqueue(ctx, &rec)
}

// original returns the record that was rendered, if r has a line.
func original(r slog.Record) slog.Record {
	if l := lineOf(&r); l != nil {
		return l.record
	}
	return r
}

// originalHandler gives the original records to a handler.
type originalHandler struct{ slog.Handler }

func (h originalHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(ctx, original(r))
}

func (h originalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return originalHandler{h.Handler.WithAttrs(attrs)}
}

func (h originalHandler) WithGroup(name string) slog.Handler {
	return originalHandler{h.Handler.WithGroup(name)}
}

// lineHandler writes rendered lines, which have the attributes and groups of the
// handler they were logged through.
type lineHandler struct {
	w      io.Writer
	render slog.Handler
}

func (h lineHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.render.Enabled(ctx, level)
}

func (h lineHandler) Handle(ctx context.Context, r slog.Record) (err error) {
	l := lineOf(&r)
	if l == nil { // a drop report
		if l, err = renderLine(ctx, h.render, r); err != nil {
			return err
		}
	}
	_, err = h.w.Write(l.text)
	return err
}

func (h lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h lineHandler) WithGroup(string) slog.Handler      { return h }
