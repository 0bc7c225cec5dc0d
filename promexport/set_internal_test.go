package promexport

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/asynchandler/asynchandler"
)

// silent is a source that the set does not ask.
type silent struct{ Source }

// What adding a source costs does not depend on how many of its name are there. Each
// suffix that is tried is a string that is allocated, so the count of these tells.
func TestAddingASourceTriesOneSuffix(t *testing.T) {
	var x set
	add := func() { x.add(&source{Source: &silent{}}, &asynchandler.Stats{Name: "same"}) }
	few := testing.AllocsPerRun(99, add)
	for range 1900 {
		add()
	}
	assert.InDelta(t, few, testing.AllocsPerRun(100, add), 20)
	assert.Contains(t, x.byLabel, "same-2000")
	assert.Len(t, x.list(), 2101)
}
