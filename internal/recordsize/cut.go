package recordsize

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLength is more than any length, and far from an overflow of a sum on 64 bits.
const maxLength = math.MaxInt >> 1

// level returns the length to which strings of these lengths must be cut so that they need
// no more than room together.
func level(lengths []int, room int64) int {
	slices.Sort(lengths)
	for i, n := range lengths {
		share := room / int64(len(lengths)-i)
		if int64(n) > share {
			return int(share)
		}
		room -= int64(n)
	}
	return math.MaxInt // they need no more as they are
}

// cutString returns the first n bytes of s, less those of a rune that does not fit. What is
// not UTF-8 is cut at n.
func cutString(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax && i >= 0; i-- {
		if !utf8.RuneStart(s[i]) {
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); i+size > n {
			n = i
		}
		break
	}
	return strings.Clone(s[:n])
}
