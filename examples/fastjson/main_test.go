package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunWritesJSON(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(nil, &stdout, &stderr), stderr.String())
	assert.Regexp(t, `^fastjson: 40 records, \d+ bytes, \d+ writes\n$`, stderr.String())

	var lines, failed [clients]int
	for line := range strings.Lines(stdout.String()) {
		var e struct {
			Level, Err string
			Client     int
			HTTP       struct{ Header map[string]string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		want := "*/*"
		if lines[e.Client] == 0 {
			want = "text/html"
		}
		assert.Equal(t, want, e.HTTP.Header["accept"], "as it was at the call")
		lines[e.Client]++
		if e.Level == "ERROR" {
			failed[e.Client]++
			assert.Equal(t, "unexpected EOF", e.Err)
		}
	}
	for client := range clients {
		assert.Equal(t, requests, lines[client])
		assert.Equal(t, requests/5, failed[client])
	}
}

func TestRunWritesForTerminal(t *testing.T) {
	for _, tt := range []struct {
		name, noColor string
		want          string
	}{
		{"colours", "", "\x1b[91mERR\x1b[0m request failed"},
		{"no colours", "1", ` ERR request failed client=2 http.method=GET http.path=/orders http.header=map[accept:*/*] err="unexpected EOF"` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("NO_COLOR", tt.noColor)
			var stdout, stderr bytes.Buffer
			require.Zero(t, run([]string{"-format", "terminal"}, &stdout, &stderr), stderr.String())
			assert.Equal(t, clients*requests, strings.Count(stdout.String(), "\n"))
			assert.Contains(t, stdout.String(), tt.want)
		})
	}
}

func TestRunSaysWhatIsWrongInOneLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"-x"}, "flag provided but not defined: -x"},
		{"no such format", []string{"-format", "xml"}, `-format "xml": want json or terminal`},
		{"argument", []string{"fast"}, `unexpected argument "fast"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 2, run(tt.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Equal(t, "fastjson: "+tt.want+"\n", stderr.String())
		})
	}
}

func TestRunHelps(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Zero(t, run([]string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "-format")
}

func TestRunReportsWhatCloseReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		assert.Equal(t, 1, run(nil, &unflushable{}, &stderr))
		assert.Regexp(t, "^fastjson: .*disk full\n$", stderr.String())
	})
}

// unflushable is a writer whose Flush fails.
type unflushable struct{ bytes.Buffer }

func (*unflushable) Flush() error { return errors.New("disk full") }
