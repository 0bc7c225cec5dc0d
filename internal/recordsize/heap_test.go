package recordsize_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// user is a value that capture renders.
type user struct {
	Name  string
	Roles []string
	Boss  *user
}

// holder has a record in a field, as a value that stands for a record has.
type holder struct{ record slog.Record }

type (
	named   map[string]float64
	strange map[netip.Addr]string
)

// filler returns a text of n bytes that nothing else shares.
func filler(n int) string { return strings.Repeat("x", n) }

func sevenAttrs() (attrs []slog.Attr) {
	for range 7 {
		attrs = append(attrs, slog.String(filler(5), filler(50)))
	}
	return attrs
}

// values are of every kind that a record can hold. Each call makes another one.
var values = []struct {
	name string
	make func() any
}{
	{"string", func() any { return filler(200) }},
	{"bytes", func() any { return []byte(filler(200)) }},
	{"bytes with room", func() any { return append(make([]byte, 0, 500), filler(20)...) }},
	{"raw JSON", func() any { return json.RawMessage(`"` + filler(200) + `"`) }},
	{"group", func() any { return slog.GroupValue(sevenAttrs()...) }},
	{"group in groups", func() any {
		v := slog.GroupValue(sevenAttrs()...)
		for range 20 {
			v = slog.GroupValue(slog.Attr{Key: "in", Value: v})
		}
		return v
	}},
	{"group of 3,000", func() any {
		attrs := make([]slog.Attr, 3000)
		for i := range attrs {
			attrs[i] = slog.String("key", filler(20))
		}
		return slog.GroupValue(attrs...)
	}},
	{"source", func() any { return &slog.Source{Function: filler(50), File: filler(50), Line: 1} }},
	{"error", func() any { return errors.New(filler(200)) }},
	{"wrapping error", func() any { return fmt.Errorf("call: %w", errors.New(filler(200))) }},
	{"joined errors", func() any { return errors.Join(errors.New(filler(100)), errors.New(filler(100))) }},
	{"path error", func() any { return &fs.PathError{Op: "open", Path: filler(200), Err: errors.New(filler(40))} }},
	{"pointer", func() any {
		return &user{Name: filler(100), Roles: []string{filler(20)}, Boss: &user{Name: filler(20)}}
	}},
	{"struct", func() any { return user{Name: filler(100), Roles: []string{filler(20)}} }},
	{"struct of numbers", func() any { return struct{ a, b, c, d [8]int }{a: [8]int{len(filler(7))}} }},
	{"array", func() any { return [50]int{len(filler(7))} }},
	{"array of strings", func() any { return [3]string{filler(50), filler(50), filler(50)} }},
	{"numbers", func() any { return make([]int, 100) }},
	{"strings", func() any { return []string{filler(50), filler(60), filler(70)} }},
	{"one long among many strings", func() any {
		list := make([]string, 3000)
		list[2999] = filler(100_000)
		return list
	}},
	{"structs", func() any { return []user{{Name: filler(100)}, {Name: filler(100)}} }},
	{"anything", func() any { return []any{filler(100), 1, []any{filler(100)}} }},
	{"times", func() any { return make([]time.Time, 20) }},
	{"map of strings", func() any { return map[string]string{filler(50): filler(60), filler(51): filler(70)} }},
	{"map of long keys", func() any { return map[string]int{filler(500): 1} }},
	{"named map of long keys", func() any { return named{filler(500): 1} }},
	{"map by number", func() any { return map[int]string{1: filler(300), 2: filler(300)} }},
	{"map of anything", func() any { return map[string]any{filler(50): filler(100), filler(51): []string{filler(100)}} }},
	{"map of lists", func() any { return map[string][]string{filler(50): {filler(100)}} }},
	{"map by address", func() any { return strange{netip.IPv6Unspecified(): filler(100)} }},
	{"header", func() any { return http.Header{"Accept": {filler(100)}, "Cookie": {filler(100)}} }},
	{"URL", func() any { return &url.URL{Scheme: "https", Host: filler(50), Path: filler(100)} }},
	{"record", func() any { return record(filler(100), sevenAttrs()...) }},
	{"record in a field", func() any { return holder{record(filler(100), sevenAttrs()...)} }},
	{"group of a record in a field", func() any {
		return holder{record("m", slog.Attr{Key: "g", Value: slog.GroupValue(sevenAttrs()...)}, slog.Time("t", time.Now()), slog.Any("b", make([]byte, 200)))}
	}},
}
