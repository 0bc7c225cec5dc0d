package capture_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/asynchandler/asynchandler/internal/capture"
)

var plainAttrs = []slog.Attr{
	slog.String("method", "GET"),
	slog.Int("status", 200),
	slog.Duration("took", time.Millisecond),
	slog.Bool("cached", true),
	slog.Time("at", when),
	slog.Float64("ratio", 0.5),
	slog.Uint64("bytes", 512),
	slog.String("path", "/"),
}

var formats = []struct {
	name   string
	format capture.Format
}{
	{"Any", capture.Any},
	{"JSON", capture.JSON},
	{"Text", capture.Text},
}

func BenchmarkRecordPlain(b *testing.B) {
	for _, n := range []int{3, 5, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := recordOf(plainAttrs[:n]...)
			b.ReportAllocs()
			for b.Loop() {
				capture.Record(&r, capture.Any)
			}
		})
	}
}

// BenchmarkRecordValue freezes a record of two plain attributes and the value,
// and copies the record anew each time.
func BenchmarkRecordValue(b *testing.B) {
	values := []struct {
		name  string
		value any
	}{
		{"struct", &person{Name: "n", Tags: []string{"a", "b"}, Home: &point{1, 2}}},
		{"plain_struct", point{1, 2}},
		{"error", &codeError{1, "m"}},
		{"wrapped_error", fmt.Errorf("a: %w", &codeError{1, "m"})},
		{"map", map[string]int{"a": 1, "b": 2, "c": 3}},
		{"map_of_any", map[string]any{"a": 1, "b": "2", "c": nil}},
		{"bytes", []byte("0123456789abcdef")},
		{"header", http.Header{"Accept": {"text/html", "*/*"}, "User-Agent": {"curl/8.5.0"}, "X-Request-Id": {"0123456789abcdef"}}},
		{"URL", &url.URL{Scheme: "https", Host: "example.com", Path: "/api/v1/orders", RawQuery: "limit=10&offset=20", Fragment: "top"}},
		{"group", slog.GroupValue(plainAttrs[:3]...)},
	}
	for _, f := range formats {
		for _, v := range values {
			b.Run(f.name+"/"+v.name, func(b *testing.B) {
				r := recordOf(plainAttrs[0], plainAttrs[1], slog.Any("k", v.value))
				b.ReportAllocs()
				for b.Loop() {
					c := r
					capture.Record(&c, f.format)
				}
			})
		}
	}
}
