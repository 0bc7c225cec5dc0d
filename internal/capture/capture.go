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
//   - Values of types without pointers and without methods that show them, some
//     types of the standard library and the errors of errors.New cannot change and
//     are kept. Those of fmt.Errorf become their text where that is all that is
//     shown, so that what they wrap is not kept alive.
//   - Byte slices, and slices and maps of basic types without methods, are
//     copied and keep their type, as do maps of lists of strings such as the headers of
//     HTTP, [slog.Source] and [net/url.URL].
//   - Other errors become text or, for a handler that is not known, an error
//     with the same text that unwraps to the original.
//   - Everything else is rendered by the rules of the handler that will show it,
//     and by no others: a value may be expensive or racy under other rules.
//
// Methods that show a value run here, also those of a type without pointers: they
// may read what changes. Under [Any] a value that has such methods is asked by these
// alone, and a form that it has no method for is made of one that it has; only a value
// without any is read by reflection. What is rendered has the methods of the original.
//
// Values are never deep-copied: a copy would read fields that no rule reads.
// Two things come out differently: JSON nested deeper than 10000 levels, which
// encoding/json writes once but refuses to take as rendered, and data that slog
// would follow until the stack is full.
//
// # Panics
//
// A panic in a method of a value (LogValue, MarshalJSON, String, Error, ...) is
// recovered and shown as slog's handlers show it. A method that calls
// runtime.Goexit ends the goroutine that logs, as it would without this package.
package capture

import (
	"log/slog"
	"strings"

	"github.com/asynchandler/asynchandler/internal/peek"
	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// Format says by which rules the next handler shows values.
type Format uint8

const (
	// Any is for a handler that is not known.
	Any Format = iota
	// JSON is for [slog.JSONHandler].
	JSON
	// Text is for [slog.TextHandler].
	Text
	// Resolved keeps all values. It resolves LogValuers and copies groups, for a record
	// that is shown more than once.
	Resolved
)

// Copy is added to a Format if strings share memory that is used again: they are
// copied too, those of the record and those within values.
const Copy Format = 1 << 7

func (f Format) rules() Format { return f &^ Copy }
func (f Format) copies() bool  { return f&Copy != 0 }

// inlineAttrs is the number of attributes that Record collects on the stack.
const inlineAttrs = 8

// Record freezes the attributes of r in place, groups included, and resolves
// their LogValuers. A record of values that cannot change is left untouched.
func Record(r *slog.Record, f Format) {
	if !f.copies() && (frozenInPlace(r, f) || !canChange(r, f)) {
		return
	}
	var inline [inlineAttrs]slog.Attr
	attrs := inline[:0]
	if n := r.NumAttrs(); n > len(inline) {
		attrs = make([]slog.Attr, 0, n)
	}
	fr := freezer{format: f}
	front, back, loan := peek.Attrs(r)
	attrs = fr.appendFrozen(attrs, front)
	attrs = fr.appendFrozen(attrs, back)
	loan.End()
	frozen := slog.NewRecord(r.Time, r.Level, fr.text(r.Message), r.PC)
	frozen.AddAttrs(attrs...)
	*r = frozen
}

// Sized is [Record], and returns the size of what is kept as [recordsize.Of] estimates it. It
// goes through most records only once.
func Sized(r *slog.Record, f Format) int64 {
	if !f.copies() {
		fr := freezer{format: f}
		if size, ok := recordsize.Freezing(r, fr.freezeKind); ok {
			return size
		}
		if size, plain := recordsize.OfPlain(r); plain {
			return size
		}
	}
	Record(r, f)
	return recordsize.Of(r)
}

// frozenInPlace freezes a record of which only attributes can change that it has in itself,
// and reports whether it is one. The others are shared with the caller's copy.
func frozenInPlace(r *slog.Record, f Format) bool {
	own, ok := peek.Own(r)
	if !ok {
		return false
	}
	_, back, loan := peek.Attrs(r)
	shared := haveUnkept(back, f)
	loan.End()
	if shared {
		return false
	}
	fr := freezer{format: f}
	for i := range own {
		switch kind := own[i].Value.Kind(); kind {
		case slog.KindLogValuer, slog.KindGroup, slog.KindAny:
			own[i].Value = fr.freezeKind(own[i].Value, kind)
		}
	}
	return true
}

// Attrs returns a frozen copy of attrs, groups included.
func Attrs(attrs []slog.Attr, f Format) []slog.Attr {
	fr := freezer{format: f}
	frozen := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		// Handlers may ignore a list that holds nothing but empty groups, so
		// these stay what they are.
		if !isEmptyGroup(a.Value) {
			a = fr.attr(a)
		}
		frozen[i] = a
	}
	return frozen
}

