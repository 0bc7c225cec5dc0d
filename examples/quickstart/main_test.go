package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// entry is what the test reads of a line.
type entry struct {
	Level, Msg string
	Client     int
	HTTP       struct {
		Path   string
		Status int
		Header map[string][]string
	}
}

func TestRunWritesWholeLinesAndCountsThem(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(nil, &stdout, &stderr), stderr.String())

	entries := parse(t, stdout.String())
	require.Len(t, entries, clients*requests+2)
	assert.Equal(t, "service started", entries[0].Msg)
	assert.Equal(t, "service stopped", entries[len(entries)-1].Msg)
	for client := range clients {
		var paths []string
		for _, e := range entries[1 : len(entries)-1] {
			if e.Client == client {
				paths = append(paths, e.HTTP.Path)
			}
		}
		assert.Equal(t, wantPaths(client), paths, "one goroutine's lines are in the order of its calls")
	}

	var s asynchandler.Stats
	require.NoError(t, json.Unmarshal(stderr.Bytes(), &s))
	assert.EqualValues(t, len(entries), s.Received)
	assert.EqualValues(t, len(entries), s.Delivered)
	assert.EqualValues(t, stdout.Len(), s.WrittenBytes)
	assert.Zero(t, s.Depth)
	assert.Empty(t, s.Drops, "no rows of zeros")
}

func TestRunShowsValuesAsTheyWereAtTheCall(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(nil, &stdout, &stderr), stderr.String())
	failed := 0
	for _, e := range parse(t, stdout.String()) {
		if e.Level == "ERROR" {
			failed++
			assert.Equal(t, []string{fmt.Sprintf("%d-%d", e.Client, failing)}, e.HTTP.Header["X-Request-Id"])
			assert.Equal(t, 502, e.HTTP.Status)
		}
	}
	assert.Equal(t, clients, failed)
}

func TestReportKeepsTheDropsThatHappened(t *testing.T) {
	happened := asynchandler.DropCount{Reason: asynchandler.DropOverflow, Level: slog.LevelWarn, Count: 3}
	var s asynchandler.Stats
	require.NoError(t, json.Unmarshal(report(asynchandler.Stats{
		Drops: []asynchandler.DropCount{{Reason: asynchandler.DropMemory}, happened, {Reason: asynchandler.DropClosed}},
	}), &s))
	assert.Equal(t, []asynchandler.DropCount{happened}, s.Drops)
}

func TestRunRefusesFlagsInOneLine(t *testing.T) {
	for _, args := range [][]string{{"-x"}, {"-h"}, {"please"}} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, 2, run(args, &stdout, &stderr))
		assert.Empty(t, stdout.String())
		assert.Equal(t, fmt.Sprintf("quickstart: takes no flags and no arguments, not [%q]\n", args[0]), stderr.String())
	}
}

func TestRunReportsWhatCloseReports(t *testing.T) {
	var stderr bytes.Buffer
	assert.Equal(t, 1, run(nil, &unflushable{}, &stderr))
	assert.Contains(t, stderr.String(), "disk full")
}

// unflushable is a writer whose Flush fails.
type unflushable struct{ bytes.Buffer }

func (*unflushable) Flush() error { return errors.New("disk full") }

func parse(t *testing.T, lines string) (entries []entry) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var e entry
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		require.True(t, strings.HasSuffix(line, "}\n"), line)
		entries = append(entries, e)
	}
	return entries
}

func wantPaths(client int) (paths []string) {
	for n := range requests {
		paths = append(paths, fmt.Sprintf("/orders/%d", 100*client+n))
	}
	return paths
}
