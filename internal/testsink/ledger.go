package testsink

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Ledger says what became of the messages that several goroutines logged, each as [Message]
// numbers them.
type Ledger struct {
	Arrived    int      // different messages that arrived
	Missing    []string // logged, but did not arrive
	Duplicates []string // arrived again
	Unordered  []string // arrived after a later one of the same goroutine
	Unknown    []string // never logged: other numbers or no such message at all
}

// Message returns the message with the number seq, from 0, of goroutine g: "g3-17".
func Message(g, seq int) string { return "g" + strconv.Itoa(g) + "-" + strconv.Itoa(seq) }

// Messages returns the messages that [Message] made in the output of a handler, in order, whatever stands around them.
func Messages(output string) (msgs []string) {
	for word := range strings.FieldsFuncSeq(output, betweenWords) {
		if _, _, ok := parse(word); ok {
			msgs = append(msgs, word)
		}
	}
	return msgs
}

func betweenWords(r rune) bool {
	return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// Check compares the messages that arrived with those logged: seq 0 to each-1 by goroutine
// 0 to goroutines-1.
func Check(arrived []string, goroutines, each int) Ledger {
	var l Ledger
	seen := make([]bool, goroutines*each)
	next := make([]int, goroutines) // one past the latest seq of each goroutine
	for _, msg := range arrived {
		g, seq, ok := parse(msg)
		switch {
		case !ok || g >= goroutines || seq >= each:
			l.Unknown = append(l.Unknown, msg)
			continue
		case seen[g*each+seq]:
			l.Duplicates = append(l.Duplicates, msg)
			continue
		case seq < next[g]:
			l.Unordered = append(l.Unordered, msg)
		}
		seen[g*each+seq] = true
		next[g] = max(next[g], seq+1)
		l.Arrived++
	}
	for i, ok := range seen {
		if !ok {
			l.Missing = append(l.Missing, Message(i/each, i%each))
		}
	}
	return l
}

func parse(msg string) (g, seq int, ok bool) {
	left, right, ok := strings.Cut(strings.TrimPrefix(msg, "g"), "-")
	if !ok {
		return 0, 0, false
	}
	g, gerr := strconv.Atoi(left)
	seq, serr := strconv.Atoi(right)
	ok = gerr == nil && serr == nil && g >= 0 && seq >= 0 && msg == Message(g, seq)
	return g, seq, ok
}

// Err returns nil if every message arrived once and in the order of its goroutine, and
// nothing else did.
func (l Ledger) Err() error {
	if len(l.Missing)+len(l.Duplicates)+len(l.Unordered)+len(l.Unknown) == 0 {
		return nil
	}
	return fmt.Errorf("testsink: %d arrived, missing %s, duplicates %s, unordered %s, unknown %s", l.Arrived,
		some(l.Missing), some(l.Duplicates), some(l.Unordered), some(l.Unknown))
}

// some keeps a failure readable when a million messages are missing.
func some(msgs []string) string { return fmt.Sprintf("%d %q", len(msgs), msgs[:min(len(msgs), 5)]) }
