package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler/spool"
)

// The Collector goes away, the program is killed and started again, the Collector comes back:
// what was on the disk arrives.
func TestSpoolOutlastsTheProgram(t *testing.T) {
	c := newCollector(t)
	c.start(t)
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-endpoint", c.endpoint, "-spool", dir, "-queue", "256", "-rate", "1000", "-for", "1h")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	require.NoError(t, cmd.Start())
	poll(t, func() bool {
		_, err := os.Stat(c.file)
		return err == nil && len(c.records(t)) >= 100
	})
	c.stop()
	poll(t, func() bool { return sizeOfSpool(t, dir) > 200_000 })
	require.NoError(t, cmd.Process.Kill())
	require.ErrorContains(t, cmd.Wait(), "signal: killed")
	before := len(c.records(t))
	onDisk := lenOfSpool(t, dir)
	require.Greater(t, onDisk, 500)

	p := newPipeline(t, config{endpoint: c.endpoint, queue: 256, grace: patient, spool: dir})
	require.EqualValues(t, onDisk, p.Stats().Recovered)
	c.start(t)
	poll(t, func() bool { return p.Stats().Spooled == 0 })
	require.NoError(t, p.Close())

	times, last := map[[2]any]int{}, 0.0
	for _, r := range c.records(t) {
		n := r.Attributes["request"].(float64)
		times[[2]any{n, r.Body}]++
		last = max(last, n)
	}
	all := len(c.records(t))
	t.Logf("%d records received, then %d on the disk at the kill; received in the end: %d, of which %d twice",
		before, onDisk, all, all-len(times))
	assert.Equal(t, before+onDisk, all)
	assert.InDelta(t, 2*(last+1), len(times), 1, "without a gap: each request has two records")
	assert.Zero(t, lenOfSpool(t, dir))
}

func sizeOfSpool(t *testing.T, dir string) (size int64) {
	files, err := filepath.Glob(filepath.Join(dir, "*.spool"))
	require.NoError(t, err)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			size += info.Size()
		}
	}
	return size
}

func lenOfSpool(t *testing.T, dir string) int {
	s, err := spool.Open(dir, spool.Options{})
	require.NoError(t, err)
	defer s.Close()
	return s.Len()
}
