package archive

import (
	"encoding/binary"
	"encoding/json"
	"log/slog"
)

// appendAny appends a value of slog.KindAny. Other nil slices and maps are left
// to what shows the same: JSON tells them from empty ones.
func appendAny(b []byte, x any) []byte {
	switch x := x.(type) {
	case nil:
		return append(b, kindNil)
	case []byte:
		if x == nil {
			return append(b, kindNilBytes)
		}
		return appendBytes(append(b, kindBytes), x)
	case []string:
		if x != nil {
			return appendStrings(append(b, kindStrings), x)
		}
	case []int:
		if x != nil {
			b = binary.AppendUvarint(append(b, kindInts), uint64(len(x)))
			for _, v := range x {
				b = binary.AppendVarint(b, int64(v))
			}
			return b
		}
	case map[string]string:
		if x != nil {
			b = binary.AppendUvarint(append(b, kindStringMap), uint64(len(x)))
			for k, v := range x {
				b = appendString(appendString(b, k), v)
			}
			return b
		}
	case map[string]int:
		if x != nil {
			b = binary.AppendUvarint(append(b, kindIntMap), uint64(len(x)))
			for k, v := range x {
				b = binary.AppendVarint(appendString(b, k), int64(v))
			}
			return b
		}
	case *slog.Source:
		if x == nil {
			return append(b, kindNilSource)
		}
		return appendSource(append(b, kindSource), x)
	case json.RawMessage:
		if x == nil {
			return append(b, kindNilRawJSON)
		}
		return appendBytes(append(b, kindRawJSON), x)
	}
	if b, ok := appendShown(b, x); ok {
		return b
	}
	return appendStored(b, x)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}
