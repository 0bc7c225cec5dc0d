package promises_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"unsafe"

	"github.com/asynchandler/asynchandler/internal/goid"
	"github.com/asynchandler/asynchandler/internal/testsink"
)

// fuzzedReads counts which methods of which values were asked, and where.
type fuzzedReads struct {
	caller uint64

	mu        sync.Mutex
	asked     map[string]int
	elsewhere []string // what was asked by another goroutine than the caller
}

// fuzzedNow is where values without pointers count.
var fuzzedNow *fuzzedReads

func (r *fuzzedReads) note(value, method string) {
	elsewhere := goid.ID() != r.caller
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[value+"."+method]++
	if elsewhere {
		r.elsewhere = append(r.elsewhere, value+"."+method)
	}
}

// fuzzedBase is what values with methods have in common: it is read under its lock by the
// methods alone.
type fuzzedBase struct {
	id, how byte
	mu      sync.Mutex
	shown   []byte
	table   map[string]int
}

func (b *fuzzedBase) ask(method string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	fuzzedNow.note(fmt.Sprint(b.id), method)
	if b.how%8 == 3 {
		panic(method + " is broken")
	}
	return method + ":" + string(b.shown)
}

func (b *fuzzedBase) marshal(method string) ([]byte, error) {
	s := b.ask(method)
	if b.how%8 == 5 {
		return nil, errors.New(s)
	}
	if method == "MarshalJSON" && b.how%8 != 6 { // else it is no JSON
		return json.Marshal(s)
	}
	return []byte(s), nil
}

type (
	fuzzedJSON       struct{ fuzzedBase }
	fuzzedText       struct{ fuzzedBase }
	fuzzedAppend     struct{ fuzzedBase }
	fuzzedString     struct{ fuzzedBase }
	fuzzedError      struct{ fuzzedBase }
	fuzzedFormat     struct{ fuzzedBase }
	fuzzedJSONText   struct{ fuzzedBase }
	fuzzedTextString struct{ fuzzedBase }
	fuzzedJSONError  struct{ fuzzedBase }
	fuzzedTextError  struct{ fuzzedBase }
	fuzzedFormatText struct{ fuzzedBase }
	// fuzzedLogValuer stands for another value.
	fuzzedLogValuer struct {
		fuzzedBase
		value slog.Value
	}
)

func (v *fuzzedJSON) MarshalJSON() ([]byte, error)          { return v.marshal("MarshalJSON") }
func (v *fuzzedText) MarshalText() ([]byte, error)          { return v.marshal("MarshalText") }
func (v *fuzzedAppend) AppendText(b []byte) ([]byte, error) { return fuzzedAppended(b, &v.fuzzedBase) }
func (v *fuzzedString) String() string                      { return v.ask("String") }
func (v *fuzzedError) Error() string                        { return v.ask("Error") }
func (v *fuzzedFormat) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprint(s, v.ask("Format"), s.Flag('+'))
}
func (v *fuzzedJSONText) MarshalJSON() ([]byte, error)   { return v.marshal("MarshalJSON") }
func (v *fuzzedJSONText) MarshalText() ([]byte, error)   { return v.marshal("MarshalText") }
func (v *fuzzedTextString) MarshalText() ([]byte, error) { return v.marshal("MarshalText") }
func (v *fuzzedTextString) String() string               { return v.ask("String") }
func (v *fuzzedJSONError) MarshalJSON() ([]byte, error)  { return v.marshal("MarshalJSON") }
func (v *fuzzedJSONError) Error() string                 { return v.ask("Error") }
func (v *fuzzedTextError) MarshalText() ([]byte, error)  { return v.marshal("MarshalText") }
func (v *fuzzedTextError) Error() string                 { return v.ask("Error") }
func (v *fuzzedFormatText) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprint(s, v.ask("Format"), s.Flag('+'))
}
func (v *fuzzedFormatText) MarshalText() ([]byte, error) { return v.marshal("MarshalText") }
func (v *fuzzedLogValuer) LogValue() slog.Value          { v.ask("LogValue"); return v.value }
func fuzzedAppended(b []byte, v *fuzzedBase) ([]byte, error) {
	text, err := v.marshal("AppendText")
	return append(b, text...), err
}

// fuzzedTable has the texts of values without pointers.
var fuzzedTable [4]string

type (
	fuzzedCode  byte
	fuzzedLabel byte
	fuzzedName  byte
)

func fuzzedLookUp(i byte, method string) string {
	fuzzedNow.note("table", method)
	return fuzzedTable[i%4]
}

func (c fuzzedCode) Error() string   { return fuzzedLookUp(byte(c), "Error") }
func (c fuzzedLabel) String() string { return fuzzedLookUp(byte(c), "String") }
func (c fuzzedName) MarshalText() ([]byte, error) {
	return []byte(fuzzedLookUp(byte(c), "MarshalText")), nil
}

// fuzzedSecret is taken out by those who know the type.
type fuzzedSecret struct {
	Name, Password string
	Roles          []string
}

