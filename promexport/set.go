package promexport

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asynchandler/asynchandler"
)

// set holds the sources that are shown. To add one takes the same time however many there
// are, also if all have one name. The zero set is empty.
type set struct {
	byLabel map[string]*source
	byID    map[any]*source // each under its identity and its queue, as far as these are known
	taken   map[string]int  // by name: the suffixes below it are known to be in use
}

// queue identifies a source by the queue that its statistics are of.
type queue uint64

// queueOf returns nil if stats do not say of which queue they are.
func queueOf(stats *asynchandler.Stats) any {
	if stats == nil || stats.Queue == 0 {
		return nil
	}
	return queue(stats.Queue)
}

// add adds s and gives it its label, unless it is there already. stats is what s says now,
// nil if it fails.
func (x *set) add(s *source, stats *asynchandler.Stats) {
	ids := slices.DeleteFunc([]any{s.identity(), queueOf(stats)}, func(id any) bool { return id == nil })
	for _, id := range ids {
		if x.byID[id] != nil {
			return
		}
	}
	if x.byLabel == nil {
		x.byLabel, x.byID, x.taken = make(map[string]*source), make(map[any]*source), make(map[string]int)
	}
	s.labels, s.ids = newLabels(x.freeLabel(nameOf(stats))), ids
	x.byLabel[s.labels.name] = s
	for _, id := range ids {
		x.byID[id] = s
	}
}

func nameOf(stats *asynchandler.Stats) string {
	if stats == nil || stats.Name == "" {
		return "unknown"
	}
	return strings.ToValidUTF8(stats.Name, "\uFFFD")
}

// freeLabel returns name, with a suffix if another source has it.
func (x *set) freeLabel(name string) string {
	for n := max(1, x.taken[name]); ; n++ {
		label := name
		if n > 1 {
			label = fmt.Sprintf("%s-%d", name, n)
		}
		if x.byLabel[label] == nil {
			x.taken[name] = n + 1
			return label
		}
	}
}

// remove removes the source with that id and reports whether there was one.
func (x *set) remove(id any) bool {
	s := x.byID[id]
	if s == nil {
		return false
	}
	delete(x.byLabel, s.labels.name)
	for _, id := range s.ids {
		delete(x.byID, id)
	}
	clear(x.taken) // its label is free, which may have been a suffix of several names
	return true
}

// list returns the sources in no order.
func (x *set) list() []*source { return slices.Collect(maps.Values(x.byLabel)) }
