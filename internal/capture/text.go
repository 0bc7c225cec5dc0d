package capture

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// ShownText returns the text that x is shown as by a handler of format f, for one that
// shows a part of it: a JSON string without its quotes and escapes, a byte slice under
// [Text] as the string it is. Of a handler that is not known it is the text of the methods
// that x has, or the fields of a value without any.
func ShownText(x any, f Format) string {
	if source, ok := x.(*slog.Source); ok && source != nil && f.rules() == Text {
		return fmt.Sprintf("%s:%d", source.File, source.Line)
	}
	switch f.rules() {
	case JSON:
		return shownAsJSON(x)
	case Text:
		return shownAsText(x)
	default:
		return shownByMethods(x)
	}
}

func shownAsJSON(x any) string {
	if err, ok := shownByError(x); ok {
		return errorText(err)
	}
	data, failure := encodeJSON(x)
	if failure != "" {
		return failure
	}
	var text string
	if data[0] == '"' && json.Unmarshal(data, &text) == nil {
		return text
	}
	return string(data)
}

func shownAsText(x any) string {
	if v := reflect.ValueOf(x); !marshalsText(x) && v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return string(v.Bytes())
	}
	return renderText(x)
}

func shownByMethods(x any) string {
	switch x := x.(type) {
	case json.RawMessage: // in Go 1.27 it is a fmt.Stringer as well
		return shownAsJSON(x)
	case error:
		return errorText(x)
	case encoding.TextMarshaler, fmt.Stringer, fmt.Formatter:
		return renderText(x)
	case json.Marshaler:
		return shownAsJSON(x)
	}
	if v := reflect.ValueOf(x); v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return string(v.Bytes())
	}
	return renderText(x)
}
