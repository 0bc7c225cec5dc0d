package capture

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false) // as slog does
	return e
}}

// maxPooledBuffer keeps one large value from staying in the pool for ever.
const maxPooledBuffer = 16 << 10

// encodeJSON returns x as JSON, or the text a JSON handler shows in its place
// when that fails.
func encodeJSON(x any) (data []byte, failure string) {
	e := encoders.Get().(*encoder)
	defer showPanic(&failure)
	defer func() {
		if e.buf.Cap() <= maxPooledBuffer {
			e.buf.Reset()
			encoders.Put(e)
		}
	}()
	if err := e.json.Encode(x); err != nil {
		return nil, fmt.Sprintf("!ERROR:%v", err)
	}
	data = make([]byte, e.buf.Len()-1) // without the final newline
	copy(data, e.buf.Bytes())
	return data, ""
}

// jsonString returns s as the JSON string that a JSON handler writes: slog has no
// short form for two of the control characters that encoding/json has one for.
func jsonString(s string) []byte {
	data, _ := encodeJSON(s)
	return []byte(slogEscapes.Replace(string(data)))
}

var slogEscapes = strings.NewReplacer(`\\`, `\\`, `\b`, `\u0008`, `\f`, `\u000c`)

// renderText returns x as a text handler shows it. Byte slices, which it treats
// in its own way, are never rendered.
func renderText(x any) string {
	if tm, ok := x.(encoding.TextMarshaler); ok {
		return marshaledText(tm)
	}
	return plusText(x)
}

func marshaledText(tm encoding.TextMarshaler) (text string) {
	defer showPanic(&text)
	data, err := tm.MarshalText()
	if err != nil {
		return fmt.Sprintf("!ERROR:%v", err)
	}
	return string(data)
}

// plainError reports whether x is an error that a JSON handler shows by its text.
func plainError(x any) (error, bool) {
	err, ok := x.(error)
	if _, marshals := x.(json.Marshaler); marshals {
		return nil, false
	}
	return err, ok
}

// errorText returns the text of err as a JSON handler shows it, and whether it
// is what Error returned.
func errorText(err error) (text string, ok bool) {
	defer showPanic(&text)
	return err.Error(), true
}

// plusText returns x under fmt's %+v.
func plusText(x any) (text string) {
	defer showPanic(&text)
	return fmt.Sprintf("%+v", x)
}

// showPanic is deferred around the methods of a value.
func showPanic(text *string) {
	if r := recover(); r != nil {
		*text = panicText(r)
	}
}

// panicText is what slog's handlers show for a value whose method panicked with
// r. Nil pointers, which they show otherwise, are never rendered.
func panicText(r any) (text string) {
	defer func() {
		if recover() != nil { // printing r panicked, and printing that did too
			text = fmt.Sprintf("!PANIC: (%T)", r)
		}
	}()
	return fmt.Sprintf("!PANIC: %v", r)
}
