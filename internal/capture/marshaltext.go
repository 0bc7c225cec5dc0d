package capture

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
)

// A value that JSON asks for a text, such as a UUID, is asked for it here, as encoding/json
// takes ten times as long around that. What is special about a text is left to encoding/json.

// asksForText reports whether JSON asks values of type t for a text. A pointer, which may be
// nil, is not among them.
func asksForText(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Implements(textMarshaler) && !t.Implements(jsonMarshaler) && !t.Implements(errorType)
}

// textForJSON is jsonValue for such a value.
func textForJSON(tm encoding.TextMarshaler) slog.Value {
	data, failure := askedForText(tm)
	switch {
	case failure != "":
		return slog.StringValue(failure)
	case isPlainASCII(data):
		return slog.StringValue(string(data))
	}
	data, failure = encodeJSON(string(data))
	if failure != "" {
		return slog.StringValue(failure)
	}
	return slog.AnyValue(json.RawMessage(data))
}

// askedForText returns the text of tm, or what a JSON handler shows in its place.
func askedForText(tm encoding.TextMarshaler) (data []byte, failure string) {
	defer showPanic(&failure, tm)
	data, err := tm.MarshalText()
	if err != nil {
		return nil, textError(tm, err)
	}
	return data, ""
}

// textError is what a JSON handler shows of a MarshalText that failed.
func textError(tm encoding.TextMarshaler, err error) string {
	return fmt.Sprintf("!ERROR:%v", textFailure{tm, err})
}

// textFailure is the error of encoding/json, whose Error can panic in the same way.
type textFailure struct {
	tm  encoding.TextMarshaler
	err error
}

func (f textFailure) Error() string {
	return "json: error calling MarshalText for type " + reflect.TypeOf(f.tm).String() + ": " + f.err.Error()
}

// knowsTextErrors reports whether encoding/json says what textError does.
var knowsTextErrors = sync.OnceValue(func() bool {
	x := failing{}
	_, err := x.MarshalText()
	_, failure := encodeJSON(x)
	return failure == textError(x, err)
})

type failing struct{}

func (failing) MarshalText() ([]byte, error) { return nil, errors.ErrUnsupported }

// plainASCII are the characters that encoding/json and slog write as they are.
var plainASCII = func() (plain [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		plain[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return plain
}()

func isPlainASCII(text []byte) bool {
	for _, c := range text {
		if !plainASCII[c] {
			return false
		}
	}
	return true
}
