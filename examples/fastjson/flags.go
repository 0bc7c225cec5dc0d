package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// parse returns the encoder that the flags choose. Its error is one line.
func parse(args []string, help io.Writer) (chosen encoder, err error) {
	flags := flag.NewFlagSet("fastjson", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	format := flags.String("format", "json", "`encoder`: json or terminal")
	err = flags.Parse(args)
	chosen = encoders[*format]
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case chosen.make == nil:
		err = fmt.Errorf("-format %q: want json or terminal", *format)
	}
	return chosen, err
}
