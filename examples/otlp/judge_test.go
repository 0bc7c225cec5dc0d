package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// record is one of those that a service logs: two for each request, numbered from 1.
type record struct{ Pid, N int }

func recordOf(pid, request int, message string) record {
	if message == "request served" {
		return record{pid, 2*request + 2}
	}
	return record{pid, 2*request + 1}
}

// verdict is what became of the records of one service.
type verdict struct {
	arrived    int // different ones
	missing    int // with later ones there
	doubled    int
	disordered int
	last       int
}

// judge looks at the records as they came. Those of a later service come later.
func judge(pids []int, records []record) (seen map[record]bool, verdicts []verdict) {
	seen, verdicts = map[record]bool{}, make([]verdict, len(pids))
	latest := 0
	for _, r := range records {
		i := slices.Index(pids, r.Pid)
		v := &verdicts[i]
		switch {
		case seen[r]:
			v.doubled++
			continue
		case i < latest || r.N < v.last:
			v.disordered++
		}
		seen[r] = true
		v.arrived++
		latest, v.last = max(latest, i), max(v.last, r.N)
	}
	for i := range verdicts {
		verdicts[i].missing = verdicts[i].last - verdicts[i].arrived
	}
	return seen, verdicts
}

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name    string
		records []record
		want    []verdict
	}{
		{"all well", []record{{7, 1}, {7, 2}, {5, 1}}, []verdict{{arrived: 2, last: 2}, {arrived: 1, last: 1}}},
		{"a gap", []record{{7, 1}, {7, 3}, {5, 1}}, []verdict{{arrived: 2, missing: 1, last: 3}, {arrived: 1, last: 1}}},
		{"twice", []record{{7, 1}, {7, 2}, {7, 1}, {7, 2}}, []verdict{{arrived: 2, doubled: 2, last: 2}, {}}},
		{"out of order", []record{{7, 2}, {7, 1}}, []verdict{{arrived: 2, disordered: 1, last: 2}, {}}},
		{"behind a later service", []record{{5, 1}, {7, 1}}, []verdict{{arrived: 1, disordered: 1, last: 1}, {arrived: 1, last: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			arrived, got := judge([]int{7, 5}, tt.records)
			assert.Equal(t, tt.want, got)
			assert.Len(t, arrived, got[0].arrived+got[1].arrived)
		})
	}
}
