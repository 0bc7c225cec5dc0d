// Package promverify checks that the dashboard and the rules that come with promexport
// can be parsed, and ask only for series that its collector exposes. It is a module of
// its own so that nobody else depends on the Prometheus server, whose parser it uses.
package promverify

import (
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/promexport"
	"github.com/asynchandler/asynchandler/spool"
)

// target are the labels that a scrape adds.
var target = map[string]string{"job": "web", "instance": "localhost:8080"}

// series are the labels of each series, by metric name.
type series map[string][]map[string]string

// exposed returns the series that a collector of one handler exposes.
func exposed() (series, error) {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	disk, err := spool.Open(dir, spool.Options{})
	if err != nil {
		return nil, err
	}
	h := asynchandler.NewJSONHandler(io.Discard, nil, asynchandler.WithSpool(disk)) // which it closes
	defer h.Close()
	r := prometheus.NewRegistry()
	if err := r.Register(promexport.NewCollector(h)); err != nil {
		return nil, err
	}
	families, err := r.Gather()
	if err != nil {
		return nil, err
	}
	s := make(series)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			own := make(map[string]string)
			for _, pair := range m.GetLabel() {
				own[pair.GetName()] = pair.GetValue()
			}
			for _, q := range m.GetSummary().GetQuantile() {
				s.add(f.GetName(), own, "quantile", fmt.Sprint(q.GetQuantile()))
			}
			for _, b := range m.GetHistogram().GetBucket() {
				s.add(f.GetName()+"_bucket", own, "le", fmt.Sprint(b.GetUpperBound()))
			}
			if m.Histogram != nil {
				s.add(f.GetName()+"_bucket", own, "le", "+Inf")
			}
			if m.Histogram.GetSchema() != 0 { // a server that reads native histograms keeps this one series
				s.add(f.GetName(), own)
			}
			if m.Summary != nil || m.Histogram != nil {
				s.add(f.GetName()+"_sum", own)
				s.add(f.GetName()+"_count", own)
				continue
			}
			s.add(f.GetName(), own)
		}
	}
	return s, nil
}

// add adds a series with these labels, those of the target, and one more pair.
func (s series) add(name string, own map[string]string, pair ...string) {
	all := make(map[string]string)
	for _, from := range []map[string]string{target, own} {
		maps.Copy(all, from)
	}
	if len(pair) == 2 {
		all[pair[0]] = pair[1]
	}
	s[name] = append(s[name], all)
}

// check returns an error if expr cannot be parsed or a selector in it matches nothing.
func (s series) check(expr string) error {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return err
	}
	return parser.Walk(visitor(s), parsed, nil)
}

type visitor series

// Visit checks the selectors that a walk comes by.
func (v visitor) Visit(node parser.Node, _ []parser.Node) (parser.Visitor, error) {
	selector, ok := node.(*parser.VectorSelector)
	if !ok {
		return v, nil
	}
	for _, have := range v[selector.Name] {
		if matchesAll(selector.LabelMatchers, have) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("no series matches %s", selector)
}

func matchesAll(matchers []*labels.Matcher, have map[string]string) bool {
	for _, m := range matchers {
		if _, known := have[m.Name]; m.Name != labels.MetricName && (!known || !m.Matches(have[m.Name])) {
			return false
		}
	}
	return true
}
