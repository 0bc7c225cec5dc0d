// Quickstart logs to standard output as a service would, but through asynchandler. In
// the end it closes the handler, and prints on standard error what became of the
// records:
//
//	go run ./examples/quickstart
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
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
	os.Exit(run(os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "", 0)             // not through the handler
	h := asynchandler.NewJSONHandler(stdout, nil) // instead of slog.NewJSONHandler(stdout, nil)
	defer func() {
		if err := h.Close(); err != nil { // delivers what still waits
			console.Println(err)
			code = 1
		}
		stats, _ := json.MarshalIndent(h.Stats(), "", "  ")
		console.Printf("%s", stats)
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
