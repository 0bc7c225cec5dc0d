package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain lets inProcess run the test binary as it runs the program, and BenchmarkFlip as one
// that reads a queue.
func TestMain(m *testing.M) {
	if task := os.Getenv(queueVariable); task != "" {
		exitOn(readQueue(task))
		return
	}
	if isChild() {
		exitOn(runChild())
		return
	}
	os.Exit(m.Run())
}

// lossy contenders have no way to wait for room.
var lossy = regexp.MustCompile("zerolog|OpenTelemetry")

func TestEveryScenarioRunsWithEveryContender(t *testing.T) {
	for _, f := range allFamilies() {
		for _, s := range f.cases {
			for _, c := range contenders {
				// phuslu/log v1.0.121 has a data race: AsyncWriter.WriteEntry reads the length
				// of a buffer that it has handed over.
				if !f.takes(c.name) || raceEnabled && strings.HasPrefix(c.name, "phuslu/log") {
					continue
				}
				t.Run(f.fullName(s)+"/"+c.name, func(t *testing.T) {
					r, err := s.isolated(c, true)
					require.NoError(t, err)
					checkResult(t, f, c, r)
				})
			}
		}
	}
}

// checkResult looks for what asynchandler must have in each table, and at what files lack.
func checkResult(t *testing.T, f family, c contender, r result) {
	if isOurs(c.name) {
		for _, m := range f.metrics {
			if m.name != "clock" {
				assert.Contains(t, r, m.name)
			}
		}
	}
	assert.Zero(t, r["bad lines"])
	// With few places, a worker that gets no processor for 100 ms may lose some too.
	if !slices.Contains([]string{"outage", "slow", "capacity"}, f.name) && !lossy.MatchString(c.name) {
		assert.Zero(t, r["lost"])
	}
}

func TestReportHasRatiosWithinRounds(t *testing.T) {
	f := families(regexp.MustCompile("^call/3"))[0]
	m, err := measure(f, regexp.MustCompile("^slog JSON$"), 2, true)
	require.NoError(t, err)
	require.Len(t, m["3 attributes"][floorName], 2, "what the others are compared with runs too")

	const metric = "time per call"
	m["3 attributes"][floorName] = []result{{metric: 100}, {metric: 200}, {metric: 100}}
	m["3 attributes"][syncName] = []result{{metric: 300}, {metric: 400}, {metric: 5000}}
	assert.Equal(t, []string{
		"|            | 3 attributes: time per call |",
		"| ---------- | --------------------------- |",
		"| slog floor | 100 ns (1.00x)              |",
		"| slog JSON  | 400 ns (3.00x)              |",
	}, strings.Split(strings.TrimSpace(report(f, m)), "\n")[4:])
}

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	file := t.TempDir() + "/log"
	lines := `{"n":0}` + "\n" + `{"n":0}` + "\n" + `{"n":2}{"n":1}` + "\n" + `{"n":9}` + "\n" +
		`{"level":"WARN","msg":"log records dropped","count":3}` + "\n" + `{"n":3}`
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o600))

	seen, bad, err := readNumbers(file, 4)
	require.NoError(t, err)
	assert.Equal(t, []bool{true, false, false, false}, seen)
	assert.Len(t, bad, 4)

	_, err = verify(contender{name: oursName}, &subject{dropped: func() uint64 { return 3 }}, file, 4)
	require.ErrorContains(t, err, "there twice")
	r, err := verify(contender{name: "zap"}, &subject{}, file, 4)
	require.NoError(t, err)
	assert.Equal(t, result{"lost": 3, "bad lines": 4, "errors lost": 0}, r)
}
