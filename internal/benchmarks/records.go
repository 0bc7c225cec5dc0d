package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
)

// A kind is a kind of record that services log.
type kind struct {
	name string
	text bool // by the text handlers
	ho   *slog.HandlerOptions
	log  func(l *slog.Logger, n int)
}

// kinds are the records of the table that -records prints.
func kinds() []kind {
	renaming := &slog.HandlerOptions{ReplaceAttr: renamed}
	one := func(a slog.Attr) func(*slog.Logger, int) {
		return func(l *slog.Logger, n int) {
			l.LogAttrs(context.Background(), slog.LevelInfo, message, slog.Int("n", n), a)
		}
	}
	value := func(name string, v any) kind {
		return kind{name: name, log: one(slog.Any("value", v))}
	}
	notThere := &fs.PathError{Op: "open", Path: "/var/lib/service/state", Err: fs.ErrNotExist}
	address, _ := url.Parse("https://user@example.com/api/v1/orders?limit=10&offset=20#top")
	return []kind{
		{name: "3 plain attributes", log: log3},
		{name: "quote", log: one(slog.String("query", `select "name" from users`))},
		{name: "newline", log: one(slog.String("text", "first line\nsecond line"))},
		{name: "ReplaceAttr that renames", ho: renaming, log: log3},
		{name: "the same with AddSource", ho: &slog.HandlerOptions{ReplaceAttr: renamed, AddSource: true}, log: log3},
		{name: "AddSource", ho: &slog.HandlerOptions{AddSource: true}, log: log3},
		{name: "With for one record", log: func(l *slog.Logger, n int) {
			log3(l.With("req", "0123456789abcdef", "user", 42), n)
		}},
		{name: "fmt.Errorf", log: one(slog.Any("err", fmt.Errorf("read state: %w", fs.ErrNotExist)))},
		value("*fs.PathError", notThere),
		value("errors.Join", errors.Join(fs.ErrNotExist, fs.ErrClosed)),
		value("struct", order{ID: 1234, User: user, Items: []string{"a", "b"}, Total: 12.5}),
		value("pointer", &order{ID: 1234, User: user, Total: 12.5}),
		value("http.Header", http.Header{"Accept": {"text/html", "*/*"}, "User-Agent": {"curl/8.5.0"}, "X-Request-Id": {"0123456789abcdef"}}),
		value("*url.URL", address),
		value("[]string", []string{"alpha", "beta", "gamma"}),
		value("netip.Addr", netip.MustParseAddr("192.0.2.17")),
		value("UUID type", uuid{0x12, 0x34, 0x56, 0x78, 0x9a}),
		value("LogValuer", account{7, user}),
		{name: "text, 3 plain attributes", text: true, log: log3},
		{name: "text, quote and newline", text: true, log: one(slog.String("query", "select \"name\"\nfrom users"))},
	}
}

func log3(l *slog.Logger, n int) {
	l.LogAttrs(context.Background(), slog.LevelInfo, message,
		slog.String("method", method), slog.Int("n", n), slog.Duration("took", took))
}

// renamed is what a ReplaceAttr for a collector of logs does.
func renamed(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.LevelKey:
		a.Key = "severity"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

type order struct {
	ID    int      `json:"id"`
	User  string   `json:"user"`
	Items []string `json:"items,omitempty"`
	Total float64  `json:"total"`
}

// uuid shows itself as the types of that name do.
type uuid [16]byte

func (u uuid) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 36)
	for i, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b, nil
}

type account struct {
	id   int
	name string
}

func (a account) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("id", a.id), slog.String("name", a.name))
}
