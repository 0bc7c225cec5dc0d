package main

import (
	"bytes"
	"io"
	"log"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

func TestRunShowsTheOutageAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, stderr bytes.Buffer
		require.Zero(t, run(nil, &out, &stderr), stderr.String())
		assert.Empty(t, stderr.String())
		t.Log("\n" + out.String())

		tables := strings.Split(strings.TrimSpace(out.String()), "\n\n")
		require.Len(t, tables, 2)
		for i, tt := range []struct {
			name string
			want func(t *testing.T, cells []string)
		}{
			{"without a fallback what is logged waits", func(t *testing.T, cells []string) {
				assert.Greater(t, len(cells[depth]), 2, "depth")
				assert.Equal(t, "0", cells[fallbackTook], "fallback")
			}},
			{"with a fallback it goes there", func(t *testing.T, cells []string) {
				assert.Equal(t, 1, len(cells[depth]), "depth")
				assert.Greater(t, len(cells[fallbackTook]), 2, "fallback")
			}},
		} {
			rows := strings.Split(tables[i], "\n")
			require.Len(t, rows, len(moods)+3, tt.name)
			for step, m := range moods {
				cells := strings.Fields(rows[step+2])
				require.Equal(t, string(m), cells[1], tt.name)
				assert.Equal(t, "0", cells[dropped], tt.name)
				if m == works {
					assert.Equal(t, "closed", cells[state], tt.name)
					assert.Equal(t, 1, len(cells[depth]), tt.name)
					continue
				}
				assert.Equal(t, "open", cells[state], tt.name)
				tt.want(t, cells)
			}
		}
	})
}

// Columns of the table.
const (
	state        = 2
	depth        = 3
	fallbackTook = 5
	dropped      = 6
)

func TestRunSaysWhatIsWrongInOneLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"-x"}, "outage: flag provided but not defined: -x\n"},
		{"not a duration", []string{"-step", "1"}, "outage: invalid value \"1\" for flag -step: parse error\n"},
		{"too short", []string{"-step", "-1s"}, "outage: -step -1s is too short: 10ms is the least\n"},
		{"argument", []string{"fast"}, "outage: unexpected argument \"fast\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 2, run(tt.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Equal(t, tt.want, stderr.String())
		})
	}
}

func TestRunHelps(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Zero(t, run([]string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "-step")
}

func TestAuditFindsWhatIsWrong(t *testing.T) {
	two := asynchandler.Stats{Received: 2, Delivered: 2}
	for _, tt := range []struct {
		name  string
		stats asynchandler.Stats
		out   string
		want  string // "" if nothing is wrong
	}{
		{"all well", two, "{\"n\":0}\n{\"n\":1}\n", ""},
		{"missing", two, "{\"n\":0}\n", "record 1 came out 0 times"},
		{"double", two, "{\"n\":0}\n{\"n\":1}\n{\"n\":1}\n", "record 1 came out 2 times"},
		{"torn", two, "{\"n\":0}\n{\"n\"", "not a line"},
		{"not added up", asynchandler.Stats{Received: 2, Delivered: 1}, "", "add up to 1"},
		{"not received", asynchandler.Stats{Received: 1, Delivered: 1}, "", "logged 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := audit(log.New(io.Discard, "", 0), tt.stats, 2, tt.out)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}
