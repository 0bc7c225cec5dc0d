package async

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is how many bytes of an error's text are shown, the mark of a cut included.
const maxLine = 4096

const cutMark = "..."

// oneLine returns s with all that cannot be printed escaped as in Go source, so that a
// text from outside cannot begin a line of its own or talk to a terminal, and cut.
func oneLine(s string) string {
	if len(s) <= maxLine && printable(s) {
		return s
	}
	var b strings.Builder
	end := 0 // where a cut leaves room for the mark
	for i := 0; i < len(s) && b.Len() <= maxLine; {
		r, size := utf8.DecodeRuneInString(s[i:])
		if part := s[i : i+size]; r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			quoted := strconv.Quote(part)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(part)
		}
		if b.Len() <= maxLine-len(cutMark) {
			end = b.Len()
		}
		i += size
	}
	if b.Len() > maxLine {
		return b.String()[:end] + cutMark
	}
	return b.String()
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
