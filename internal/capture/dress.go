package capture

import (
	"errors"
	"fmt"
	"io"
	"reflect"
)

// The types of rendered values have the methods for showing themselves that the
// originals have, as handlers go by them. JSON is there for all but errors, and fmt is
// told what to show where it would else look inside. They are not kept by pointer, so that
// their size can be told.

type withJSON struct{ data []byte }

// MarshalJSON returns what a JSON handler shows.
func (w withJSON) MarshalJSON() ([]byte, error) { return w.data, nil }

type withText struct{ text string }

// MarshalText returns what a text handler shows.
func (w withText) MarshalText() ([]byte, error) { return []byte(w.text), nil }

type withString struct{ string string }

// String returns the text at the call.
func (w withString) String() string { return w.string }

type withFormat struct{ plain, plus string }

// Format implements [fmt.Formatter]: %+v shows what it showed at the call, other
// verbs show the text.
func (w withFormat) Format(s fmt.State, verb rune) {
	if verb == 'v' {
		text := w.plain
		if s.Flag('+') {
			text = w.plus
		}
		if _, wide := s.Width(); !wide {
			_, _ = io.WriteString(s, text)
			return
		}
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), w.plain)
}

type (
	shown struct {
		withJSON
		withFormat
	}
	shownText struct {
		withJSON
		withFormat
		withText
	}
	shownString struct {
		withJSON
		withString
	}
	shownFormatString struct {
		withJSON
		withFormat
		withString
	}
	shownTextString struct {
		withJSON
		withText
		withString
	}
	shownTextFormatString struct {
		withJSON
		withText
		withFormat
		withString
	}
)

// dress returns a value that shows f and has the methods has, and is no error.
func dress(f forms, has methods) any {
	j, t, s, p := withJSON{f.json}, withText{f.text}, withString{f.string}, withFormat{f.plain, f.plus}
	switch has & (hasText | hasString | hasFormat) {
	case hasText, hasText | hasFormat:
		return shownText{j, p, t}
	case hasString:
		return shownString{j, s}
	case hasString | hasFormat:
		return shownFormatString{j, p, s}
	case hasText | hasString:
		return shownTextString{j, t, s}
	case hasText | hasString | hasFormat:
		return shownTextFormatString{j, t, p, s}
	default:
		return shown{j, p}
	}
}

// frozenError shows what err showed at the call; [errors.Is] and [errors.As]
// find err through it.
type frozenError struct {
	err  error
	text string // of Error
}

// Error returns the text at the call.
func (e frozenError) Error() string { return e.text }

// Unwrap returns the original error.
func (e frozenError) Unwrap() error { return e.err }

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
