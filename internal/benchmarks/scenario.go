package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// A family is a group of scenarios that share a table.
type family struct {
	name    string
	about   string
	without []string // contenders for whom it means nothing
	only    []string // if set: the others would not add to it
	metrics []metric
	cases   []scenario
}

// A scenario is what one process does.
type scenario struct {
	name string // of the case within its family; "" if it is the only one
	run  func(contender, bench) (result, error)
}

// A metric is a kind of figure that a scenario yields.
type metric struct {
	name string
	unit unit
	ref  string // contender that ratios are taken against, "" for none
}

// result has figures by the names of their metrics; those that a contender has not are left
// out.
type result map[string]float64

// bench is what a scenario gets beside the contender.
type bench struct {
	quick bool
	dir   string // for files; it is empty
}

// size returns how much of something to do.
func (b bench) size(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}

func (b bench) logFile() string { return filepath.Join(b.dir, "log") }

// isolated runs a scenario with a fresh directory for its files.
func (s scenario) isolated(c contender, quick bool) (result, error) {
	dir, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return nil, err
	}
	r, err := s.run(c, bench{quick: quick, dir: dir})
	return r, errors.Join(err, os.RemoveAll(dir))
}

func (f family) takes(name string) bool {
	return !slices.Contains(f.without, name) && (f.only == nil || slices.Contains(f.only, name))
}

// fullName returns family/case.
func (f family) fullName(s scenario) string {
	if s.name == "" {
		return f.name
	}
	return f.name + "/" + s.name
}

// families returns those that have scenarios whose names match, with only these.
func families(names *regexp.Regexp) []family {
	var selected []family
	for _, f := range allFamilies() {
		f.cases = slices.DeleteFunc(f.cases, func(s scenario) bool { return !names.MatchString(f.fullName(s)) })
		if len(f.cases) > 0 {
			selected = append(selected, f)
		}
	}
	return selected
}

func allFamilies() []family {
	return []family{
		callFamily(), paceFamily(), parallelFamily(), burstFamily(), firstLapFamily(),
		stallFamily(), outageFamily(), slowFamily(), spoolFamily(),
		losslessFamily(), limitFamily(), requestsFamily(), idleFamily(), allocsFamily(), goroutinesFamily(), capacityFamily(), gcFamily(),
	}
}
