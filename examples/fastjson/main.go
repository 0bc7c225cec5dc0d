// Fastjson logs through encoders of other packages instead of slog's: JSON by
// github.com/phuslu/log, or text with colours by github.com/lmittmann/tint:
//
//	go -C examples/fastjson run .
//	go -C examples/fastjson run . -format terminal
//
// Look at the last line: the encoder has made one line of each record, but asynchandler
// has put many of them into one Write.
package main

import (
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/lmittmann/tint"
	plog "github.com/phuslu/log"

	"github.com/asynchandler/asynchandler"
)

const (
	clients  = 4
	requests = 10 // of each client
)

// encoder makes lines. Its format says by whose rules: asynchandler knows slog's own
// handlers only, and would else ask values for both.
type encoder struct {
	make   func(io.Writer) slog.Handler
	format asynchandler.Format
}

// encoders are what -format can choose.
var encoders = map[string]encoder{
	"json":     {newJSON, asynchandler.FormatJSON},
	"terminal": {newTerminal, asynchandler.FormatText},
}

// newJSON returns a handler that is quicker than slog's, at the price of some of its
// care: as of v1.0.121, loggers made by With from one that was made by With itself can
// overwrite each other's attributes, and a record without attributes in a WithGroup
// breaks the next. So take With of the first logger, as serve does, and slog.Group.
func newJSON(w io.Writer) slog.Handler { return plog.SlogNewJSONHandler(w, nil) }

func newTerminal(w io.Writer) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != ""})
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "fastjson: ", 0)
	chosen, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Println(err)
		return 2
	}

	h := asynchandler.NewWriterHandler(stdout, chosen.make, asynchandler.WithFormat(chosen.format))
	logger := slog.New(h)
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() { serve(logger, client) })
	}
	wg.Wait()
	if err := h.Close(); err != nil { // delivers what still waits
		console.Println(err)
		return 1
	}
	s := h.Stats()
	console.Printf("%d records, %d bytes, %d writes", s.Delivered, s.WrittenBytes, s.DeliveryDuration.Count)
	return 0
}

// serve stands for the requests of one client.
func serve(logger *slog.Logger, client int) {
	logger = logger.With("client", client)
	header := map[string]string{"accept": "text/html"}
	for n := range requests {
		request := slog.Group("http", "method", "GET", "path", "/orders", "header", header)
		if n%5 == 4 {
			logger.Error("request failed", request, "err", io.ErrUnexpectedEOF)
		} else {
			logger.Info("request served", request, "took", 3*time.Millisecond)
		}
		header["accept"] = "*/*" // the line shows what it was at the call
	}
}
