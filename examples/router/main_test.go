package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunSendsEachRecordWhereItBelongs(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) { // or a busy machine could take longer than an audit call waits
		require.Zero(t, run([]string{"-dir", dir}, &stdout, &stderr), stderr.String())
	})
	assert.Empty(t, stderr.String())

	app := count(t, dir, "app.log")
	assert.Equal(t, map[string]int{
		"INFO starting": 1, "INFO day opened": 1, "INFO day closed": 1,
		"INFO order placed": orders - orders/failing, "ERROR payment failed": orders / failing,
	}, app, "everything")
	assert.Equal(t, map[string]int{"ERROR payment failed": orders / failing}, count(t, dir, "errors.log"))
	assert.Equal(t, map[string]int{"INFO day opened": 1, "INFO day closed": 1}, count(t, dir, "audit.log"))

	rows := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	require.Len(t, rows, 5)
	assert.Equal(t, []string{"audit.log", "2", "0", "2"}, strings.Fields(rows[4]), "none waited when the call returned")
}

// count returns how often there is a line of each level and message.
func count(t *testing.T, dir, name string) map[string]int {
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	lines := map[string]int{}
	for line := range bytes.Lines(text) {
		var e struct{ Level, Msg string }
		require.NoError(t, json.Unmarshal(line, &e), string(line))
		lines[e.Level+" "+e.Msg]++
	}
	return lines
}

func TestRunSaysWhatIsWrongInOneLine(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-x"}, 2, "flag provided but not defined: -x"},
		{"argument", []string{"fast"}, 2, `unexpected argument "fast"`},
		{"missing folder", []string{"-dir", missing}, 1, "open " + filepath.Join(missing, "app.log") + ": no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, tt.code, run(tt.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Equal(t, "router: "+tt.want+"\n", stderr.String())
		})
	}
}

func TestRunDeliversWhatItLoggedBeforeAFileCannotBeOpened(t *testing.T) {
	for _, name := range []string{"errors.log", "audit.log"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 1, run([]string{"-dir", dir}, &stdout, &stderr))
			assert.Equal(t, "router: open "+filepath.Join(dir, name)+": is a directory\n", stderr.String())
			assert.Equal(t, map[string]int{"INFO starting": 1}, count(t, dir, "app.log"))
		})
	}
}

func TestRunHelps(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Zero(t, run([]string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "-dir")
}
