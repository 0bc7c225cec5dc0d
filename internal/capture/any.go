package capture

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// methods says by which methods a value shows itself.
type methods uint8

const (
	hasText methods = 1 << iota // MarshalText or AppendText
	hasString
	hasFormat
	hasJSON
	hasError
)

func methodsOf(x any) (has methods) {
	if _, ok := x.(json.Marshaler); ok {
		has |= hasJSON
	}
	if _, ok := x.(encoding.TextMarshaler); ok {
		has |= hasText
	}
	if _, ok := x.(encoding.TextAppender); ok {
		has |= hasText
	}
	if _, ok := x.(fmt.Stringer); ok {
		has |= hasString
	}
	if _, ok := x.(error); ok {
		has |= hasError
	}
	if _, ok := x.(fmt.Formatter); ok {
		has |= hasFormat
	}
	return has
}

// forms are what a value shows.
type forms struct {
	json   []byte
	text   string // of MarshalText
	string string // of String
	err    string // of Error
	plain  string // under %v
	plus   string // under %+v
}

// anyValue is x for a handler that is not known. copies says that no string may be
// shared with what a method of x returned.
func anyValue(x any, copies bool) slog.Value {
	has := methodsOf(x)
	f := formsOf(x, has)
	if f.plus != f.plain {
		has |= hasFormat
	}
	if copies {
		for _, s := range []*string{&f.string, &f.err, &f.plain, &f.plus} {
			*s = strings.Clone(*s)
		}
	}
	if err, ok := x.(error); ok {
		return slog.AnyValue(dressError(f, has, err))
	}
	return slog.AnyValue(dress(f, has))
}

// formsOf asks x by the methods that it has, each once, and makes the other forms of
// what these say. Only a value without any is read by reflection.
func formsOf(x any, has methods) (f forms) {
	if has == 0 {
		f.plain = renderText(x)
		f.plus = f.plain
		f.json = jsonOf(x)
		return f
	}
	if has&hasText != 0 {
		f.text = marshaledText(x)
	}
	if has&hasString != 0 {
		f.string = stringOf(x, has)
	}
	if err, ok := x.(error); ok {
		f.err = errorText(err)
	}
	if has&hasJSON != 0 {
		f.json = jsonOf(x)
	}
	f.print(x, has)
	if has&hasJSON == 0 {
		f.encode(x, has)
	}
	return f
}

// print makes what fmt shows of x.
func (f *forms) print(x any, has methods) {
	switch {
	case has&hasError != 0:
		f.plain = f.err
	case has&hasString != 0:
		f.plain = f.string
	case has&hasFormat != 0:
		f.plain = formatted("%v", x)
	case has&hasText != 0:
		f.plain = f.text
	case isNil(reflect.ValueOf(x)):
		f.plain = "<nil>"
	default:
		f.plain = string(f.json)
		_ = json.Unmarshal(f.json, &f.plain) // if it is a string
	}
	f.plus = f.plain
	if has&hasFormat != 0 || has&hasError != 0 && mayHaveFailed(f.err) { // fmt shows a panic in its own way
		f.plus = formatted("%+v", x)
	}
}

// encode makes the JSON of x, which has no method for it.
func (f *forms) encode(x any, has methods) {
	switch {
	case has&hasError != 0:
		f.json = jsonString(f.err)
	case isNil(reflect.ValueOf(x)), has&hasText != 0 && mayHaveFailed(f.text):
		f.json = jsonOf(x)
	case has&hasText != 0:
		f.json = jsonOf(f.text)
	default:
		f.json = jsonString(f.plus)
	}
}

func mayHaveFailed(text string) bool {
	return strings.HasPrefix(text, "!") || text == "<nil>"
}

// jsonOf returns x as a JSON handler shows it, failures too: an error from
// MarshalJSON would be shown with the name of our type before it.
func jsonOf(x any) []byte {
	data, failure := encodeJSON(x)
	if failure != "" {
		return jsonString(failure)
	}
	return data
}

// stringOf returns what String of x returns; by way of fmt, as slog's text handler asks
// for it, if that does not ask another method.
func stringOf(x any, has methods) (text string) {
	if has&(hasError|hasFormat) == 0 {
		return printed(x)
	}
	defer showPanic(&text, x)
	return x.(fmt.Stringer).String()
}
