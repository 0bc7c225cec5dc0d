package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

const queueBatch = 256

// queueRecords are records of 200 bytes, each with its number.
func queueRecords(from, n int) (records [][]byte) {
	for i := range n {
		records = append(records, fmt.Appendf(nil, "%010d%s", from+i, bytes.Repeat([]byte{'x'}, 190)))
	}
	return records
}

// BenchmarkQueue compares what could be behind package spool, in batches of 256 records of 200
// bytes: without fsync, but for those that tidwall/wal makes when it removes records.
func BenchmarkQueue(b *testing.B) {
	for _, q := range diskQueues {
		b.Run("in/"+q.name, func(b *testing.B) {
			queue, batch := openQueue(b, q.open), queueRecords(0, queueBatch)
			for b.Loop() {
				require.NoError(b, queue.add(batch))
			}
			reportRecords(b)
		})
		b.Run("out/"+q.name, func(b *testing.B) {
			queue, next := openQueue(b, q.open), 0
			for range b.N {
				require.NoError(b, queue.add(queueRecords(next, queueBatch)))
				next += queueBatch
			}
			b.ResetTimer()
			for i := range b.N {
				records, err := queue.read(queueBatch)
				require.NoError(b, err)
				require.Len(b, records, queueBatch)
				require.Equal(b, fmt.Sprintf("%010d", i*queueBatch), string(records[0][:10]))
				require.NoError(b, queue.drop(queueBatch))
			}
			reportRecords(b)
		})
	}
}

func openQueue(b *testing.B, open func(string) (diskQueue, error)) diskQueue {
	b.Helper()
	q, err := open(b.TempDir())
	require.NoError(b, err)
	b.Cleanup(func() { _ = q.close() })
	return q
}

func reportRecords(b *testing.B) {
	b.Helper()
	b.ReportMetric(queueBatch*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkFlip flips a byte, each time another one, in the files of a queue of 12,800 records:
// how many are lost by that, and how many come out other than they went in. A process that
// ends by it has lost all.
func BenchmarkFlip(b *testing.B) {
	const records = 50 * queueBatch
	for _, q := range diskQueues {
		b.Run(q.name, func(b *testing.B) {
			dir := b.TempDir()
			queue, err := q.open(dir)
			require.NoError(b, err)
			for i := range 50 {
				require.NoError(b, queue.add(queueRecords(i*queueBatch, queueBatch)))
			}
			require.NoError(b, queue.close())
			random := rand.New(rand.NewPCG(1, 2))
			var sum, worst damage
			for b.Loop() {
				d := flipped(b, q.name, dir, random, records)
				sum, worst = damage{sum.Lost + d.Lost, sum.Wrong + d.Wrong}, damage{Lost: max(worst.Lost, d.Lost)}
			}
			b.ReportMetric(float64(sum.Lost)/float64(b.N), "lost/flip")
			b.ReportMetric(float64(worst.Lost), "most-lost")
			b.ReportMetric(float64(sum.Wrong)/float64(b.N), "wrong/flip")
		})
	}
}

// damage is what a flip does to the records: how many do not come out, and how many come out
// that never went in.
type damage struct{ Lost, Wrong int }

// flipped reads a copy of the folder with a flip in it, in a process of its own: bbolt may
// end that.
func flipped(b *testing.B, name, dir string, random *rand.Rand, records int) (d damage) {
	b.Helper()
	damaged := b.TempDir()
	require.NoError(b, os.CopyFS(damaged, os.DirFS(dir)))
	flip(b, damaged, random)
	program, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), queueVariable+"="+name+" "+strconv.Itoa(records)+" "+damaged)
	out, err := cmd.Output()
	if err != nil {
		return damage{Lost: records}
	}
	require.NoError(b, json.Unmarshal(out, &d))
	return d
}

// queueVariable has, in the environment of a process that reads a queue, its name, how many
// records it should have and its folder.
const queueVariable = "ASYNCHANDLER_BENCHMARK_QUEUE"

// readQueue does that, and prints the damage.
func readQueue(task string) error {
	var name, dir string
	var records int
	if _, err := fmt.Sscan(task, &name, &records, &dir); err != nil {
		return err
	}
	seen := make([]bool, records)
	d := damage{Lost: records}
	for _, q := range diskQueues {
		if q.name != name {
			continue
		}
		readAll(q.open, dir, records, func(r []byte) {
			n := 0
			_, err := fmt.Sscanf(string(r[:min(10, len(r))]), "%d", &n)
			switch {
			case err != nil || n >= records || !bytes.Equal(r, queueRecords(n, 1)[0]):
				d.Wrong++
			case !seen[n]:
				seen[n] = true
				d.Lost--
			}
		})
	}
	return json.NewEncoder(os.Stdout).Encode(d)
}

// flip flips a byte of the files that hold records.
func flip(b *testing.B, dir string, random *rand.Rand) {
	b.Helper()
	var files []string
	require.NoError(b, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, e := d.Info(); e == nil && info.Mode().IsRegular() && info.Size() > 1000 {
			files = append(files, path)
		}
		return err
	}))
	name := files[random.IntN(len(files))]
	text, err := os.ReadFile(name)
	require.NoError(b, err)
	text[random.IntN(len(text))] ^= 0x55
	require.NoError(b, os.WriteFile(name, text, 0o600))
}

// readAll reads what can be read of a queue that is damaged, at most n at a time.
func readAll(open func(string) (diskQueue, error), dir string, n int, see func([]byte)) {
	q, err := open(dir)
	if err != nil {
		return
	}
	defer q.close()
	for {
		records, err := q.read(n)
		for _, r := range records {
			see(r)
		}
		if err != nil || len(records) == 0 || q.drop(len(records)) != nil {
			return
		}
	}
}
