//go:build !purego

package recordsize

import (
	"log/slog"
	"reflect"
)

var attrsType = reflect.TypeFor[slog.Attr]()

// attrsAt returns what the n attributes refer to of which first points at the first one.
func (s *sizer) attrsAt(first reflect.Value, n, depth int) int64 {
	return s.elements(reflect.SliceAt(attrsType, first.UnsafePointer(), n), depth, true)
}
