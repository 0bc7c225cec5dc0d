package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReportFindsFault(t *testing.T) {
	for _, tt := range []struct {
		name   string
		lines  []line
		logged []int
		fault  string
	}{
		{"all well", []line{{1, 1}, {1, 2}, {2, 1}}, []int{2, 1}, ""},
		{"what was in memory", []line{{1, 1}, {2, 1}}, []int{1 + capacity, 1}, ""},
		{"more than that", []line{{1, 1}, {2, 1}}, []int{2 + capacity, 1}, "lines are lost that were not in memory at the kill"},
		{"a gap", []line{{1, 1}, {1, 3}, {2, 1}}, []int{3, 1}, "lines are lost that were not in memory at the kill"},
		{"the second service loses one", []line{{1, 1}, {2, 1}}, []int{1, 2}, "lines are lost that were not in memory at the kill"},
		{"a batch comes twice", repeated(1 + batch), []int{1, 0}, ""},
		{"more than a batch", repeated(2 + batch), []int{1, 0}, "lines are doubled that were delivered before the kill"},
		{"one round comes late", descending(1 + tries), []int{1 + tries, 0}, ""},
		{"more than a round", descending(2 + tries), []int{2 + tries, 0}, "lines are out of order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := collector{lines: tt.lines}
			err := report(io.Discard, c.judge(2), tt.logged...)
			if tt.fault == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, tt.fault)
			}
		})
	}
}

func repeated(n int) (lines []line) {
	for range n {
		lines = append(lines, line{1, 1})
	}
	return lines
}

func descending(n int) (lines []line) {
	for i := n; i > 0; i-- {
		lines = append(lines, line{1, i})
	}
	return lines
}
