package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
)

// measurement has the results of a family: by case, contender and round.
type measurement map[string]map[string][]result

// measure runs all scenarios of a family with the contenders that match, and with those
// they are compared with.
func measure(f family, names *regexp.Regexp, rounds int, quick bool) (measurement, error) {
	names = orReferences(names, f)
	m := measurement{}
	for _, s := range f.cases {
		m[s.name] = map[string][]result{}
		for round := range rounds {
			for _, c := range rotated(contenders, round) {
				if !f.takes(c.name) || !names.MatchString(c.name) {
					continue
				}
				fmt.Fprintf(os.Stderr, "\r\033[Kround %d of %d: %s, %s", round+1, rounds, f.fullName(s), c.name)
				r, err := inProcess(task{f.fullName(s), c.name, quick})
				if err != nil {
					return nil, err
				}
				m[s.name][c.name] = append(m[s.name][c.name], r)
			}
		}
	}
	fmt.Fprint(os.Stderr, "\r\033[K")
	return m, nil
}

func orReferences(names *regexp.Regexp, f family) *regexp.Regexp {
	pattern := names.String()
	if pattern == "" {
		return names
	}
	for _, metric := range f.metrics {
		if metric.ref != "" {
			pattern += "|^" + regexp.QuoteMeta(metric.ref) + "$"
		}
	}
	return regexp.MustCompile(pattern)
}

// rotated returns all in the order of a round. The last of a round is the first of the next if they
// are three or six, as many as take turns in a process.
func rotated[T any](all []T, round int) []T {
	first := round * 5 % len(all) // so that few rounds reach all parts of the order
	return slices.Concat(all[first:], all[:first])
}

// summarize returns the median of a metric, and of its ratio to the reference of the same
// round. ok says whether the contender has the metric; ratio is 0 if there is none.
func (m measurement) summarize(scenario, contender string, metric metric) (value, ratio float64, ok bool) {
	var values, ratios []float64
	references := m[scenario][metric.ref]
	for round, r := range m[scenario][contender] {
		v, ok := r[metric.name]
		if !ok {
			return 0, 0, false
		}
		values = append(values, v)
		if round < len(references) && references[round][metric.name] > 0 {
			ratios = append(ratios, v/references[round][metric.name])
		}
	}
	if len(values) == 0 {
		return 0, 0, false
	}
	if len(ratios) > 0 {
		ratio = median(ratios)
	}
	return median(values), ratio, true
}
