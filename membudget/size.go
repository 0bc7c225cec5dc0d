package membudget

import (
	"log/slog"

	"github.com/asynchandler/asynchandler/internal/recordsize"
)

// SizeOf estimates the bytes that a waiting record holds on the heap beyond the
// [slog.Record] itself: the message, keys and strings, the room for attributes that do not
// fit into the record, groups, and what values of other types hold, records in them too. It
// allocates only for maps of strings whose type it does not know.
//
// No method of a value is called: not Error, String, LogValue or MarshalJSON. Of what a
// pointer points at only the type is asked, since another goroutine may be changing it; the
// exceptions are [slog.Source], [net/url.URL] and the errors that cannot change ([errors.New],
// [fmt.Errorf], [errors.Join]). Slices and maps are looked into if they, the structs around
// them, and the keys and elements of the map have no methods, or are an [net/http.Header],
// [net/url.Values] or [net/textproto.MIMEHeader]: slog's handlers read those too. Values are
// followed 16 deep and their first 1,024 elements are looked at, those of a []string, a
// map[string]string and a map[string][]string all; of groups 65,536 attributes are. So
// cyclic data does no harm. The estimate is rough for what is not looked at, most of all
// for data behind pointers.
//
// A string counts with its length wherever it is, so constants and strings that several
// records share count in each record, and a substring does not count what it is a part of.
// For records of 80 bytes or more whose strings are all their own, the estimate is within
// 30% of the growth of the heap on 64-bit platforms; of less, the allocator's rounding is
// most of it.
func SizeOf(r slog.Record) int64 { return recordsize.Of(&r) }
