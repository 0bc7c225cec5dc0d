package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// process is a service that runs.
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser

	mu                                    sync.Mutex
	logged, spooled, delivered, recovered int
	ended                                 chan struct{} // its output has
}

func start(s settings, number int) (*process, error) {
	p := &process{ended: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], "-service", "-addr", s.addr, "-dir", s.dir, "-rate", strconv.Itoa(s.rate), "-number", strconv.Itoa(number))
	p.cmd.Env = append(os.Environ(), asService+"=1")
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	go p.listen(stdout)
	return p, p.cmd.Start()
}

// asService is set in the environment of a service; tests look at it.
const asService = "SPOOL_EXAMPLE_SERVICE"

func (p *process) listen(stdout io.Reader) {
	defer close(p.ended)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var logged, spooled, delivered, recovered int
		if _, err := fmt.Sscanf(lines.Text()+"\n", progress, &logged, &spooled, &delivered, &recovered); err != nil {
			continue
		}
		p.mu.Lock()
		p.logged, p.spooled, p.delivered, p.recovered = logged, spooled, delivered, recovered
		p.mu.Unlock()
	}
}

func (p *process) state() (logged, spooled, delivered, recovered int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logged, p.spooled, p.delivered, p.recovered
}

// kill ends it as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.cmd.Wait()
}

// stop lets it close its handler.
func (p *process) stop() error {
	_ = p.stdin.Close()
	<-p.ended
	return p.cmd.Wait()
}

// play is the whole story.
func play(s settings, stdout io.Writer) error {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "spool")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		s.dir = dir
	}
	var c collector
	if err := c.open(); err != nil {
		return err
	}
	s.addr = c.addr
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "then\tservice\tlogged\tdisk\tdelivered\trecovered\tcollected\t")
	number, first := 1, (*process)(nil)
	p, err := start(s, number)
	if err != nil {
		return err
	}
	defer func() { _ = p.cmd.Process.Kill() }()
	row := func(what string) {
		logged, spooled, delivered, recovered := p.state()
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", what, number, logged, spooled, delivered, recovered, c.received())
	}

	time.Sleep(s.away / 10)
	row("all is well")
	c.close()
	time.Sleep(s.away / 2)
	row("collector away")
	p.kill()
	row("service killed")
	first, number = p, 2
	if p, err = start(s, number); err != nil {
		return err
	}
	time.Sleep(s.away / 2)
	row("started again")
	if err := c.open(); err != nil {
		return err
	}
	if err := emptied(p, time.Minute); err != nil {
		return err
	}
	row("collector back")
	if err := p.stop(); err != nil {
		return fmt.Errorf("the second service: %w", err)
	}
	row("service stopped")
	c.close()
	_ = table.Flush()
	return report(stdout, c.judge(2), first.logged, p.logged)
}

// What the handler delivers at once, and tries in one round, by default.
const batch, tries = 256, 65

// emptied waits until the disk is empty.
func emptied(p *process, patience time.Duration) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if logged, spooled, _, _ := p.state(); logged > 0 && spooled == 0 {
			return nil
		}
	}
	return errors.New("the spool has not become empty")
}

// report says what became of the lines. Lost may be only what was in the memory of the first
// service when it was killed, its last lines, and doubled what it was delivering then. Out of
// order are lines that were tried in vain in the very moment in which the collector came back,
// and a later one was not: no more than one round of tries has.
func report(stdout io.Writer, verdicts []verdict, logged ...int) error {
	var bad []string
	for i, v := range verdicts {
		lost := v.missing + max(0, logged[i]-v.last)
		_, _ = fmt.Fprintf(stdout, "service %d: %d logged, %d arrived, %d lost, %d doubled, %d out of order\n",
			i+1, logged[i], v.arrived, lost, v.doubled, v.disordered)
		if v.missing > 0 || lost > 0 && (i > 0 || lost > capacity) {
			bad = append(bad, "lost that were not in memory at the kill")
		}
		if v.doubled > batch {
			bad = append(bad, "doubled that were delivered before the kill")
		}
		if v.disordered > tries {
			bad = append(bad, "out of order")
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("lines are %s", strings.Join(bad, ", and "))
	}
	return nil
}
