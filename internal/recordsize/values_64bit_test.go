// The sizes in the table are of 64 bits.

//go:build !386 && !arm && !mips && !mipsle

package recordsize_test

import (
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOfValues(t *testing.T) {
	empty := sizeOf(record(""))
	var nilMap map[string]string
	tests := []struct {
		name     string
		value    any
		min, max int64
	}{
		{"nil", nil, 0, 0},
		{"number", 12, 0, 0},
		{"time", time.Now(), 0, 0},
		{"string", strings.Repeat("x", 100), 100, 110},
		{"nil error", error(nil), 0, 0},
		{"nil map", nilMap, 0, 400},
		{"nil source", (*slog.Source)(nil), 0, 0},
		{"source", &slog.Source{Function: strings.Repeat("f", 100), File: strings.Repeat("x", 100)}, 200, 260},
		{"pointer", &[100]int{}, 800, 800},
		{"struct", struct{ names []string }{[]string{strings.Repeat("x", 100)}}, 140, 150},
		{"struct with methods", guarded{[]string{strings.Repeat("x", 100)}}, 40, 40},
		{"list in a map", http.Header{"Accept": {strings.Repeat("x", 1000)}}, 1300, 1600},
		{"URL", &url.URL{RawQuery: strings.Repeat("x", 1000)}, 1100, 1200},
		{"user of a URL", &url.URL{User: url.User(strings.Repeat("x", 1000))}, 1100, 1300},
		{"nil URL", (*url.URL)(nil), 0, 0},
		{"array", [100]int{}, 800, 800},
		{"array of strings", [2]string{"1234567890", "1234567890"}, 52, 70},
		{"named map", http.Header{"Accept": {"text/plain"}}, 200, 500},
		{"times", make([]time.Time, 10), 240, 270},
		{"room of a slice", make([]byte, 1, 1000), 1000, 1040},
		{"many strings", repeat(strings.Repeat("x", 84), 100_000), 10_000_000, 12_000_000},
		{"channel", make(chan int), 0, 0},
		{"function", heap, 0, 0},
		{"huge elements of nothing", make([]struct{}, math.MaxInt), 0, 40},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := sizeOf(record("", slog.Any("", tt.value))) - empty
			assert.GreaterOrEqual(t, got, tt.min)
			assert.LessOrEqual(t, got, tt.max)
			inGroup := sizeOf(record("", slog.Group("", slog.Any("", tt.value)))) - empty
			assert.Equal(t, got+40, inGroup, "an attribute in a group is itself on the heap")
		})
	}
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}
