package archive

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// shownBytes stands for a byte slice of another type. A text handler shows the bytes, others
// ask its methods. What these return is behind its length, as only a slice is shown as one.
type shownBytes []byte

// appendShown appends x if it is a byte slice of a named type that a text handler shows as such.
func appendShown(b []byte, x any) (_ []byte, ok bool) {
	v := reflect.ValueOf(x)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Uint8 {
		return b, false
	}
	switch x.(type) {
	case encoding.TextMarshaler, encoding.TextAppender:
		return b, false
	}
	b = appendBytes(append(b, kindShownBytes), v.Bytes())
	b = appendBytes(b, capture.ShownJSON(x))
	return appendString(b, fmt.Sprintf("%v", x)), true
}

// shown reads what appendShown has written.
func (d *decoder) shown() shownBytes {
	p := d.bytes()
	b := append(make([]byte, 0, len(p)), p...)
	b = appendBytes(b, d.bytes())
	b = append(b, d.bytes()...)
	return shownBytes(b[:len(p):len(b)])
}

// hidden returns the JSON of the original and what fmt shows of it.
func (b shownBytes) hidden() (json, plain []byte) {
	d := decoder{b: b[len(b):cap(b)]}
	return d.bytes(), d.b
}

// MarshalJSON returns that of the original.
func (b shownBytes) MarshalJSON() ([]byte, error) {
	json, _ := b.hidden()
	return json, nil
}

// String returns what fmt shows of the original.
func (b shownBytes) String() string {
	_, plain := b.hidden()
	return string(plain)
}
