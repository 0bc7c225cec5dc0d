//go:build !purego

package peek

import (
	"log/slog"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// structOf returns a struct type with fields that are not exported.
func structOf(fields ...reflect.StructField) reflect.Type {
	for i := range fields {
		fields[i].PkgPath = "log/slog"
	}
	return reflect.StructOf(fields)
}

func TestAnotherRecordIsNotRead(t *testing.T) {
	require.True(t, known, "slog.Record has other fields than this package knows")
	front := reflect.StructField{Name: "front", Type: reflect.TypeFor[[5]slog.Attr]()}
	nFront := reflect.StructField{Name: "nFront", Type: reflect.TypeFor[int]()}
	back := reflect.StructField{Name: "back", Type: reflect.TypeFor[[]slog.Attr]()}
	for name, record := range map[string]reflect.Type{
		"no front":  structOf(nFront, back),
		"no nFront": structOf(front, back),
		"no back":   structOf(front, nFront),
		"pointers":  structOf(reflect.StructField{Name: "front", Type: reflect.TypeFor[[5]*slog.Attr]()}, nFront, back),
		"a slice":   structOf(reflect.StructField{Name: "front", Type: back.Type}, nFront, back),
		"a byte":    structOf(front, reflect.StructField{Name: "nFront", Type: reflect.TypeFor[uint8]()}, back),
		"a pointer": structOf(front, nFront, reflect.StructField{Name: "back", Type: reflect.TypeFor[*slog.Attr]()}),
		"embedded":  reflect.TypeFor[struct{ slog.Record }](),
	} {
		_, ok := find(record)
		assert.False(t, ok, name)
	}
	assert.True(t, fields.isRight(5))
	assert.False(t, fields.isRight(4), "more than fit")
	level, _ := reflect.TypeFor[slog.Record]().FieldByName("Level")
	wrong := fields
	wrong.nFront = level.Offset // always 0
	assert.False(t, wrong.isRight(5))
}

func TestAttrsOfAnUnknownRecord(t *testing.T) {
	known = false
	defer func() { known = true }()
	var r slog.Record
	front, back, loan := Attrs(&r)
	assert.Empty(t, front)
	assert.Empty(t, back)
	loan.End()
	r.AddAttrs(slog.Int("a", 1), slog.Int("b", 2), slog.Int("c", 3), slog.Int("d", 4), slog.Int("e", 5), slog.Int("f", 6))
	front, back, loan = Attrs(&r)
	assert.Equal(t, slices.Collect(r.Attrs), front)
	assert.Len(t, front, 6)
	assert.Empty(t, back)
	loan.End()
	_, ok := Own(&r)
	assert.False(t, ok)
}
