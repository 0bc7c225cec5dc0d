package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
)

// parse returns the encoder that the flags choose. Its error is one line.
func parse(args []string, help io.Writer) (encoder func(io.Writer) slog.Handler, err error) {
	flags := flag.NewFlagSet("fastjson", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints what is wrong, without the usage
	format := flags.String("format", "json", "`encoder`: json or terminal")
	err = flags.Parse(args)
	encoder = encoders[*format]
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case encoder == nil:
		err = fmt.Errorf("-format %q: want json or terminal", *format)
	}
	return encoder, err
}
