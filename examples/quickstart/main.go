// Quickstart logs to standard output as a service would, but through asynchandler. In
// the end it closes the handler, and prints on standard error what became of the
// records:
//
//	go run ./examples/quickstart
//
// Look at the numbers: received = delivered, and nothing was dropped. The requests that
// fail show their headers as they were at the call, though the program goes on to
// change them.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/asynchandler/asynchandler"
)

const (
	clients  = 4
	requests = 5 // of each client
	failing  = 2 // the one that fails
)

// main has no deferred calls, because os.Exit would skip them. They are in run.
func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "", 0) // not through the handler
	if len(args) > 0 {
		console.Printf("quickstart: takes no flags and no arguments, not %q", args)
		return 2
	}

	h := asynchandler.NewJSONHandler(stdout, nil) // instead of slog.NewJSONHandler(stdout, nil)
	defer func() {
		if err := h.Close(); err != nil { // delivers what still waits
			console.Println("quickstart:", err)
			code = 1
		}
		console.Printf("%s", report(h.Stats()))
	}()
	slog.SetDefault(slog.New(h))

	slog.Info("service started", "version", "1.4.0", slog.Group("listen", "host", "localhost", "port", 8080))
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() { serve(client) })
	}
	wg.Wait()
	slog.Info("service stopped", "requests", clients*requests)
	return 0
}

// report returns the statistics as JSON. Stats has a row for each reason and level for
// which a record can be dropped: only those that say something are left.
func report(s asynchandler.Stats) []byte {
	s.Drops = slices.DeleteFunc(s.Drops, func(d asynchandler.DropCount) bool { return d.Count == 0 })
	text, _ := json.MarshalIndent(s, "", "  ")
	return text
}

// serve stands for the requests of one client. Its logger is derived: it shares the
// queue and the worker of the handler in run.
func serve(client int) {
	logger := slog.With("client", client).WithGroup("http")
	header := http.Header{"Accept": {"text/html"}}
	for n := range requests {
		began := time.Now()
		path := fmt.Sprintf("/orders/%d", 100*client+n)
		header.Set("X-Request-Id", fmt.Sprintf("%d-%d", client, n))
		status := handle(n)

		attrs := []any{"method", "GET", "path", path, "status", status, "took", time.Since(began)}
		if status >= http.StatusInternalServerError {
			// The next request changes the map. The line shows it as it is now.
			logger.Error("request failed", append(attrs, "header", header, "err", io.ErrUnexpectedEOF)...)
			continue
		}
		logger.Info("request served", attrs...)
	}
}

// handle stands for the work, and returns the status.
func handle(n int) int {
	if n == failing {
		return http.StatusBadGateway
	}
	return http.StatusOK
}
