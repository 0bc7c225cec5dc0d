// Webserver is a service that logs each request through asynchandler and shows
// Prometheus what becomes of the records:
//
//	go run ./examples/webserver -load 200 >requests.log
//	curl localhost:8080/metrics
//
// Look at asynchandler_records_delivered_total, which follows the load, and at
// asynchandler_records_dropped_total, which stays 0. SIGTERM and SIGINT end the service in
// order: first the server, then the log. With -drill, POST /hang makes the log's
// destination hang, to see the alerts fire:
//
//	curl -X POST 'localhost:8080/hang?for=30s'
//
// It logs at INFO, yet a request that fails has its DEBUG lines in the log, and no other:
//
//	curl localhost:8080/ok localhost:8080/fail
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/recorder"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "webserver: ", 0)
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Println(err)
		return 2
	}

	out := &valve{out: stdout}
	all := &slog.HandlerOptions{Level: slog.LevelDebug} // what to show is up to the recorder
	h := asynchandler.NewJSONHandler(out, all, asynchandler.WithName("requests"), asynchandler.WithCapacity(c.capacity),
		asynchandler.WithMaxWrite(4096)) // the valve takes bytes as they come, and may be before a pipe
	defer func() { // after the server: its last requests are logged too
		if err := h.Close(); err != nil {
			console.Println(err)
			code = 1
		}
	}()
	rec := recorder.New(h, recorder.Options{Name: "requests"})
	logger := slog.New(rec)
	if err := listenAndServe(ctx, c, logger, newMux(logger, h, rec, out, c.drill)); err != nil {
		logger.Error("service failed", "err", err)
		console.Println(err)
		return 1
	}
	logger.Info("stopped")
	return 0
}

// listenAndServe answers requests until ctx ends.
func listenAndServe(ctx context.Context, c config, logger *slog.Logger, mux http.Handler) error {
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	logger.Info("listening", "addr", listener.Addr().String())
	if c.load > 0 {
		go generate(ctx, "http://"+listener.Addr().String(), c.load)
	}
	return serve(ctx, listener, mux)
}

// serve returns when ctx has ended and the requests that were running then are answered.
func serve(ctx context.Context, listener net.Listener, mux http.Handler) error {
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	// More than the 5 s for which Shutdown waits for a connection that never sent a request:
	// clients open such, to have one ahead (golang/go 22682).
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(bounded)
}

// generate sends n requests a second until ctx ends. Every tenth is answered with an
// error.
func generate(ctx context.Context, url string, n int) {
	tick := time.NewTicker(time.Second / time.Duration(n))
	defer tick.Stop()
	for i := 1; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		path := "/hello"
		if i%10 == 0 {
			path = "/fail"
		}
		if answer, err := http.Get(url + path); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
			_ = answer.Body.Close()
		}
	}
}
