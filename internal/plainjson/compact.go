package plainjson

import "unicode/utf8"

// maxNested is how deep JSON may be nested to be looked into.
const maxNested = 50

// isCompact reports whether encoding/json writes data, which has a MarshalJSON, as it is:
// whether it is JSON without spaces. It may say no of some that is.
func isCompact(data []byte) bool {
	rest, ok := cutValue(data, maxNested)
	return ok && len(rest) == 0
}

// cutValue returns what is behind the value that s begins with.
func cutValue(s []byte, nested int) (rest []byte, ok bool) {
	if len(s) == 0 || nested == 0 {
		return s, false
	}
	switch s[0] {
	case '"':
		return cutString(s)
	case '{':
		return cutMembers(s[1:], '}', nested-1)
	case '[':
		return cutMembers(s[1:], ']', nested-1)
	case 't':
		return cutWord(s, "true")
	case 'f':
		return cutWord(s, "false")
	case 'n':
		return cutWord(s, "null")
	}
	return cutNumber(s)
}

func cutWord(s []byte, word string) (rest []byte, ok bool) {
	if len(s) < len(word) || string(s[:len(word)]) != word {
		return s, false
	}
	return s[len(word):], true
}

// cutMembers returns what is behind an object or an array, which ends with that byte.
func cutMembers(s []byte, end byte, nested int) (rest []byte, ok bool) {
	if len(s) > 0 && s[0] == end {
		return s[1:], true
	}
	for {
		if end == '}' {
			if s, ok = cutString(s); !ok || len(s) == 0 || s[0] != ':' {
				return s, false
			}
			s = s[1:]
		}
		if s, ok = cutValue(s, nested); !ok || len(s) == 0 {
			return s, false
		}
		switch s[0] {
		case end:
			return s[1:], true
		case ',':
			s = s[1:]
		default:
			return s, false
		}
	}
}

// cutString returns what is behind a string of valid UTF-8 without the escapes of runes.
func cutString(s []byte) (rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '"' {
		return s, false
	}
	for s = s[1:]; ; {
		s = s[plainBytes(s):]
		switch {
		case len(s) == 0:
			return s, false
		case s[0] == '"':
			return s[1:], true
		case s[0] == '\\':
			if len(s) < 2 || !isLetter(s[1]) {
				return s, false
			}
			s = s[2:]
		default:
			r, size := utf8.DecodeRune(s)
			if s[0] < utf8.RuneSelf || r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				return s, false
			}
			s = s[size:]
		}
	}
}

// isLetter reports whether c may stand behind a backslash.
func isLetter(c byte) bool {
	switch c {
	case '"', '\\', 'n', 'r', 't':
		return true
	}
	return false
}

func cutNumber(s []byte) (rest []byte, ok bool) {
	if s[0] == '-' {
		s = s[1:]
	}
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return s, false
	}
	if s = s[whole:]; len(s) > 0 && s[0] == '.' {
		n := digits(s[1:])
		if n == 0 {
			return s, false
		}
		s = s[1+n:]
	}
	if len(s) == 0 || s[0] != 'e' && s[0] != 'E' {
		return s, true
	}
	if s = s[1:]; len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	n := digits(s)
	return s[n:], n > 0
}

// digits returns with how many s begins.
func digits(s []byte) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
