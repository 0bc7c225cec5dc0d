package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// parse returns the folder for the files. Its error is one line.
func parse(args []string, help io.Writer) (dir string, err error) {
	flags := flag.NewFlagSet("router", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	flags.StringVar(&dir, "dir", "", "`folder` for the files (default: a new one for temporary files)")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case dir == "":
		dir, err = os.MkdirTemp("", "router")
	}
	return dir, err
}
