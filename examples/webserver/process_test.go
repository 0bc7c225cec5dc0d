package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// TestMain makes the test binary the program itself if it is told to.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_WEBSERVER") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// process is the program in a process of its own.
type process struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when its output has ended

	mu    sync.Mutex
	lines []entry
}

// entry is a line of its log.
type entry struct {
	Level, Msg, Addr, Path string
	Status                 int
}

// start runs the program and returns when it listens.
func start(t *testing.T, args ...string) *process {
	p := &process{done: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	p.cmd.Env = append(os.Environ(), "RUN_WEBSERVER=1")
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // nothing, if the test stopped it
		<-p.done
		_ = p.cmd.Wait()
	})

	listening := make(chan string, 1)
	go func() {
		defer close(p.done)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			var e entry
			if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
				e.Msg = "torn line: " + scanner.Text()
			}
			p.mu.Lock()
			p.lines = append(p.lines, e)
			p.mu.Unlock()
			if e.Msg == "listening" {
				listening <- e.Addr
			}
		}
	}()
	select {
	case addr := <-listening:
		p.url = "http://" + addr
	case <-p.done:
		t.Fatalf("the program ended at once: %+v", p.entries())
	}
	return p
}

// terminate sends SIGTERM and returns when the program has ended, and how.
func (p *process) terminate(t *testing.T) error {
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.done
	return p.cmd.Wait()
}

func (p *process) entries() []entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines
}

// get returns the status of the answer, and decodes its body into v unless that is nil.
func get(t *testing.T, url string, v any) int {
	t.Helper()
	answer, err := http.Get(url)
	require.NoError(t, err)
	defer answer.Body.Close()
	if v != nil {
		require.NoError(t, json.NewDecoder(answer.Body).Decode(v))
	}
	return answer.StatusCode
}

// stats asks the program for the statistics of its log.
func (p *process) stats(t *testing.T) asynchandler.Stats {
	var health struct {
		Status string
		Log    asynchandler.Stats
	}
	require.Equal(t, http.StatusOK, get(t, p.url+"/healthz", &health))
	require.Equal(t, "ok", health.Status)
	return health.Log
}

// hang makes the log's destination hang for a time such as "2s".
func (p *process) hang(t *testing.T, d string) int {
	answer, err := http.Post(p.url+"/hang", "application/x-www-form-urlencoded", strings.NewReader("for="+d))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}
