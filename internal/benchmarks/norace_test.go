//go:build !race

package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const raceEnabled = false

// The race detector allocates in the calls that are counted.
func TestCallsAllocateNothing(t *testing.T) {
	for _, c := range ours {
		s, _, err := c.openWarm(sink{w: io.Discard, capacity: defaultCapacity}, bench{quick: true})
		require.NoError(t, err)
		for name, log := range map[string]func(int){"3 attributes": s.log3, "5 attributes": s.log5} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				// What the worker allocates counts too.
				assert.Zero(t, testing.AllocsPerRun(4000, func() { log(1) }))
			})
		}
		require.NoError(t, s.close())
	}
}

// TestPeersWriteAllRecords is not for the race detector, which finds a race of phuslu/log.
func TestPeersWriteAllRecords(t *testing.T) {
	for _, k := range kinds() {
		if k.text {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			runners, err := measurePeers(k, effortOf(1, true))
			require.NoError(t, err)
			for _, r := range runners {
				assert.Positive(t, r.call())
			}
		})
	}
}
