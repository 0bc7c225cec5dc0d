package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"
)

// config is what the flags say.
type config struct {
	endpoint string
	rate     int
	duration time.Duration
	queue    int
	fail     int
	grace    time.Duration
	spool    string
	every    time.Duration
}

func parse(args []string, stderr io.Writer) (c config, err error) {
	flags := flag.NewFlagSet("otlp", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&c.endpoint, "endpoint", "127.0.0.1:4317", "`host:port` of the Collector's OTLP/gRPC receiver")
	flags.IntVar(&c.rate, "rate", 100, "requests per second; each logs two records")
	flags.DurationVar(&c.duration, "for", 30*time.Second, "how long; Ctrl-C ends it before")
	flags.IntVar(&c.queue, "queue", 16384, "records that wait in OpenTelemetry's queue while the Collector is away")
	flags.IntVar(&c.fail, "fail", 0, "every so many requests one fails, and its DEBUG records are sent too; 0: none")
	flags.DurationVar(&c.grace, "grace", 30*time.Second, "how long the end waits for a Collector that is away")
	flags.StringVar(&c.spool, "spool", "", "`folder` of a queue on disk, for longer outages and for the end of the program in one; -queue records wait in memory then")
	flags.DurationVar(&c.every, "every", 0, "how often it prints what became of the records; 0: at the end only")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		return c, err
	}
	_, _, err = net.SplitHostPort(c.endpoint)
	switch {
	case flags.NArg() > 0:
		return c, fmt.Errorf("unknown argument %q", flags.Arg(0))
	case err != nil:
		return c, fmt.Errorf("-endpoint: want host:port: %w", err)
	case c.rate < 1 || c.rate > 100_000:
		return c, fmt.Errorf("-rate %d: want 1 to 100000", c.rate)
	case c.queue < 1 || c.queue > 1<<20:
		return c, fmt.Errorf("-queue %d: want 1 to %d", c.queue, 1<<20)
	case c.fail < 0:
		return c, fmt.Errorf("-fail %d: want 0 or more", c.fail)
	case c.every < 0:
		return c, fmt.Errorf("-every %v: want 0 or more", c.every)
	case c.duration <= 0 || c.grace <= 0:
		return c, errors.New("-for, -grace: want more than 0")
	}
	return c, nil
}
