// Package peek reads the attributes of a [slog.Record] where they are.
//
// Through [slog.Record.Attrs] a reader pays for a copy of the record, which is 288 bytes,
// and for a call per attribute. Without that a log call costs 27 ns besides slog itself
// instead of 37, with three attributes (BenchmarkAddedCost of the root package), and in
// bursts with eight 117 instead of 167 (internal/benchmarks, call).
//
// The fields of a Record are not exported, so this package finds them by name at
// initialization and tries them on a record. Under a slog that has others, and with the
// build tag purego, it copies the attributes by Attrs into memory that it lends.
package peek

import (
	"log/slog"
	"sync"
)

// Loan is memory that [Attrs] may have lent.
type Loan struct{ attrs *[]slog.Attr }

// End gives the memory back. What Attrs returned with it must not be used any more.
func (l Loan) End() {
	if l.attrs != nil {
		takeBack(l.attrs)
	}
}

// Collect returns the attributes of r in memory of their own.
func Collect(r *slog.Record) []slog.Attr {
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	front, back, loan := Attrs(r)
	defer loan.End()
	return append(append(attrs, front...), back...)
}

// maxKept is how many attributes memory may have room for that is lent again.
const maxKept = 256

var memory = sync.Pool{New: func() any { return new([]slog.Attr) }}

// lend returns the attributes of r by slog's own means, in memory that is lent.
func lend(r *slog.Record) (attrs []slog.Attr, loan Loan) {
	lent := memory.Get().(*[]slog.Attr)
	attrs = (*lent)[:0]
	for a := range r.Attrs {
		attrs = append(attrs, a)
	}
	*lent = attrs
	return attrs, Loan{lent}
}

func takeBack(lent *[]slog.Attr) {
	if cap(*lent) > maxKept {
		return
	}
	clear(*lent) // it must not keep values alive
	*lent = (*lent)[:0]
	memory.Put(lent)
}