// canChange reports whether an attribute of r is not kept as it is.
func canChange(r *slog.Record, f Format) bool {
	front, back, loan := peek.Attrs(r)
	defer loan.End()
	return haveUnkept(front, f) || haveUnkept(back, f)
}

func haveUnkept(attrs []slog.Attr, f Format) bool {
	for i := range attrs {
		switch attrs[i].Value.Kind() {
		case slog.KindLogValuer, slog.KindGroup:
			return true
		case slog.KindAny:
			if !isKept(attrs[i].Value.Any(), f) {
				return true
			}
		}
	}
	return false
}

// HasChangeable reports whether a value of r, which was frozen as [Resolved], can still
// change. f says whether strings can.
func HasChangeable(r *slog.Record, f Format) bool {
	front, back, loan := peek.Attrs(r)
	defer loan.End()
	return haveChangeable(front, f) || haveChangeable(back, f)
}

func haveChangeable(attrs []slog.Attr, f Format) bool {
	for i := range attrs {
		switch v := attrs[i].Value; v.Kind() {
		case slog.KindGroup:
			if haveChangeable(v.Group(), f) {
				return true
			}
		case slog.KindAny:
			if x := v.Any(); x != nil && (f.copies() || !isKept(x, Resolved)) {
				return true
			}
		}
	}
	return false
}

// freezer freezes the attributes of one record.
type freezer struct {
	format Format
	groups int // opened so far
}

// maxGroups is how many groups a record may have. LogValuers can make groups without
// end, and a group can hold itself.
const maxGroups = 10_000

func (fr *freezer) text(s string) string {
	if fr.format.copies() {
		return strings.Clone(s)
	}
	return s
}

func (fr *freezer) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: fr.text(a.Key), Value: fr.freeze(a.Value)}
}

func (fr *freezer) appendFrozen(frozen, attrs []slog.Attr) []slog.Attr {
	for i := range attrs {
		frozen = append(frozen, fr.attr(attrs[i]))
	}
	return frozen
}

// freeze returns a value that shows for ever what v shows now.
func (fr *freezer) freeze(v slog.Value) slog.Value { return fr.freezeKind(v, v.Kind()) }

// freezeKind is freeze for a value whose kind is known: to ask for it takes a while.
func (fr *freezer) freezeKind(v slog.Value, kind slog.Kind) slog.Value {
	if kind == slog.KindLogValuer {
		v = v.Resolve()
		kind = v.Kind()
	}
	switch kind {
	case slog.KindGroup:
		return fr.group(v.Group())
	case slog.KindAny:
		return freezeAny(v, fr.format)
	case slog.KindString:
		if fr.format.copies() {
			return slog.StringValue(strings.Clone(v.String()))
		}
	}
	return v
}

// group copies attrs even if all of them are plain: the slice may be the caller's.
func (fr *freezer) group(attrs []slog.Attr) slog.Value {
	if len(attrs) == 0 {
		return EmptyGroup()
	}
	if fr.groups++; fr.groups > maxGroups {
		return slog.StringValue("!ERROR:more than 10000 groups")
	}
	return slog.GroupValue(fr.appendFrozen(make([]slog.Attr, 0, len(attrs)), attrs)...)
}

// emptyGroup stands for a group without attributes that was found only while
// freezing. slog drops empty groups when a record or a group is built, but not
// those that a LogValuer resolves to: they count as something shown, and so the
// group around them is opened. A LogValuer gets past the first check.
type emptyGroup struct{}

// EmptyGroup returns a group without attributes that stays where it is put.
func EmptyGroup() slog.Value { return slog.AnyValue(emptyGroup{}) }

// LogValue returns a group without attributes.
func (emptyGroup) LogValue() slog.Value { return slog.GroupValue() }

func isEmptyGroup(v slog.Value) bool {
	return v.Kind() == slog.KindGroup && len(v.Group()) == 0
}
