package chaos_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/stretchr/testify/assert"
)

// idsIn returns which records are in what a writer gets, also those of which it gets a part.
func idsIn(p []byte) (ids []string) {
	for _, m := range idPattern.FindAllSubmatch(p, -1) {
		ids = append(ids, string(m[1]))
	}
	return ids
}

var idPattern = regexp.MustCompile(`"msg":"([^"]*)"`)

// settled returns what next has taken, in order; where it is a writer, torn is what is
// written of a line that is not whole.
func (s *subject) settled() (taken []string, torn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writes {
		return s.taken, ""
	}
	taken, s.reports, torn = s.messagesIn(s.output)
	return taken, torn
}

// messagesIn returns the messages of the records in lines, and how many reports of drops there
// are.
func (s *subject) messagesIn(lines []byte) (messages []string, reports int, torn string) {
	for line := range bytes.Lines(lines) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			return messages, reports, string(line)
		}
		var r struct {
			Msg string
			Pad *string
			N   int
			Cut bool `json:"truncated"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			s.t.Errorf("a broken line: %v: %q", err, line)
		}
		if r.Msg == "log records dropped" {
			reports++
			continue
		}
		if r.Pad != nil && !r.Cut {
			assert.Equal(s.t, strings.Repeat("x", r.N), *r.Pad)
		}
		messages = append(messages, r.Msg)
	}
	return messages, reports, ""
}
