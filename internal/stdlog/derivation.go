package stdlog

import (
	"log/slog"
	"reflect"
	"strings"
)

// derivation is what a default handler was derived with.
type derivation struct {
	attrs  string   // rendered, without a space before the first
	groups []string // open groups, outermost first; the first may be several joined by dots
}

// shape is what derivationOf reads of the struct behind a handler's field ch.
var shape = map[string]reflect.Type{
	"preformattedAttrs": reflect.TypeFor[[]byte](),
	"groupPrefix":       reflect.TypeFor[string](),
	"groups":            reflect.TypeFor[[]string](),
	"nOpenGroups":       reflect.TypeFor[int](),
}

// derivationOf reads the attributes and groups out of a default handler's
// unexported fields: there is no other way to them that does not write to the
// standard logger. With a release of Go that has other fields it finds
// nothing, so that lines lack what the handler was derived with, but are
// still written, and still to the right place.
func derivationOf(h reflect.Value) derivation {
	common, ok := commonOf(h)
	if !ok {
		return derivation{}
	}
	d := derivation{attrs: string(common.FieldByName("preformattedAttrs").Bytes())}
	// The prefix is not always the names of the groups opened so far: slog leaves
	// some empty groups in it. It ends in a dot, which WithGroup puts back.
	if p, ok := strings.CutSuffix(common.FieldByName("groupPrefix").String(), "."); ok {
		d.groups = append(d.groups, p)
	}
	groups := common.FieldByName("groups")
	for i := int(common.FieldByName("nOpenGroups").Int()); i < groups.Len(); i++ {
		d.groups = append(d.groups, groups.Index(i).String())
	}
	return d
}

// commonOf returns the struct behind h's field ch, if all is as expected there.
func commonOf(h reflect.Value) (reflect.Value, bool) {
	handler, ok := structBehind(h)
	if !ok {
		return reflect.Value{}, false
	}
	common, ok := structBehind(handler.FieldByName("ch"))
	if !ok {
		return reflect.Value{}, false
	}
	for name, want := range shape {
		if f, ok := common.Type().FieldByName(name); !ok || f.Type != want {
			return reflect.Value{}, false
		}
	}
	return common, common.FieldByName("nOpenGroups").Int() >= 0
}

// structBehind returns the struct that p points to, if it does.
func structBehind(p reflect.Value) (reflect.Value, bool) {
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	return p.Elem(), true
}

// open returns h with the groups open.
func (d derivation) open(h slog.Handler) slog.Handler {
	for _, g := range d.groups {
		h = h.WithGroup(g)
	}
	return h
}
