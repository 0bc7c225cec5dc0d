package stdlog

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Shapes that a default handler may have in another release of Go.
type (
	common struct {
		preformattedAttrs []byte
		groupPrefix       string
		groups            []string
		nOpenGroups       int
	}
	commonRenamed struct {
		preformatted []byte
		groupPrefix  string
		groups       []string
		nOpenGroups  int
	}
	commonRetyped struct {
		preformattedAttrs string
		groupPrefix       string
		groups            []string
		nOpenGroups       int
	}
	pointing[T any]  struct{ ch *T }
	embedded[T any]  struct{ ch T }
	otherName[T any] struct{ common *T }
)

func TestDerivationOfOtherShapes(t *testing.T) {
	full := common{[]byte("a=1 g.b=2"), "g.", []string{"g", "h", "i"}, 1}
	open := full
	open.nOpenGroups = 4
	negative := full
	negative.nOpenGroups = -1
	tests := []struct {
		name string
		h    any
		want derivation
	}{
		{"as expected", &pointing[common]{&full}, derivation{"a=1 g.b=2", []string{"g", "h", "i"}}},
		{"more open than there are", &pointing[common]{&open}, derivation{"a=1 g.b=2", []string{"g"}}},
		{"fewer than none open", &pointing[common]{&negative}, derivation{}},
		{"renamed field", &pointing[commonRenamed]{&commonRenamed{[]byte("a=1"), "", nil, 0}}, derivation{}},
		{"retyped field", &pointing[commonRetyped]{&commonRetyped{"a=1", "", nil, 0}}, derivation{}},
		{"no pointer", &embedded[common]{full}, derivation{}},
		{"nil pointer", &pointing[common]{}, derivation{}},
		{"other field name", &otherName[common]{&full}, derivation{}},
		{"pointer to no struct", new(1), derivation{}},
		{"handler is a value", pointing[common]{&full}, derivation{}},
		{"nil handler", (*pointing[common])(nil), derivation{}},
		{"nothing", nil, derivation{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, derivationOf(reflect.ValueOf(tt.h)))
		})
	}
}

func TestUnwrappedOtherLines(t *testing.T) {
	for _, line := range []string{"", "\n", "level=INFO", "level=INFO msg=", "level=INFO msg=m a=1\n", `level=INFO msg="m`, `time=t level=INFO msg="m"`} {
		assert.Equal(t, line, string(appendUnwrapped(nil, []byte(line))))
	}
}
