//go:build unix

package process_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/internal/testsink"
	"github.com/asynchandler/asynchandler/spool"
)

func init() {
	programs["spooled"] = func() { spooledUntilKilled(false) }
	programs["spooled, the last"] = func() { spooledUntilKilled(true) }
}

// spooledUntilKilled logs to a file that is away now and then, over a spool. The last of
// these programs delivers what the others have left.
func spooledUntilKilled(last bool) {
	dir := os.Getenv("ASYNCHANDLER_LOG")
	s, err := spool.Open(filepath.Join(dir, "spool"), spool.Options{})
	must(err)
	h := asynchandler.NewJSONHandler(&fickleFile{openToAppend(dir, "log"), openToAppend(dir, "refused"), filepath.Join(dir, "away")}, nil,
		append(hasty[:len(hasty):len(hasty)], quiet, gathered, asynchandler.WithSpool(s), asynchandler.WithOverflow(asynchandler.Block),
			asynchandler.WithCapacity(killedCapacity), asynchandler.WithBatchSize(killedBatch))...)
	if last {
		for h.Stats().Spooled > 0 {
			time.Sleep(time.Millisecond)
		}
		must(h.Close())
		tell("closed", h)
		return
	}
	l := slog.New(h).With("life", os.Getenv("ASYNCHANDLER_LIFE"))
	for n := 0; ; n++ {
		l.Info("numbered", "n", n)
		_, err := progressPipe().Write([]byte{'.'})
		must(err)
	}
}

func openToAppend(dir, name string) *os.File {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(err)
	return f
}

// fickleFile refuses all while there is a file away.
type fickleFile struct {
	*os.File
	refused *os.File // gets what it refuses
	away    string
}

func (f *fickleFile) Write(p []byte) (int, error) {
	if _, err := os.Stat(f.away); err == nil {
		_, err = f.refused.Write(p)
		must(err)
		return 0, syscall.ECONNREFUSED
	}
	time.Sleep(time.Millisecond) // some are killed while the disk is read
	return f.File.Write(p)
}

// spooledLine is a line of one of the programs.
type spooledLine struct{ life, n int }

// readSpooled returns the lines in a file, without those that a kill has torn.
func readSpooled(t *testing.T, path string) (lines []spooledLine, torn int) {
	text, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	for line := range strings.Lines(string(text)) {
		var r struct {
			Life string
			N    int
		}
		if json.Unmarshal([]byte(line), &r) != nil {
			torn++
			continue
		}
		life, err := strconv.Atoi(r.Life)
		require.NoError(t, err, line)
		lines = append(lines, spooledLine{life, r.N})
	}
	return lines, torn
}

// A process with a spool is killed at random moments of outages, and started again. What it
// loses was in its memory; no more lines come twice than what was under way; and the order is
// kept, but for lines that were refused while later ones were taken. KILLS says how often.
func TestKilledProcessWithASpool(t *testing.T) { // P14
	kills := 5
	if s := os.Getenv("KILLS"); s != "" {
		var err error
		kills, err = strconv.Atoi(s)
		require.NoError(t, err, "KILLS")
	}
	dir := t.TempDir()
	logged := make([]int, kills)
	for life := range logged {
		logged[life] = killInAnOutage(t, dir, life)
	}
	_ = os.Remove(filepath.Join(dir, "away"))
	c := startChild(t, "spooled, the last", "ASYNCHANDLER_LOG="+dir)
	s := c.told(t, "closed")
	require.Equal(t, "exit status 0", c.ended(), "%s", &c.stderr)
	assert.Equal(t, s.Recovered, s.Delivered)
	assert.Zero(t, s.SpoolDamaged)

	lines, torn := readSpooled(t, filepath.Join(dir, "log"))
	refused := map[spooledLine]bool{}
	tried, _ := readSpooled(t, filepath.Join(dir, "refused"))
	for _, l := range tried {
		refused[l] = true
	}
	assert.LessOrEqual(t, torn, kills)
	seen := map[spooledLine]bool{}
	var latest spooledLine
	arrived := make([]int, kills)
	doubled, run, longest, disordered, allowed := 0, 0, 0, 0, 0
	for _, l := range lines {
		early := l.life < latest.life || l.life == latest.life && l.n < latest.n
		switch {
		case seen[l]:
			doubled++
			run++
			longest = max(longest, run)
			continue
		case early && refused[l]:
			allowed++
		case early:
			disordered++
		default:
			latest = l
		}
		run = 0
		seen[l] = true
		arrived[l.life]++
	}
	sum, lost := 0, 0
	for life := range logged {
		missing := max(0, logged[life]-arrived[life]) // the parent may not have been told of the last one
		assert.LessOrEqual(t, missing, killedCapacity+killedBatch)
		sum += logged[life]
		lost += missing
	}
	assert.LessOrEqual(t, longest, 2*killedBatch, "lines that one kill doubled")
	assert.Zero(t, disordered)
	t.Logf("%d kills: %d lines logged, %d lost, %d doubled (%d at most by one kill), %d torn, %d out of order, and %d that had been refused",
		kills, sum, lost, doubled, longest, torn, disordered, allowed)
}

// killInAnOutage starts the program and kills it. It returns how many lines were logged.
func killInAnOutage(t *testing.T, dir string, life int) (logged int) {
	c := startChild(t, "spooled", "ASYNCHANDLER_LOG="+dir, fmt.Sprint("ASYNCHANDLER_LIFE=", life))
	told := testsink.ReadAll(c.progress)
	away := filepath.Join(dir, "away")
	for range 1 + rand.IntN(4) {
		if rand.IntN(3) > 0 {
			require.NoError(t, os.WriteFile(away, nil, 0o600))
		} else {
			_ = os.Remove(away)
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
	}
	require.NoError(t, c.cmd.Process.Kill())
	require.Equal(t, "signal: killed", c.ended(), "%s", &c.stderr)
	return len(told())
}
