//go:build amd64 || arm64

package archive_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/internal/archive"
)

// A position independent program is somewhere else in memory each time it runs: one run writes
// a record, the next one reads it.
func TestSourceInAnotherRunOfTheProgram(t *testing.T) {
	const env = "ARCHIVE_TEST_FILE"
	if file := os.Getenv(env); file != "" {
		var r slog.Record
		slog.New(keeper{&r}).Info("here")
		written, err := os.ReadFile(file)
		if err != nil {
			require.NoError(t, os.WriteFile(file, new(archive.Codec).Append(nil, nil, &r), 0o600))
			return
		}
		got, err := new(archive.Codec).Read(written)
		require.NoError(t, err)
		require.Equal(t, r.PC, got.PC)
		return
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	out, err := exec.Command("go", "test", "-c", "-buildmode=pie", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for range 2 {
		run := exec.Command(program, "-test.run=^"+t.Name()+"$")
		run.Env = append(os.Environ(), env+"="+filepath.Join(dir, "record"))
		out, err := run.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}
