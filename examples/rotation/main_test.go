package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) } // timberjack has a goroutine too

func TestRunRotatesAndLosesNothing(t *testing.T) {
	folder := t.TempDir()
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"-dir", folder}, &stdout, &stderr), stderr.String())
	assert.Empty(t, stderr.String())
	assert.Contains(t, stdout.String(), "40000 logged = 40000 lines in ")

	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Greater(t, len(files), 2, "it rotated")
	lines := 0
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(folder, file.Name()))
		require.NoError(t, err)
		assert.LessOrEqual(t, len(text), 1<<20, file.Name())
		lines += bytes.Count(text, []byte(`"msg":"order placed"`))
		assert.Contains(t, stdout.String(), file.Name())
	}
	assert.Equal(t, writers*10_000, lines)
}

func TestRunSaysWhatIsWrongInOneLine(t *testing.T) {
	used := t.TempDir()
	write(t, used, "app.log", "")
	file := filepath.Join(used, "app.log")
	missing := filepath.Join(used, "missing")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown flag", []string{"-x"}, 2, "flag provided but not defined: -x"},
		{"argument", []string{"fast"}, 2, `unexpected argument "fast"`},
		{"records", []string{"-records", "0"}, 2, "-records 0: want 1 or more"},
		{"missing folder", []string{"-dir", missing}, 1, "open " + missing + ": no such file or directory"},
		{"no folder", []string{"-dir", file}, 1, file + ": not a directory"},
		{"used folder", []string{"-dir", used}, 1, used + " is not empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, tt.code, run(t.Context(), tt.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Contains(t, stderr.String(), tt.want)
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}
	assert.NoDirExists(t, missing)
}

func TestRunHelps(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Zero(t, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "-records")
}

func TestOpenReportsAtOnce(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "file", "")
	_, err := open(filepath.Join(folder, "file"))
	assert.ErrorContains(t, err, "not a directory")
}

// A disk that is full ends the program, though the log calls wait for room.
func TestFillGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &fullDisk{room: 1 << 20}
		err := fill(t.Context(), disk, 10_000)
		require.ErrorIs(t, err, errFull)
		assert.NotContains(t, err.Error(), "\n")
		assert.Zero(t, disk.room, "what fitted was delivered")
		assert.True(t, disk.closed)
	})
}

func TestFillEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	disk := &fullDisk{room: 1 << 20}
	require.ErrorIs(t, fill(ctx, disk, 10_000), context.Canceled)
	assert.True(t, disk.closed)
}

var errFull = errors.New("no space left on device")

// fullDisk takes as many bytes as there is room for.
type fullDisk struct {
	room   int
	closed bool
}

func (d *fullDisk) Write(p []byte) (n int, err error) {
	if n = min(len(p), d.room); n < len(p) {
		err = errFull
	}
	d.room -= n
	return n, err
}

func (d *fullDisk) Close() error { d.closed = true; return nil }

func TestAuditFindsWhatIsWrong(t *testing.T) {
	all := `{"writer":0,"n":0}|{"writer":1,"n":0}|{"writer":2,"n":0}|{"writer":3,"n":0}|`
	for _, tt := range []struct {
		name       string
		first, log string
		want       string // "" if nothing is wrong
	}{
		{"all well", all, `{"writer":3,"n":1}|{"writer":2,"n":1}|{"writer":1,"n":1}|{"writer":0,"n":1}|`, ""},
		{"missing", all, `{"writer":3,"n":1}|{"writer":2,"n":1}|{"writer":1,"n":1}|`, "writer 0 logged 2 records, 1 are there"},
		{"double", all, all, "app.log has a line that does not follow"},
		{"out of order", `{"writer":0,"n":1}|`, `{"writer":0,"n":0}|`, "app-1.log has a line that does not follow"},
		{"torn at the end of a file", `{"writer":0,"n":0`, `}|`, "app-1.log has a torn line"},
		{"without a newline", all, `{"writer":3,"n":1}`, "app.log has a torn line"},
		{"no such writer", all, `{"writer":4,"n":0}|`, "app.log has a line that does not follow"},
		{"not a record", all, `{}|`, "app.log has a line that does not follow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, folder, "app-1.log", tt.first)
			write(t, folder, "app.log", tt.log)
			err := audit(log.New(io.Discard, "", 0), folder, 2)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// write makes a file. The text has | for the end of a line.
func write(t *testing.T, folder, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(strings.ReplaceAll(text, "|", "\n")), 0o600))
}
