package plainjson

import (
	"bytes"
	"log/slog"
	"net/url"
	"reflect"
	"strconv"
	"sync"
)

// url appends x. The fields of a URL are not the same in each Go release: slog is asked once.
func (s *state) url(x *url.URL) (plain bool) {
	return x != nil && showsURLs() && s.urlFields(x)
}

var showsURLs = sync.OnceValue(func() bool {
	for _, x := range []url.URL{
		{Scheme: "s", Opaque: "o", User: url.User("u"), Host: "h", Path: "p", RawPath: "q", OmitHost: true, RawQuery: "r", Fragment: "f", RawFragment: "g"},
		{ForceQuery: true},
	} {
		ours, slogs := state{format: &format{}}, state{format: &format{}}
		slogs.foreign(slog.AnyValue(&x))
		if !ours.urlFields(&x) || !bytes.Equal(ours.b, slogs.b) {
			return false
		}
	}
	return true
})

// urlKeys are the names of the fields, as keys.
var urlKeys = func() (keys []string) {
	for f := range reflect.TypeFor[url.URL]().Fields() {
		keys = append(keys, `,"`+f.Name+`":`)
	}
	return keys
}()

func (s *state) urlFields(x *url.URL) (plain bool) {
	start := len(s.b)
	v := reflect.ValueOf(x).Elem()
	for i, key := range urlKeys {
		s.b = append(s.b, key...)
		if !s.urlField(v.Field(i)) {
			s.b = s.b[:start]
			return false
		}
	}
	s.b[start] = '{' // in place of a comma
	s.b = append(s.b, '}')
	return true
}

func (s *state) urlField(v reflect.Value) (plain bool) {
	switch v.Kind() {
	case reflect.String:
		s.quoted(v.String())
		return isPlain(v.String())
	case reflect.Bool:
		s.b = strconv.AppendBool(s.b, v.Bool())
		return true
	case reflect.Pointer:
		if v.IsNil() {
			s.b = append(s.b, "null"...)
		} else {
			s.b = append(s.b, "{}"...) // the fields of a User are not exported
		}
		return true
	}
	return false
}
