package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// config is what the flags say.
type config struct {
	dir     string
	records int
}

// parse returns what the flags say. Its error is one line.
func parse(args []string, help io.Writer) (c config, err error) {
	flags := flag.NewFlagSet("rotation", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	flags.StringVar(&c.dir, "dir", "", "empty `folder` for the files (default: a new one for temporary files)")
	flags.IntVar(&c.records, "records", 10_000, "records that each goroutine logs")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case c.records < 1:
		err = fmt.Errorf("-records %d: want 1 or more", c.records)
	}
	return c, err
}

// emptyFolder returns dir, or a new folder if dir is "". That the folder exists is for
// us to see: timberjack would make one for a name that is misspelt.
func emptyFolder(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "rotation")
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty", dir)
	}
	return dir, err
}
