package capture

import (
	"encoding"
	"encoding/json"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"

	"github.com/asynchandler/asynchandler/internal/lists"
)

// freezeAny freezes a value of [slog.KindAny].
func freezeAny(v slog.Value, f Format) slog.Value {
	if f.rules() == Resolved {
		return v
	}
	if f.copies() {
		return copyAny(v, f)
	}
	switch x := v.Any().(type) {
	case nil, slog.Level, netip.Addr:
		return v
	case error:
		return freezeError(v, x, f)
	case []byte:
		return slog.AnyValue(slices.Clone(x))
	case []string:
		return slog.AnyValue(slices.Clone(x))
	case []int:
		return slog.AnyValue(slices.Clone(x))
	case map[string]string:
		return slog.AnyValue(maps.Clone(x))
	case map[string]int:
		return slog.AnyValue(maps.Clone(x))
	case *slog.Source: // slog shows it as a group
		if x == nil {
			return v
		}
		source := *x
		return slog.AnyValue(&source)
	case *url.URL: // what its User points to does not change
		if x == nil {
			return rendered(x, f)
		}
		u := *x
		return slog.AnyValue(&u)
	default:
		return freezeClassified(v, x, f)
	}
}

// freezeError spares the errors that most records have the way by reflection.
func freezeError(v slog.Value, err error, f Format) slog.Value {
	t := reflect.TypeOf(err)
	if t == plainError {
		return v
	}
	if f.rules() != Any && isFixed(t, err) {
		return slog.StringValue(err.Error())
	}
	return freezeClassified(v, err, f)
}

// isFixed reports whether nobody can change the text of err, which is not one of errors.New.
func isFixed(t reflect.Type, err error) bool {
	if t == wrapError || t == wrapErrors {
		return !reflect.ValueOf(err).IsNil()
	}
	pe, ok := err.(*fs.PathError) //nolint:errorlint // one that wraps it has another text
	return ok && pe != nil && pe.Err != nil && (isErrno(pe.Err) || HasFixedText(pe.Err))
}

func isErrno(err error) bool { return reflect.TypeOf(err) == errnoType }

// freezeClassified freezes v, which holds x, by the class of x's type.
func freezeClassified(v slog.Value, x any, f Format) slog.Value {
	switch classOf(reflect.TypeOf(x)) {
	case keep:
		return v
	case keepText:
		if f == Any {
			return v
		}
	case marshalText:
		if f.rules() == JSON && knowsTextErrors() {
			return textForJSON(x.(encoding.TextMarshaler))
		}
	case cloneSlice:
		return slog.AnyValue(copySlice(reflect.ValueOf(x)))
	case cloneMap:
		return slog.AnyValue(copyMap(reflect.ValueOf(x)))
	case cloneLists:
		return slog.AnyValue(lists.Clone(reflect.ValueOf(x)))
	}
	if isNil(reflect.ValueOf(x)) && !showsItself(reflect.TypeOf(x)) {
		return v // nothing behind it that could change
	}
	return rendered(x, f)
}

// rendered is x as the handlers of f show it.
func rendered(x any, f Format) slog.Value {
	switch f.rules() {
	case JSON:
		return jsonValue(x)
	case Text:
		return textValue(x)
	default:
		return anyValue(x, false)
	}
}

// jsonValue is x as a JSON handler shows it.
func jsonValue(x any) slog.Value {
	if err, ok := shownByError(x); ok {
		return slog.StringValue(errorText(err))
	}
	data, failure := encodeJSON(x)
	if failure != "" {
		return slog.StringValue(failure)
	}
	return slog.AnyValue(json.RawMessage(data))
}

// textValue is x as a text handler shows it, which has a way of its own for bytes.
func textValue(x any) slog.Value {
	if v := reflect.ValueOf(x); v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 && !marshalsText(x) {
		return slog.AnyValue(slices.Clone(v.Bytes()))
	}
	return slog.StringValue(renderText(x))
}

func copySlice(v reflect.Value) any {
	if v.IsNil() {
		return v.Interface()
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(c, v)
	return c.Interface()
}

func copyMap(v reflect.Value) any {
	if v.IsNil() {
		return v.Interface()
	}
	c := reflect.MakeMapWithSize(v.Type(), v.Len())
	// One key and one element for the whole loop: MapIter.Key and Value allocate.
	key := reflect.New(v.Type().Key()).Elem()
	elem := reflect.New(v.Type().Elem()).Elem()
	for it := v.MapRange(); it.Next(); {
		key.SetIterKey(it)
		elem.SetIterValue(it)
		c.SetMapIndex(key, elem)
	}
	return c.Interface()
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return v.IsNil()
	default:
		return false
	}
}
