package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// fileMetrics are what verify finds.
var fileMetrics = []metric{{"lost", count, ""}, {"bad lines", count, ""}}

// closeAndVerify closes what has logged the numbers below calls into a file, and verifies that.
func closeAndVerify(c contender, s *subject, file string, calls int) (result, error) {
	if err := s.close(); err != nil {
		return nil, err
	}
	return verify(c, s, file, calls)
}

// verify returns what the file of a closed subject lacks, and how many of its lines are
// bad. It is an error if asynchandler wrote a bad line, or has not counted what it lost.
func verify(c contender, s *subject, file string, calls int) (result, error) {
	if c.name == floorName { // it writes nothing
		return result{}, nil
	}
	seen, bad, err := readNumbers(file, calls)
	if err != nil {
		return nil, err
	}
	lost, errorsLost := 0, 0
	for n, there := range seen {
		if !there {
			lost++
			if n%errorEach == 0 {
				errorsLost++
			}
		}
	}
	r := result{"lost": float64(lost), "bad lines": float64(len(bad)), "errors lost": float64(errorsLost)}
	if s.dropped != nil {
		r["counted"] = float64(s.dropped())
	}
	if isOurs(c.name) && (len(bad) > 0 || r["counted"] != r["lost"]) {
		return nil, fmt.Errorf("%s: %v, %w", c.name, r, errors.Join(bad...))
	}
	return r, nil
}

// readNumbers returns which of the numbers are in the file, as the attribute n of a line, and
// what is wrong with other lines.
func readNumbers(file string, numbers int) (seen []bool, bad []error, _ error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	seen = make([]bool, numbers)
	for line := range bytes.Lines(text) {
		if err := see(seen, line); err != nil {
			bad = append(bad, fmt.Errorf("line %q: %w", line, err))
		}
	}
	return seen, bad, nil
}

// see marks the number of a line.
func see(seen []bool, line []byte) error {
	var record struct{ N *int }
	switch err := json.Unmarshal(line, &record); {
	case err != nil:
		return err
	case line[len(line)-1] != '\n':
		return errors.New("unfinished")
	case record.N == nil && bytes.Contains(line, []byte("log records dropped")):
		return nil // a report of asynchandler
	case record.N == nil || *record.N < 0 || *record.N >= len(seen):
		return errors.New("never logged")
	case seen[*record.N]:
		return errors.New("there twice")
	}
	seen[*record.N] = true
	return nil
}

// lineTail counts the lines of a file that grows.
type lineTail struct {
	path  string
	read  int64
	lines int
}

// count returns how many lines there are by now.
func (t *lineTail) count() int {
	f, err := os.Open(t.path)
	if err != nil {
		return 0 // not created yet
	}
	defer f.Close()
	text, _ := io.ReadAll(io.NewSectionReader(f, t.read, math.MaxInt64-t.read))
	t.read += int64(len(text))
	t.lines += bytes.Count(text, []byte{'\n'})
	return t.lines
}
