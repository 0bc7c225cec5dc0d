package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// unit is how a figure is printed.
type unit func(float64) string

func duration(ns float64) string {
	switch d := time.Duration(ns); {
	case d < time.Microsecond:
		return fmt.Sprintf("%.0f ns", ns)
	case d < time.Millisecond:
		return fmt.Sprintf("%.2f us", ns/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", ns/1e6)
	}
	return fmt.Sprintf("%.2f s", ns/1e9)
}

func count(n float64) string     { return fmt.Sprintf("%.0f", n) }
func fraction(n float64) string  { return fmt.Sprintf("%.2f", n) }
func rate(perSec float64) string { return fmt.Sprintf("%.0fk", perSec/1e3) }
func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }

// report returns the Markdown table of a family: contenders by figures, or the other way round
// if there are more figures than contenders.
func report(f family, m measurement) string {
	header := []string{""}
	for _, s := range f.cases {
		for _, metric := range f.metrics {
			header = append(header, strings.TrimPrefix(s.name+": "+metric.name, ": "))
		}
	}
	table := [][]string{header}
	for _, c := range contenders {
		if row, ok := f.row(m, c.name); ok {
			table = append(table, row)
		}
	}
	if len(header) > len(table) {
		table = transposed(table)
	}
	return fmt.Sprintf("\n### %s\n\n%s.\n\n%s", f.name, f.about, markdown(table))
}

// row returns the cells of a contender, and whether it took part.
func (f family) row(m measurement, name string) (row []string, ok bool) {
	row = []string{name}
	for _, s := range f.cases {
		ok = ok || len(m[s.name][name]) > 0
		for _, metric := range f.metrics {
			cell := ""
			if value, ratio, ok := m.summarize(s.name, name, metric); ok {
				cell = metric.unit(value)
				if ratio > 0 {
					cell += fmt.Sprintf(" (%.2fx)", ratio)
				}
			}
			row = append(row, cell)
		}
	}
	return row, ok
}

func transposed(table [][]string) [][]string {
	turned := make([][]string, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			turned[i] = append(turned[i], cell)
		}
	}
	return turned
}

func markdown(table [][]string) string {
	widths := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	var b strings.Builder
	for _, row := range slices.Insert(table, 1, rule) {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %-*s ", widths[i], cell)
		}
		b.WriteString("|\n")
	}
	return b.String()
}
