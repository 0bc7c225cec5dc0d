// Spool ships log lines over TCP to a collector that goes away for half a minute. In the
// middle of that the service is killed, as by kill -9, and started again. In the end it
// looks whether a line is missing, there twice or out of order:
//
//	go run ./examples/spool
//
// Look at the column disk: what the collector does not take is there, also what the first
// service left. Only what was in the memory of that one when it was killed is lost.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// settings are what the flags say.
type settings struct {
	away    time.Duration
	rate    int
	service bool   // this is the service, not the play
	addr    string // of the collector
	dir     string // of the spool
	number  int    // of the service
}

func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("spool", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	flags.DurationVar(&s.away, "away", 30*time.Second, "how long the collector is away")
	flags.IntVar(&s.rate, "rate", 1000, "lines a second")
	flags.StringVar(&s.dir, "dir", "", "folder of the spool; one of its own for each run if empty")
	flags.BoolVar(&s.service, "service", false, "be the service that the play starts")
	flags.StringVar(&s.addr, "addr", "", "address of the collector, of the service")
	flags.IntVar(&s.number, "number", 1, "number of the service")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stderr)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case s.away < 100*time.Millisecond:
		err = fmt.Errorf("-away %v: want at least 100ms", s.away)
	case s.rate < 100:
		err = fmt.Errorf("-rate %d: want at least 100", s.rate)
	}
	return s, err
}

// run is the program. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "spool: ", 0)
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Println(err)
		return 2
	}
	if s.service {
		err = serve(s, os.Stdin, stdout)
	} else {
		err = play(s, stdout)
	}
	if err != nil {
		console.Println(err)
		return 1
	}
	return 0
}
