package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/spool"
)

// What a service of the test has in memory at most, and what the handler delivers at once and
// tries in one round, by default.
const capacity, batch, tries = 1024, 256, 65

// The Collector goes away while a service logs 1000 records a second. In the middle of that
// the service is killed and started again, and so it is when the Collector is back and takes
// what is on the disk. All that was there arrives.
func TestSpoolOutlastsTheProgram(t *testing.T) {
	p := &play{collector: newCollector(t), dir: t.TempDir()}
	p.table = tabwriter.NewWriter(&p.transcript, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(p.table, "then\tservice\tlogged\tfrom the disk\tdelivered\tdropped\tdisk\tcollected\t")
	defer func() { _ = p.table.Flush(); t.Log("\n" + p.transcript.String()) }()
	p.collector.start(t)
	p.serve(t)
	poll(t, func() bool {
		_, err := os.Stat(p.collector.file)
		return err == nil && len(p.collector.records(t)) >= 100
	})
	p.row(t, "all is well")

	p.collector.stop()
	time.Sleep(*outage / 2)
	poll(t, func() bool { return p.service().state().Spooled > 500 })
	p.row(t, "Collector away")
	onDisk := p.kill(t)
	p.row(t, "service killed")
	p.serve(t)
	time.Sleep(*outage / 2)
	poll(t, func() bool { return p.service().state().Received > 500 })
	require.EqualValues(t, len(onDisk), p.service().state().Recovered)
	p.row(t, "started again")
	p.collector.start(t)
	poll(t, func() bool { return p.service().state().Delivered > 300 })
	p.row(t, "Collector back")
	left := p.kill(t)
	require.NotEmpty(t, left)
	onDisk = append(onDisk, left...)
	p.row(t, "service killed")
	p.serve(t)
	poll(t, func() bool { return p.service().state().Delivered > 0 })
	require.NoError(t, p.service().stop())
	p.row(t, "service stopped")
	require.Empty(t, p.look(t))

	last := len(p.services) - 1
	arrived, verdicts := judge(p.pids, p.collected(t))
	for i, v := range verdicts {
		s := p.services[i].state()
		lost := int(s.Received) - v.last
		_, _ = fmt.Fprintf(p.table, "service %d: %d logged, %d arrived, %d lost at its end, %d missing before, %d doubled, %d out of order\n",
			i+1, s.Received, v.arrived, max(0, lost), v.missing, v.doubled, v.disordered)
		assert.LessOrEqual(t, v.missing, int(s.Dropped), "that were not dropped")
		assert.LessOrEqual(t, lost, capacity, "that were not in memory at the kill")
		assert.LessOrEqual(t, v.doubled, batch, "that were not under way at the kill")
		assert.LessOrEqual(t, v.disordered, tries, "that were not tried in vain as the Collector came back")
		if i == last {
			assert.LessOrEqual(t, lost+v.missing, int(s.Dropped), "nobody killed it")
			assert.Zero(t, v.doubled, "nobody killed it")
		}
	}
	for _, r := range onDisk {
		if !arrived[r] {
			t.Fatalf("%+v was on the disk, and has not arrived", r)
		}
	}
}

// play is what is known while it runs.
type play struct {
	collector  *collector
	dir        string // of the spool
	services   []*service
	pids       []int
	transcript bytes.Buffer
	table      *tabwriter.Writer
}

func (p *play) service() *service { return p.services[len(p.services)-1] }

func (p *play) row(t *testing.T, what string) {
	s := p.service().state()
	_, _ = fmt.Fprintf(p.table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
		what, len(p.services), s.Received, s.Recovered, s.Delivered, s.Dropped, s.Spooled, len(p.collector.records(t)))
}

// serve starts another service.
func (p *play) serve(t *testing.T) {
	s := &service{ended: make(chan struct{})}
	s.cmd = exec.Command(os.Args[0], "-endpoint", p.collector.endpoint, "-spool", p.dir, "-queue", fmt.Sprint(capacity),
		"-rate", "500", "-for", "1h", "-grace", "1h", "-every", "10ms")
	s.cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	go s.listen(stderr)
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	p.services, p.pids = append(p.services, s), append(p.pids, s.cmd.Process.Pid)
}

// collected returns what the Collector has.
func (p *play) collected(t *testing.T) (all []record) {
	for _, r := range p.collector.records(t) {
		all = append(all, recordOf(int(r.Attributes["pid"].(float64)), int(r.Attributes["request"].(float64)), r.Body))
	}
	return all
}

// kill ends the service as kill -9 does, and returns what it left on the disk.
func (p *play) kill(t *testing.T) []record {
	s := p.service()
	require.NoError(t, s.cmd.Process.Kill())
	<-s.ended
	require.ErrorContains(t, s.cmd.Wait(), "signal: killed")
	return p.look(t)
}

// look returns what is on the disk. It delivers a copy of it to another handler.
func (p *play) look(t *testing.T) (all []record) {
	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(p.dir)))
	queue, err := spool.Open(copied, spool.Options{})
	require.NoError(t, err)
	var lines bytes.Buffer
	h := asynchandler.NewJSONHandler(&lines, nil, asynchandler.WithSpool(queue))
	require.NoError(t, h.Shutdown(t.Context()))
	for line := range strings.Lines(lines.String()) {
		var r struct {
			Msg          string
			Pid, Request int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		all = append(all, recordOf(r.Pid, r.Request, r.Msg))
	}
	return all
}

// service is a program that runs.
type service struct {
	cmd   *exec.Cmd
	ended chan struct{} // its output has

	mu    sync.Mutex
	stats asynchandler.Stats // as far as it tells
}

func (s *service) listen(stderr io.Reader) {
	defer close(s.ended)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var st asynchandler.Stats
		_, err := fmt.Sscanf(lines.Text(), "otlp: %d logged + %d from the disk = %d delivered + %d failed + %d dropped + %d waiting + %d on the disk",
			&st.Received, &st.Recovered, &st.Delivered, &st.Failed, &st.Dropped, &st.Depth, &st.Spooled)
		if err != nil {
			continue // an error of the outage
		}
		s.mu.Lock()
		s.stats = st
		s.mu.Unlock()
	}
}

func (s *service) state() asynchandler.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// stop has it deliver what it has, however long that takes.
func (s *service) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.ended
	return s.cmd.Wait()
}
