package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSIGTERMEndsServerThenLogAndLosesNothing(t *testing.T) {
	p := start(t)
	var answered atomic.Int64
	var clients sync.WaitGroup
	begun := make(chan struct{}, 1)
	for range 4 {
		clients.Go(func() {
			for {
				answer, err := http.Get(p.url + "/hello")
				if err != nil { // the server has ended
					return
				}
				if _, err := io.Copy(io.Discard, answer.Body); err == nil {
					answered.Add(1)
				}
				_ = answer.Body.Close()
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	require.NoError(t, p.terminate(t))
	clients.Wait()

	requests := 0
	for _, e := range p.entries() {
		if e.Msg == "request" {
			requests++
			assert.Equal(t, entry{"INFO", "request", "", "/hello", 200}, e)
		}
	}
	assert.Equal(t, int(answered.Load()), requests, "each answered request is in the log")
	last := p.entries()[len(p.entries())-1]
	assert.Equal(t, "stopped", last.Msg, "the log ends after the server")
}

func TestLoadIsLogged(t *testing.T) {
	p := start(t, "-load", "1000")
	for p.stats(t).Received < 25 {
	}
	require.NoError(t, p.terminate(t))
	failed := 0
	for _, e := range p.entries() {
		if e.Level == "ERROR" {
			failed++
			assert.Equal(t, 500, e.Status)
			assert.Equal(t, "/fail", e.Path)
		}
	}
	assert.GreaterOrEqual(t, failed, 2, "every tenth")
}

func TestARequestThatFailsHasItsDebugLines(t *testing.T) {
	p := start(t)
	require.Equal(t, 200, get(t, p.url+"/ok", nil))
	require.Equal(t, 500, get(t, p.url+"/fail", nil))
	require.Equal(t, 200, get(t, p.url+"/ok", nil))
	require.NoError(t, p.terminate(t))
	entries := p.entries()
	assert.Equal(t, []entry{
		{"INFO", "request", "", "/ok", 200},
		{"DEBUG", "cache miss", "", "", 0},
		{"DEBUG", "database asked", "", "", 0},
		{"ERROR", "request", "", "/fail", 500},
		{"INFO", "request", "", "/ok", 200},
	}, entries[1:len(entries)-1])
}

func TestMonitoringIsNotLogged(t *testing.T) {
	p := start(t)
	require.Equal(t, 200, get(t, p.url+"/metrics", nil))
	require.Equal(t, 200, get(t, p.url+"/healthz", nil))
	assert.Equal(t, uint64(1), p.stats(t).Received, "listening")

	answer, err := http.Get(p.url + "/metrics")
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), `asynchandler_records_received_total{handler="requests"} 1`)
}

func TestHangIsForDrills(t *testing.T) {
	assert.Equal(t, http.StatusNotFound, start(t).hang(t, "1s"))
	p := start(t, "-drill")
	assert.Equal(t, http.StatusBadRequest, p.hang(t, "soon"))
	require.Equal(t, http.StatusOK, p.hang(t, "1h"))
	require.Equal(t, http.StatusOK, get(t, p.url+"/hello", nil), "the log hangs, the service does not")
	assert.Positive(t, p.stats(t).Depth) // the line of the first request may be in time, or wait too
}

func TestRunSaysWhatIsWrongInOneLine(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"-x"}, "flag provided but not defined: -x"},
		{"argument", []string{"fast"}, `unexpected argument "fast"`},
		{"not a number", []string{"-load", "much"}, `invalid value "much" for flag -load: parse error`},
		{"load", []string{"-load", "-1"}, "-load -1: want 0 to 100000"},
		{"capacity", []string{"-capacity", "0"}, "-capacity 0: want 1 to 1048576"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 2, run(t.Context(), tt.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Equal(t, "webserver: "+tt.want+"\n", stderr.String())
		})
	}
}

func TestRunCannotListen(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	for _, tt := range []struct {
		name string
		addr string
		want string
	}{
		{"busy port", busy.Addr().String(), "address already in use"},
		{"no port", "nowhere", "missing port in address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			assert.Equal(t, 1, run(t.Context(), []string{"-addr", tt.addr}, &stdout, &stderr))
			assert.Regexp(t, `^webserver: listen tcp.*`+tt.want+`\n$`, stderr.String())
			var e entry
			require.NoError(t, json.Unmarshal(stdout.Bytes(), &e), "the log was delivered: one line")
			assert.Equal(t, "service failed", e.Msg)
		})
	}
}

func TestRunHelps(t *testing.T) {
	var stdout, stderr bytes.Buffer
	assert.Zero(t, run(t.Context(), []string{"-h"}, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "-drill")
}
