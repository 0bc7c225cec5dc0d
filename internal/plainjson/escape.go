package plainjson

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What a byte is in a string.
const (
	special  = 1 << iota // is escaped in JSON, or is not ASCII
	spacious             // makes a text be quoted, or is not ASCII
	printed              // is quoted as it is, or with a letter behind a backslash
)

// bytesAre says what each byte is.
var bytesAre = func() (t [256]uint8) {
	for c := range t {
		if c >= utf8.RuneSelf {
			t[c] = special | spacious
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			t[c] |= special
		}
		if c <= ' ' || c == '"' || c == '=' {
			t[c] |= spacious
		}
		if c >= ' ' && c < 0x7f || letters[byte(c)] != 0 {
			t[c] |= printed
		}
	}
	return t
}()

// letters stand behind a backslash for what has an escape of its own, in JSON and in Go.
var letters = [256]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't'}

// invalid is what stands for a byte that is no UTF-8. Until Go 1.26 that is an escape, since Go
// 1.27 the rune itself: slog is asked.
var invalid = func() string {
	var b bytes.Buffer
	_ = slog.NewJSONHandler(&b, nil).Handle(context.Background(), slog.NewRecord(time.Time{}, 0, "\xff", 0)) // a bytes.Buffer takes all
	_, text, _ := strings.Cut(b.String(), `"msg":"`)
	text, _, _ = strings.Cut(text, `"`)
	return text
}()

// plainBytes returns how many bytes of s, from the first on, stand in JSON as they are.
func plainBytes[T string | []byte](s T) int {
	for i := range len(s) {
		if bytesAre[s[i]]&special != 0 {
			return i
		}
	}
	return len(s)
}

// isPlain reports whether s stands in JSON as it is.
func isPlain(s string) bool {
	for {
		s = s[plainBytes(s):]
		if s == "" {
			return true
		}
		size, escape := nextRune(s)
		if escape != "" || size == 0 {
			return false
		}
		s = s[size:]
	}
}

// nextRune returns how long the first rune of s is, which is not plain ASCII, and the escape
// that stands for it if there must be one; 0 for a byte of ASCII.
func nextRune(s string) (size int, escape string) {
	if s[0] < utf8.RuneSelf {
		return 0, ""
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return size, invalid
	case r == '\u2028': // slog escapes these, for the sake of JavaScript
		return size, `\u2028`
	case r == '\u2029':
		return size, `\u2029`
	}
	return size, ""
}

// appendEscaped appends s as it stands between the quotes of a JSON string.
func appendEscaped(b []byte, s string) []byte {
	for {
		n := plainBytes(s)
		b = append(b, s[:n]...)
		if n == len(s) {
			return b
		}
		s = s[n:]
		size, escape := nextRune(s)
		switch {
		case size == 0:
			b = appendControl(b, s[0])
			size = 1
		case escape == "":
			b = append(b, s[:size]...)
		default:
			b = append(b, escape...)
		}
		s = s[size:]
	}
}

func appendControl(b []byte, c byte) []byte {
	if letter := letters[c]; letter != 0 {
		return append(b, '\\', letter)
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
}

// appendText appends s as a text has it, in quotes if it needs them.
func appendText(b []byte, s string) []byte {
	if needsQuotes(s) {
		return appendQuoted(b, s)
	}
	return append(b, s...)
}

func needsQuotes(s string) bool {
	for i := range len(s) {
		if c := s[i]; bytesAre[c]&spacious != 0 {
			return c < utf8.RuneSelf || needsQuotesUnicode(s[i:])
		}
	}
	return s == ""
}

func needsQuotesUnicode(s string) bool {
	for _, r := range s {
		if r < utf8.RuneSelf {
			if bytesAre[byte(r)]&spacious != 0 {
				return true
			}
		} else if r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return true
		}
	}
	return false
}

// appendQuoted appends s as [strconv.Quote] has it.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if bytesAre[s[i]]&printed == 0 {
			return strconv.AppendQuote(b, s)
		}
	}
	b = append(b, '"')
	for {
		n := plainBytes(s)
		b = append(b, s[:n]...)
		if n == len(s) {
			return append(b, '"')
		}
		b = append(b, '\\', letters[s[n]])
		s = s[n+1:]
	}
}
