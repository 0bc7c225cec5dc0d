package promexport

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// labels are those of all series of one source. They are made once, as they do not
// change: to make them again for each scrape is most of its work.
type labels struct {
	name        string
	handler     []*dto.LabelPair // of metrics that have no other label
	drops       map[dropKey][]*dto.LabelPair
	states      [len(states)][]*dto.LabelPair // of breakerState
	transitions [len(states)][]*dto.LabelPair // of breakerTransitions
}

type dropKey struct{ reason, level string }

var (
	levels = [...]string{"debug", "info", "warn", "error"}
	states = [...]string{"closed", "open", "half-open"}
)

// newLabels shares what it can: there may be many sources. Pairs are sorted by their names.
func newLabels(name string) *labels {
	handler := pair("handler", name)
	l := &labels{
		name:    name,
		handler: []*dto.LabelPair{handler},
		drops:   make(map[dropKey][]*dto.LabelPair, len(reasons)*len(levels)),
	}
	for key, pairs := range dropPairs {
		l.drops[key] = append([]*dto.LabelPair{handler}, pairs[:]...)
	}
	for i := range states {
		l.states[i] = []*dto.LabelPair{handler, statePairs[i]}
		l.transitions[i] = []*dto.LabelPair{handler, toPairs[i]}
	}
	return l
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

var dropPairs = func() map[dropKey][2]*dto.LabelPair {
	pairs := make(map[dropKey][2]*dto.LabelPair)
	for _, reason := range reasons {
		for _, level := range levels {
			pairs[dropKey{string(reason), level}] = [...]*dto.LabelPair{pair("level", level), pair("reason", string(reason))}
		}
	}
	return pairs
}()

var statePairs, toPairs = func() (state, to [len(states)]*dto.LabelPair) {
	for i, s := range states {
		state[i], to[i] = pair("state", s), pair("to", s)
	}
	return state, to
}()

// sample is a [prometheus.Metric] with one value. Unlike the constant metrics of
// client_golang it shares its labels with those of other scrapes.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	kind   prometheus.ValueType
	value  float64
}

// Desc returns the descriptor of the metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write encodes the metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.kind == prometheus.CounterValue {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}
