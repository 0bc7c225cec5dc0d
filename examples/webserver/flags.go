package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// config is what the flags say.
type config struct {
	addr           string
	load, capacity int
	drill          bool
}

// parse returns what the flags say. Its error is one line.
func parse(args []string, help io.Writer) (c config, err error) {
	flags := flag.NewFlagSet("webserver", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	flags.StringVar(&c.addr, "addr", "127.0.0.1:8080", "`address` to listen on")
	flags.IntVar(&c.load, "load", 0, "requests per second that the program sends to itself")
	flags.IntVar(&c.capacity, "capacity", 8192, "log records that may wait")
	flags.BoolVar(&c.drill, "drill", false, "allow POST /hang, which makes the log's destination hang")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case c.load < 0 || c.load > 100_000:
		err = fmt.Errorf("-load %d: want 0 to 100000", c.load)
	case c.capacity < 1 || c.capacity > 1<<20:
		err = fmt.Errorf("-capacity %d: want 1 to %d", c.capacity, 1<<20)
	}
	return c, err
}
