// Package known says what is known of a [slog.Handler]: whether it is one of slog's own,
// alone or behind middlewares of this module, which make themselves known by [Register].
package known

import (
	"log/slog"
	"reflect"
	"sync"

	"github.com/asynchandler/asynchandler/internal/capture"
)

// Facts about a handler. The zero value says that nothing is known.
type Facts struct {
	Format         capture.Format // by whose rules it shows values
	IgnoresContext bool
	Replaces       bool // it may have a ReplaceAttr, which is to see the original values
	Copies         bool // strings share memory that is used again, so it copies them
}

var looks sync.Map // reflect.Type of a handler to func(slog.Handler) Facts

// Register makes the handlers of type H known by what look says.
func Register[H slog.Handler](look func(H) Facts) {
	looks.Store(reflect.TypeFor[H](), func(h slog.Handler) Facts { return look(h.(H)) })
}

// Of returns what is known of h.
func Of(h slog.Handler) Facts {
	switch h.(type) {
	case *slog.JSONHandler:
		return Facts{Format: capture.JSON, IgnoresContext: true, Replaces: mayReplace(h)}
	case *slog.TextHandler:
		return Facts{Format: capture.Text, IgnoresContext: true, Replaces: mayReplace(h)}
	}
	if look, ok := looks.Load(reflect.TypeOf(h)); ok {
		return look.(func(slog.Handler) Facts)(h)
	}
	return Facts{}
}

// mayReplace reports whether h, one of slog's own, has a ReplaceAttr, and true if its
// fields are not those that are known.
func mayReplace(h slog.Handler) bool {
	common, ok := common(h)
	if !ok {
		return true
	}
	opts := common.FieldByName("opts")
	if opts.Kind() != reflect.Struct {
		return true
	}
	f := opts.FieldByName("ReplaceAttr")
	return f.Kind() != reflect.Func || !f.IsNil()
}

// Formatted returns how many bytes of attributes h holds, one of slog's own, one that says
// so or behind middlewares of which this is not known, and 0 if that cannot be told.
func Formatted(h slog.Handler) int {
	if f, ok := h.(interface{ Formatted() int }); ok {
		return f.Formatted()
	}
	common, ok := common(h)
	if !ok {
		return 0
	}
	if f := common.FieldByName("preformattedAttrs"); f.Kind() == reflect.Slice {
		return f.Len()
	}
	return 0
}

// common returns what slog's two handlers are made of.
func common(h slog.Handler) (v reflect.Value, ok bool) {
	v = reflect.ValueOf(h)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return v, false
	}
	v = reflect.Indirect(v.Elem().FieldByName("commonHandler"))
	return v, v.Kind() == reflect.Struct
}
