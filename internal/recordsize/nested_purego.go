//go:build purego

package recordsize

import "reflect"

// attrsAt estimates what the n attributes refer to of which first points at the first one.
// The others cannot be reached without unsafe: they count as much as the first.
func (s *sizer) attrsAt(first reflect.Value, n, depth int) int64 {
	if s.elems == 0 || n == 0 {
		return 0
	}
	s.elems--
	return extrapolate(s.referred(first.Elem(), depth+1, true), 1, n)
}
