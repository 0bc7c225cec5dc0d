// Package capture freezes the attributes of a log record on the goroutine that
// logs it, so that a handler may see the record later, on another goroutine,
// and still show what it would have shown at the call:
//
//	func (h *handler) Handle(ctx context.Context, r slog.Record) error {
//		capture.Record(&r, capture.JSON)
//		h.queue <- r
//		return nil
//	}
//
// Each value that may still change is treated in the cheapest way that keeps
// the output right:
//
//   - Values of pointer-free types, nil pointers, time.Time and the errors of
//     errors.New and fmt.Errorf cannot change and are kept.
//   - Byte slices, and slices and maps of basic types without methods, are
//     copied and keep their type, as does [slog.Source].
//   - Other errors become text or, for a handler that is not known, an error
//     with the same text that unwraps to the original.
//   - Everything else is rendered by the rules of the handler that will show it,
//     and by no others: a value may be expensive or racy under other rules.
//
// Values are never deep-copied: a copy would read fields that no rule reads.
// One thing comes out differently: JSON nested deeper than 10000 levels, which
// encoding/json writes once but refuses to take as rendered.
//
// # Panics
//
// A panic in a method of a value (LogValue, MarshalJSON, String, Error, ...) is
// recovered and shown as slog's handlers show it. A method that calls
// runtime.Goexit ends the goroutine that logs, as it would without this package.
package capture

import (
	"log/slog"
	"slices"

	"github.com/asynchandler/asynchandler/internal/peek"
)

// Format says by which rules the next handler shows values.
type Format uint8

const (
	// Any is for a handler that is not known: the frozen value shows right under
	// the rules of both of slog's handlers and keeps its type where it can.
	Any Format = iota
	// JSON is for [slog.JSONHandler].
	JSON
	// Text is for [slog.TextHandler].
	Text
	// Resolved keeps all values and only resolves LogValuers, for a record that is
	// shown more than once.
	Resolved
)

// inlineAttrs is the number of attributes that Record collects on the stack.
const inlineAttrs = 8

// Record freezes the attributes of r in place, groups included, and resolves
// their LogValuers. A record of values that cannot change is left untouched.
func Record(r *slog.Record, f Format) {
	if !canChange(r) {
		return
	}
	var inline [inlineAttrs]slog.Attr
	attrs := inline[:0]
	if n := r.NumAttrs(); n > len(inline) {
		attrs = make([]slog.Attr, 0, n)
	}
	front, back := peek.Attrs(r)
	attrs = appendFrozen(attrs, front, f)
	attrs = appendFrozen(attrs, back, f)
	frozen := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	frozen.AddAttrs(attrs...)
	*r = frozen
}

// Attrs returns a frozen copy of attrs, groups included.
func Attrs(attrs []slog.Attr, f Format) []slog.Attr {
	frozen := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		// Handlers may ignore a list that holds nothing but empty groups, so
		// these stay what they are.
		if !isEmptyGroup(a.Value) {
			a.Value = freeze(a.Value, f)
		}
		frozen[i] = a
	}
	return frozen
}

func appendFrozen(frozen, attrs []slog.Attr, f Format) []slog.Attr {
	for i := range attrs {
		frozen = append(frozen, slog.Attr{Key: attrs[i].Key, Value: freeze(attrs[i].Value, f)})
	}
	return frozen
}

// canChange reports whether an attribute of r can still change.
func canChange(r *slog.Record) bool {
	front, back := peek.Attrs(r)
	return slices.ContainsFunc(front, attrCanChange) || slices.ContainsFunc(back, attrCanChange)
}

func attrCanChange(a slog.Attr) bool {
	switch a.Value.Kind() {
	case slog.KindLogValuer, slog.KindGroup:
		return true
	case slog.KindAny:
		return !isKept(a.Value.Any())
	default:
		return false
	}
}

// freeze returns a value that shows for ever what v shows now.
func freeze(v slog.Value, f Format) slog.Value {
	if v.Kind() == slog.KindLogValuer {
		v = v.Resolve()
	}
	switch v.Kind() {
	case slog.KindGroup:
		return freezeGroup(v.Group(), f)
	case slog.KindAny:
		return freezeAny(v, f)
	default:
		return v
	}
}

// freezeGroup copies attrs even if all of them are plain: the slice may be the caller's.
func freezeGroup(attrs []slog.Attr, f Format) slog.Value {
	if len(attrs) == 0 {
		return slog.AnyValue(emptyGroup{})
	}
	frozen := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		frozen[i] = slog.Attr{Key: a.Key, Value: freeze(a.Value, f)}
	}
	return slog.GroupValue(frozen...)
}

// emptyGroup stands for a group without attributes that was found only while
// freezing. slog drops empty groups when a record or a group is built, but not
// those that a LogValuer resolves to: they count as something shown, and so the
// group around them is opened. A LogValuer gets past the first check.
type emptyGroup struct{}

// LogValue returns a group without attributes.
func (emptyGroup) LogValue() slog.Value { return slog.GroupValue() }

func isEmptyGroup(v slog.Value) bool {
	return v.Kind() == slog.KindGroup && len(v.Group()) == 0
}
