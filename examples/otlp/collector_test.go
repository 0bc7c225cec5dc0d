package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patient bounds what the tests wait for. Only a failure takes that long.
const patient = 2 * time.Minute

// poll returns when done returns true.
func poll(t *testing.T, done func() bool) {
	t.Helper()
	for began := time.Now(); !done(); time.Sleep(20 * time.Millisecond) {
		require.Less(t, time.Since(began), patient)
	}
}

// asProgram is set in the environment of a test binary that is to be the program.
const asProgram = "OTLP_EXAMPLE"

// program is the Collector, built.
var program string

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	dir, err := os.MkdirTemp("", "otlp")
	if err != nil {
		log.Fatal(err)
	}
	program = filepath.Join(dir, "collector")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, ".")
	build.Dir = "collector"
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// collector is a Collector that can be stopped and started again at the same address,
// with the same file.
type collector struct {
	endpoint, file string
	cmd            *exec.Cmd
	exited         chan struct{}
}

// received is a record that the Collector wrote into its file.
type received struct {
	Trace      string `json:"trace_id"`
	Severity   string
	Body       string
	Attributes map[string]any
}

// newCollector returns one that is not started yet.
func newCollector(t *testing.T) *collector {
	c := &collector{endpoint: freeAddress(t), file: filepath.Join(t.TempDir(), "records.jsonl")}
	t.Cleanup(c.stop)
	return c
}

// freeAddress returns an address that nobody listens at. Its port is not one of those
// that the system gives to outgoing connections, so it is free after a stop too.
func freeAddress(t *testing.T) string {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		if listener, err := net.Listen("tcp", address); err == nil {
			require.NoError(t, listener.Close())
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// start returns when the Collector listens.
func (c *collector) start(t *testing.T) {
	t.Helper()
	cmd, exited := exec.Command(program, "-endpoint", c.endpoint, "-out", c.file), make(chan struct{})
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	c.cmd, c.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	poll(t, func() bool {
		select {
		case <-exited:
			t.Fatal("the Collector has ended")
		default:
		}
		return dial(t.Context(), c.endpoint) == nil
	})
}

// stop returns when the Collector has ended in order.
func (c *collector) stop() {
	if c.cmd != nil {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		<-c.exited
	}
	c.cmd = nil
}

// records returns what the Collector has received, the oldest first.
func (c *collector) records(t *testing.T) (all []received) {
	t.Helper()
	text, err := os.ReadFile(c.file)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // being written
		}
		var r received
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		all = append(all, r)
	}
	return all
}
