package capture

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
)

// anyValue is x for a handler that is not known: it shows what x would under the
// rules of both of slog's handlers, and an error stays an error.
func anyValue(x any) slog.Value {
	if err, ok := x.(error); ok {
		return slog.AnyValue(freezeError(err))
	}
	return slog.AnyValue(rendered{withJSON{jsonOf(x)}, withText{textOf(x)}})
}

// rendered is a value that is no error, by both rules. It is not kept by pointer, so
// that its size can be told.
type rendered struct {
	withJSON
	withText
}

// String returns what a text handler shows.
func (r rendered) String() string { return r.text }

type withJSON struct{ data []byte }

// MarshalJSON returns what a JSON handler shows.
func (w withJSON) MarshalJSON() ([]byte, error) { return w.data, nil }

type withText struct{ text string }

// MarshalText returns what a text handler shows.
func (w withText) MarshalText() ([]byte, error) { return []byte(w.text), nil }

// jsonOf returns x as a JSON handler shows it, failures too: an error from
// MarshalJSON would be shown with the name of our type before it.
func jsonOf(x any) []byte {
	data, failure := encodeJSON(x)
	if failure != "" {
		return jsonString(failure)
	}
	return data
}

// textOf returns x as a text handler shows it, but for data that is nested
// without end: fmt overflows the stack on some that a JSON handler, which next
// may be, survives.
func textOf(x any) string {
	if tm, ok := x.(encoding.TextMarshaler); ok {
		return marshaledText(tm)
	}
	v := reflect.ValueOf(x)
	if held, ok := x.(reflect.Value); ok {
		v = held // fmt prints what it holds
	}
	if nestsTooDeep(v, 0) {
		return fmt.Sprintf("!ERROR:nested deeper than %d levels", maxDepth)
	}
	return plusText(x)
}

// frozenError shows what err showed at the call; [errors.Is] and [errors.As]
// find err through it. Of the marshalers it has those that err has, because
// handlers go by them.
type frozenError struct {
	err  error
	text string // of Error
	plus string // under fmt's %+v
}

type jsonError struct {
	frozenError
	withJSON
}

type textError struct {
	frozenError
	withText
}

type jsonTextError struct {
	frozenError
	withJSON
	withText
}

func freezeError(err error) error {
	text, ok := errorText(err)
	frozen := frozenError{err: err, text: text, plus: text}
	if _, formats := err.(fmt.Formatter); formats || !ok {
		frozen.plus = plusText(err) // else fmt, too, shows what Error returns
	}
	_, marshalsJSON := err.(json.Marshaler)
	tm, marshalsText := err.(encoding.TextMarshaler)
	switch {
	case marshalsJSON && marshalsText:
		return jsonTextError{frozen, withJSON{jsonOf(err)}, withText{marshaledText(tm)}}
	case marshalsJSON:
		return jsonError{frozen, withJSON{jsonOf(err)}}
	case marshalsText:
		return textError{frozen, withText{marshaledText(tm)}}
	default:
		return frozen
	}
}

// Error returns the text at the call.
func (e frozenError) Error() string { return e.text }

// Unwrap returns the original error.
func (e frozenError) Unwrap() error { return e.err }

// Format implements [fmt.Formatter]: %+v shows what it showed at the call, other
// verbs show the text.
func (e frozenError) Format(s fmt.State, verb rune) {
	if verb == 'v' && s.Flag('+') {
		_, _ = io.WriteString(s, e.plus)
		return
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), e.text)
}

// ErrorType returns the name of the original's type, for OpenTelemetry: it asks errors
// for this method (semconv.ErrorType) and shows the type of the value if there is none.
func (e frozenError) ErrorType() string {
	var named interface{ ErrorType() string }
	if errors.As(e.err, &named) {
		return named.ErrorType()
	}
	t := reflect.TypeOf(e.err)
	if t.PkgPath() == "" || t.Name() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}
