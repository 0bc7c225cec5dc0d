package capture

import (
	"errors"
	"log/slog"
	"net/url"
)

// Stored is a value as another process can show it: by its forms and the methods that it
// had for showing itself.
type Stored struct {
	Methods                        uint8
	JSON                           []byte
	Text, String, Err, Plain, Plus string
	ErrorType                      string // of an error
}

// Store asks x by the methods that it has. Only a value without any, or of a type that is
// known to be pure, is read by the rules of JSON and fmt too.
func Store(x any) Stored {
	has := methodsOf(x)
	f := formsOf(x, has)
	if _, isURL := x.(*url.URL); isURL || has&(hasJSON|hasError) == 0 && isKept(x, JSON) {
		f.json = jsonOf(x)
	}
	if f.plus != f.plain {
		has |= hasFormat
	}
	s := Stored{uint8(has), f.json, f.text, f.string, f.err, f.plain, f.plus, ""}
	if err, ok := x.(error); ok {
		s.ErrorType = frozenError{err: err}.ErrorType()
	}
	return s
}

// ShownJSON returns x as slog's JSON handler shows it.
func ShownJSON(x any) []byte {
	if err, ok := shownByError(x); ok {
		return jsonString(errorText(err))
	}
	return jsonOf(x)
}

// Value returns a value that shows what s says.
func (s *Stored) Value() slog.Value {
	f := forms{s.JSON, s.Text, s.String, s.Err, s.Plain, s.Plus}
	has := methods(s.Methods)
	if has&hasError == 0 {
		return slog.AnyValue(dress(f, has))
	}
	err := storedError{errors.New(s.Err), s.ErrorType}
	return slog.AnyValue(dressError(f, has, err))
}

// storedError stands for an error of another process.
type storedError struct {
	error
	typ string
}

// ErrorType returns the name of the original's type.
func (e storedError) ErrorType() string { return e.typ }
