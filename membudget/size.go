package membudget

import (
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// SizeOf estimates the bytes that a waiting record holds on the heap beyond the [slog.Record] itself: the message, keys
// and strings, the attributes that do not fit into the record, groups, and what values of other types hold. It does
// not allocate.
//
// No method of a value is called: not Error, String, LogValue or MarshalJSON. Of what a pointer points at only the type
// is asked, since another goroutine may be changing it; the exceptions are [slog.Source] and the errors that cannot
// change ([errors.New], [fmt.Errorf], [errors.Join]). Slices are looked into if they and the structs around them have
// no methods: slog's handlers read those too. Maps are if they are a map[string]string or map[string]any. Groups and
// values are followed 16 deep, and so far only that cyclic data does no harm. The estimate is rough for what is not
// looked at, most of all for data behind pointers.
//
// A string counts with its length wherever it is, so constants and strings that several records share count in each
// record. For records of 80 bytes or more whose strings are all their own, the estimate is within 30% of the growth of
// the heap on 64-bit platforms; of less, the allocator's rounding is most of it.
func SizeOf(r slog.Record) int64 { return recordsize.Of(&r) }
