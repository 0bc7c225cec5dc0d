package capture

import (
	"encoding/json"
	"log/slog"
	"maps"
	"reflect"
	"slices"
)

// freezeAny freezes a value of [slog.KindAny].
func freezeAny(v slog.Value, f Format) slog.Value {
	if f == Resolved {
		return v
	}
	switch x := v.Any().(type) {
	case nil:
		return v
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
	default:
		return freezeClassified(v, x, f)
	}
}

// freezeClassified freezes v, which holds x, by the class of x's type.
func freezeClassified(v slog.Value, x any, f Format) slog.Value {
	switch classOf(reflect.TypeOf(x)) {
	case keep:
		return v
	case cloneSlice:
		return slog.AnyValue(copySlice(reflect.ValueOf(x)))
	case cloneMap:
		return slog.AnyValue(copyMap(reflect.ValueOf(x)))
	}
	if isNil(reflect.ValueOf(x)) {
		return v // nothing behind it that could change
	}
	switch f {
	case JSON:
		return jsonValue(x)
	case Text:
		return slog.StringValue(renderText(x))
	default:
		return anyValue(x)
	}
}

// jsonValue is x as a JSON handler shows it.
func jsonValue(x any) slog.Value {
	if err, ok := plainError(x); ok {
		text, _ := errorText(err)
		return slog.StringValue(text)
	}
	data, failure := encodeJSON(x)
	if failure != "" {
		return slog.StringValue(failure)
	}
	return slog.AnyValue(json.RawMessage(data))
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
