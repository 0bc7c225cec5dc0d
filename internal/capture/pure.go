package capture

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"syscall"
)

// pure are types of the standard library that do not change and whose methods read
// nothing else: they may run later.
var pure = map[string]bool{
	"time.Time": true, "time.Duration": true, "time.Month": true, "time.Weekday": true,
	"net/netip.Addr": true, "net/netip.AddrPort": true, "net/netip.Prefix": true,
	"io/fs.FileMode": true, "log/slog.Level": true, "log/slog.Kind": true,
	"encoding/json.Number": true, "reflect.Kind": true, "crypto.Hash": true,
}

// pureBytes are the same for slices of bytes, which can change.
var pureBytes = map[string]bool{
	"net.IP": true, "net.IPMask": true, "net.HardwareAddr": true, "encoding/json.RawMessage": true,
	"encoding/json/jsontext.Value": true, // which RawMessage is from Go 1.27 on
}

var (
	errnoType  = reflect.TypeFor[syscall.Errno]()
	signalType = reflect.TypeFor[syscall.Signal]()
)

func isPure(t reflect.Type) bool {
	return t.PkgPath() != "" && pure[t.PkgPath()+"."+t.Name()] || t == errnoType || t == signalType
}

// isPureBytes reports whether the bytes of a slice are all that is ever shown of it.
func isPureBytes(t reflect.Type) bool {
	if t.Elem().Kind() != reflect.Uint8 {
		return false
	}
	return !showsItself(t) && isBasic(t.Elem()) || pureBytes[t.PkgPath()+"."+t.Name()]
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	errorType     = reflect.TypeFor[error]()
)

// showing are the methods by which encoding/json, fmt and slog's handlers ask a value.
var showing = []reflect.Type{
	jsonMarshaler,
	textMarshaler,
	reflect.TypeFor[encoding.TextAppender](),
	reflect.TypeFor[fmt.Stringer](),
	errorType,
	reflect.TypeFor[fmt.Formatter](),
	reflect.TypeFor[interface{ IsZero() bool }](), // of a field with omitzero
}

// showsItself reports whether a value of type t is asked by methods.
func showsItself(t reflect.Type) bool {
	if hasNoMethods(t) {
		return false
	}
	if slices.ContainsFunc(showing, t.Implements) {
		return true
	}
	_, v2 := t.MethodByName("MarshalJSONTo") // of encoding/json/v2
	return v2
}
