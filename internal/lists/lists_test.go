package lists_test

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler/internal/lists"
)

type (
	plain     map[string][]string
	Header    map[string][]string // has methods, and the name of another
	key       string
	byKey     map[key][]string
	of[T any] map[string][]T
)

func (h Header) String() string { return "header" }

func TestIs(t *testing.T) {
	for m, want := range map[any]bool{
		&plain{}: true, &lists.Map{}: true, &http.Header{}: true, &url.Values{}: true, &textproto.MIMEHeader{}: true, &of[string]{}: true,
		&Header{}: false, &byKey{}: false, &of[key]{}: false, &map[string]string{}: false, &[]string{}: false,
	} {
		t.Run(fmt.Sprintf("%T", m), func(t *testing.T) {
			assert.Equal(t, want, lists.Is(reflect.TypeOf(m).Elem()))
		})
	}
}

func TestCloneSharesNothing(t *testing.T) {
	for _, m := range []http.Header{nil, {}, {"a": {"b", "c"}, "d": nil, "e": {}, "f": {"g"}}} {
		c := lists.Clone(reflect.ValueOf(m)).(http.Header)
		assert.Equal(t, m, c) // nil apart from empty
		for key := range c {
			c[key] = append(c[key], "more")
			c[key][0] = "other"
		}
		for key := range m {
			assert.NotContains(t, m[key], "other")
			assert.NotContains(t, m[key], "more")
		}
	}
	two := lists.Map{"a": {"b"}, "c": {"d"}}
	c := lists.Clone(reflect.ValueOf(two)).(lists.Map)
	_ = append(c["a"], "x")
	_ = append(c["c"], "x")
	assert.Equal(t, two, c, "a list that grows does not run into the next one")
}
