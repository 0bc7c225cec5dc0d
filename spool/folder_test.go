package spool_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

func TestForeignFiles(t *testing.T) {
	dir, want := filled(t, 10, spool.Options{})
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lost+found.spool"), 0o700))
	foreign := []string{"README", "x.spool", ".spool", "1-2.spool"}
	for _, name := range foreign {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "00000000000000000400-00000000.spool"), []byte("looks like one"), 0o600))
	s := open(t, dir, spool.Options{})
	require.Equal(t, want, drain(t, s))
	for _, name := range foreign {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, "mine", string(b))
	}
}

func TestFolderThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := spool.Open(dir, spool.Options{})
		require.ErrorIs(t, err, syscall.ENOTDIR)
		require.ErrorContains(t, err, dir)
	}
	_, err := spool.Open(t.TempDir(), spool.Options{MaxBytes: -1})
	require.ErrorContains(t, err, "MaxBytes is -1")
}

func TestFolderIsLocked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	_, err := spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrLocked)
	require.ErrorContains(t, err, "process "+strconv.Itoa(os.Getpid()))
	require.ErrorContains(t, err, dir)
	require.NoError(t, s.Close())
	open(t, dir, spool.Options{})
}

// Another process has the folder and is killed.
func TestFolderIsLockedByAnother(t *testing.T) {
	const env = "SPOOL_TEST_FOLDER"
	if dir := os.Getenv(env); dir != "" {
		s := open(t, dir, spool.Options{})
		require.NoError(t, s.Append(records(0, 300, 100)))
		_, _ = os.Stdout.WriteString("ready\n")
		select {}
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), env+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	b := make([]byte, 6)
	_, err = out.Read(b)
	require.NoError(t, err)
	require.Equal(t, "ready\n", string(b))
	_, err = spool.Open(dir, spool.Options{})
	require.ErrorIs(t, err, spool.ErrLocked)
	require.ErrorContains(t, err, "process "+strconv.Itoa(cmd.Process.Pid))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Equal(t, records(0, 300, 100), drain(t, open(t, dir, spool.Options{})))
}
