package known

import (
	"context"
	"log/slog"
	"reflect"
	"sync"

	"github.com/asynchandler/asynchandler/internal/capture"
	"github.com/asynchandler/asynchandler/internal/peek"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

var readies sync.Map // reflect.Type of a handler to its ready

type ready = func(h slog.Handler, r *slog.Record) (through slog.Handler, size, extra int64)

// RegisterReady makes known how handlers of the type H do what [Ready] says.
func RegisterReady[H slog.Handler](f func(h H, r *slog.Record) (through slog.Handler, size, extra int64)) {
	readies.Store(reflect.TypeFor[H](), func(h slog.Handler, r *slog.Record) (slog.Handler, int64, int64) { return f(h.(H), r) })
}

// Readies reports whether h itself knows how to do what [Ready] says.
func Readies(h slog.Handler) bool {
	_, ok := readies.Load(reflect.TypeOf(h))
	return ok
}

// Ready does with the values of r now what h would do if it were given r now, for somebody
// who gives it r later: they are captured, replaced and cut. After that r is to be given, as
// it is then, to through instead of h, as often as need be. size is what its message and values
// hold, be they in r or in through, and extra what was made to keep them.
func Ready(h slog.Handler, r *slog.Record) (through slog.Handler, size, extra int64) {
	if f, ok := readies.Load(reflect.TypeOf(h)); ok {
		return f.(ready)(h, r)
	}
	facts := Of(h)
	if !facts.Replaces {
		return h, capture.Sized(r, facts.Format), 0
	}
	if size, plain := recordsize.OfPlain(r); plain {
		return h, size, 0
	}
	return handOver(h, r, facts.Format)
}

// DerivedBytes is what handlers that were made for one record take, about, without the text of
// the attributes: 230 to 260 bytes were measured for one of slog's, and for one of ours.
const DerivedBytes = 256

// handOver gives the attributes of r to h, one of slog's own, which formats them.
func handOver(h slog.Handler, r *slog.Record, f capture.Format) (through slog.Handler, size, extra int64) {
	capture.Record(r, capture.Resolved)
	attrs := peek.Collect(r)
	if f == capture.Text {
		attrs = capture.WithoutEndless(attrs)
	}
	through = h.WithAttrs(attrs)
	size = recordsize.Of(r)
	*r = slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	if formatted := Formatted(through); formatted > 0 { // else it cannot be told
		size = int64(formatted) + recordsize.Of(r) // all of it is a copy
	}
	return through, size, DerivedBytes
}

// ReadyCopy is [Ready] for a copy of r, which through has: whatever record through is given,
// it gives h that one.
func ReadyCopy(h slog.Handler, r *slog.Record) (through slog.Handler, size, extra int64) {
	own := r.Clone()
	through, size, extra = Ready(h, &own)
	return &holding{through, own}, size, extra + holdingBytes
}

// holding gives a handler the record that was made ready for it.
type holding struct {
	slog.Handler

	rec slog.Record
}

var holdingBytes = int64(reflect.TypeFor[holding]().Size())

// Handle gives the handler its own record.
func (h *holding) Handle(ctx context.Context, _ slog.Record) error {
	return h.Handler.Handle(ctx, h.rec.Clone()) // cloned: next may add to it, and get it again
}