// fuzzedHolder has values with methods in its fields.
type fuzzedHolder struct {
	Value any
	Code  fuzzedCode `json:",omitempty"`
	Float float64
}

// fuzzedValues makes values with methods. Those that have one for each handler that shows
// them are written to all the time, by another goroutine, under their lock.
type fuzzedValues struct {
	json, known bool
	quiet       bool // nobody writes to the values
	copies      bool // strings share memory that is used again
	ids         byte
	writers     sync.WaitGroup
}

// string returns a string whose memory is used again if that is to be right.
func (vs *fuzzedValues) string(a *testsink.Arguments) string {
	b := append([]byte("s"), a.Bytes()...)
	if !vs.copies {
		return string(b)
	}
	a.OnChange(func() { copy(b, "PUT") })
	return unsafe.String(&b[0], len(b))
}

func (vs *fuzzedValues) make(a *testsink.Arguments) any {
	switch kind := a.Byte() % 24; kind {
	case 0:
		return vs.begin(a, &fuzzedJSON{}, vs.json || !vs.known)
	case 1:
		return vs.begin(a, &fuzzedText{}, true)
	case 2:
		return vs.begin(a, &fuzzedAppend{}, false)
	case 3:
		return vs.begin(a, &fuzzedString{}, true)
	case 4:
		return vs.begin(a, &fuzzedError{}, true)
	case 5:
		return vs.begin(a, &fuzzedFormat{}, true)
	case 6:
		return vs.begin(a, &fuzzedJSONText{}, true)
	case 7:
		return vs.begin(a, &fuzzedTextString{}, true)
	case 8:
		return vs.begin(a, &fuzzedJSONError{}, true)
	case 9:
		return vs.begin(a, &fuzzedTextError{}, true)
	case 10:
		return vs.begin(a, &fuzzedFormatText{}, true)
	case 11:
		v := &fuzzedLogValuer{}
		v.value = a.Value(1)
		return vs.begin(a, v, true)
	case 12:
		vs.table(a)
		return fuzzedCode(a.Byte())
	case 13:
		vs.table(a)
		return fuzzedLabel(a.Byte())
	case 14:
		vs.table(a)
		return fuzzedName(a.Byte())
	case 15:
		vs.table(a)
		return []any{fuzzedCode(a.Byte()), fuzzedLabel(a.Byte()), fuzzedName(a.Byte()), vs.inside(a)}
	case 16:
		vs.table(a)
		return map[fuzzedName]any{fuzzedName(0): vs.inside(a)}
	case 17:
		vs.table(a)
		return &fuzzedHolder{Value: vs.inside(a), Code: fuzzedCode(a.Byte()), Float: a.Float()}
	case 18:
		vs.table(a)
		return fuzzedHolder{Value: fuzzedLabel(a.Byte())}
	case 19:
		return fmt.Errorf("%s: %w", vs.string(a), vs.begin(a, &fuzzedError{}, true).(error))
	case 20:
		return vs.string(a)
	case 21:
		return []string{vs.string(a)}
	default:
		s := &fuzzedSecret{Name: "bob" + a.String(), Password: "hunter2", Roles: []string{a.String()}}
		a.OnChange(func() { s.Name, s.Roles[0] = "eve", "other" })
		return s
	}
}

// inside makes a value for a place where only encoding/json and fmt see it.
func (vs *fuzzedValues) inside(a *testsink.Arguments) any {
	if a.Byte()%2 == 0 {
		return vs.begin(a, &fuzzedJSON{}, vs.json && vs.known)
	}
	return vs.begin(a, &fuzzedString{}, true)
}

func (vs *fuzzedValues) table(a *testsink.Arguments) {
	a.OnChange(func() { fuzzedTable = [4]string{"after"} })
}

// begin returns v, or a nil pointer of its type, or starts to write to it.
func (vs *fuzzedValues) begin(a *testsink.Arguments, v interface{ base() *fuzzedBase }, locked bool) any {
	b := v.base()
	vs.ids++
	b.id, b.how, b.shown, b.table = vs.ids, a.Byte(), append([]byte("<é>"), a.Bytes()...), map[string]int{}
	if _, valuer := v.(*fuzzedLogValuer); !valuer && b.how%8 == 7 {
		return fuzzedNil(v)
	}
	a.OnChange(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.how, b.shown[0] = 0, '!'
	})
	if locked && !vs.quiet {
		vs.writers.Go(func() { // nobody waits for it before the value was read
			b.mu.Lock()
			defer b.mu.Unlock()
			b.table["x"]++
		})
	}
	return v
}

func (b *fuzzedBase) base() *fuzzedBase { return b }

func fuzzedNil(v any) any {
	switch v.(type) {
	case *fuzzedJSON:
		return (*fuzzedJSON)(nil)
	case *fuzzedError:
		return (*fuzzedError)(nil)
	case *fuzzedTextString:
		return (*fuzzedTextString)(nil)
	case *fuzzedJSONError:
		return (*fuzzedJSONError)(nil)
	case *fuzzedFormat:
		return (*fuzzedFormat)(nil)
	default:
		return (*fuzzedString)(nil)
	}
}
