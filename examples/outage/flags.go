package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// parse returns the time between two lines of the table. Its error is one line.
func parse(args []string, help io.Writer) (step time.Duration, err error) {
	flags := flag.NewFlagSet("outage", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	flags.DurationVar(&step, "step", time.Second, "time between two lines of the table, from 10ms on")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case step < 10*time.Millisecond:
		err = fmt.Errorf("-step %v is too short: 10ms is the least", step)
	}
	return step, err
}
