package capture

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
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
	defer showPanic(&failure, x)
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

// jsonString returns s as the JSON string that slog's JSON handler writes, which has
// other escapes than encoding/json. slog itself is asked.
func jsonString(s string) []byte {
	var line bytes.Buffer
	h := slog.NewJSONHandler(&line, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key != "" {
			return slog.Attr{}
		}
		return a
	}})
	r := slog.Record{}
	r.AddAttrs(slog.String("", s))
	_ = h.Handle(context.Background(), r)
	return bytes.TrimSuffix(bytes.TrimPrefix(line.Bytes(), []byte(`{"":`)), []byte("}\n"))
}

// asksAppender reports whether slog's text handler asks for AppendText before
// MarshalText, as it does from Go 1.27 on.
var asksAppender = sync.OnceValue(func() bool {
	var line bytes.Buffer
	r := slog.Record{}
	r.AddAttrs(slog.Any("by", textProbe{}))
	_ = slog.NewTextHandler(&line, nil).Handle(context.Background(), r)
	return bytes.Contains(line.Bytes(), []byte("by=append"))
})

// textProbe tells by which method it was asked.
type textProbe struct{}

func (textProbe) AppendText(b []byte) ([]byte, error) { return append(b, "append"...), nil }
func (textProbe) MarshalText() ([]byte, error)        { return []byte("marshal"), nil }

// marshalsText reports whether slog's text handler shows x by a method of its own.
func marshalsText(x any) bool {
	if _, ok := x.(encoding.TextMarshaler); ok {
		return true
	}
	_, ok := x.(encoding.TextAppender)
	return ok && asksAppender()
}

// renderText returns x as a text handler shows it. Byte slices, which it treats in its
// own way, are never rendered.
func renderText(x any) string {
	if marshalsText(x) {
		return marshaledText(x)
	}
	return printed(x)
}

// printed returns x under fmt's %+v, but for data that is nested without end, on which
// fmt overflows the stack.
func printed(x any) string {
	if isTooDeep(x) {
		return tooDeep
	}
	return formatted("%+v", x)
}

var tooDeep = fmt.Sprintf("!ERROR:nested deeper than %d levels", maxDepth)

func isTooDeep(x any) bool {
	v := reflect.ValueOf(x)
	if held, ok := x.(reflect.Value); ok {
		v = held // fmt prints what it holds
	}
	return nestsTooDeep(v, 0)
}

// Endless returns, of a value on which slog's text handler overflows the stack, the text
// that is shown in its place, and true.
func Endless(v slog.Value) (text string, ok bool) {
	if v.Kind() != slog.KindAny {
		return "", false
	}
	x := v.Any()
	if x == nil || isKept(x, Any) || marshalsText(x) || !isTooDeep(x) {
		return "", false
	}
	return tooDeep, true
}

// Bearable returns attrs for a handler of format f that shows them at once: LogValuers that
// make groups without end are resolved, and what would overflow the stack has a text in its
// place.
func Bearable(attrs []slog.Attr, f Format) []slog.Attr {
	if !haveUnkept(attrs, f) {
		return attrs
	}
	attrs = Attrs(attrs, Resolved)
	if f == Text {
		attrs = WithoutEndless(attrs)
	}
	return attrs
}

// WithoutEndless returns attrs, or a copy of them with texts in place of such values.
func WithoutEndless(attrs []slog.Attr) []slog.Attr {
	var changed []slog.Attr
	for i, a := range attrs {
		v := a.Value
		switch text, ok := Endless(v); {
		case ok:
			v = slog.StringValue(text)
		case v.Kind() == slog.KindGroup:
			v = slog.GroupValue(WithoutEndless(v.Group())...)
		default:
			continue
		}
		if changed == nil {
			changed = slices.Clone(attrs)
		}
		changed[i].Value = v
	}
	if changed == nil {
		return attrs
	}
	return changed
}

// marshaledText returns what MarshalText or AppendText of x returns.
func marshaledText(x any) (text string) {
	defer showPanic(&text, x)
	var data []byte
	var err error
	tm, marshals := x.(encoding.TextMarshaler)
	if ta, appends := x.(encoding.TextAppender); appends && (!marshals || asksAppender()) {
		data, err = ta.AppendText(nil)
	} else {
		data, err = tm.MarshalText()
	}
	if err != nil {
		return fmt.Sprintf("!ERROR:%v", err)
	}
	return string(data)
}

// shownByError reports whether x is an error that a JSON handler shows by its text.
func shownByError(x any) (error, bool) {
	if _, marshals := x.(json.Marshaler); marshals {
		return nil, false
	}
	err, ok := x.(error)
	return err, ok
}

// errorText returns the text of err as a JSON handler shows it.
func errorText(err error) (text string) {
	defer showPanic(&text, err)
	return err.Error()
}

// formatted returns x under a verb of fmt.
func formatted(verb string, x any) (text string) {
	defer showPanic(&text, x)
	return fmt.Sprintf(verb, x)
}

// showPanic is deferred around the methods of x.
func showPanic(text *string, x any) {
	if r := recover(); r != nil {
		*text = panicText(r)
		if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer && v.IsNil() {
			*text = "<nil>" // as slog says
		}
	}
}

// panicText is what slog's handlers show for a value whose method panicked with r.
func panicText(r any) (text string) {
	defer func() {
		if recover() != nil { // printing r panicked, and printing that did too
			text = fmt.Sprintf("!PANIC: (%T)", r)
		}
	}()
	return fmt.Sprintf("!PANIC: %v", r)
}
