// Router logs to three files, each with a queue and a worker of its own: app.log gets
// everything, errors.log only the errors, audit.log only what goes to the audit logger,
// whose calls wait until their record is written:
//
//	go run ./examples/router
//
// Look at the column "waiting": when the last audit call returned, audit.log had its
// records. Those of the other files were on their way, and Close delivered them.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/asynchandler/asynchandler"
)

const (
	orders  = 1000
	failing = 100 // each so many orders fails
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "router: ", 0)
	dir, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Println(err)
		return 2
	}
	if err := play(dir, log.New(stdout, "", 0)); err != nil {
		console.Println(err)
		return 1
	}
	return 0
}

// play opens the files, logs, and shows what became of the records.
func play(dir string, table *log.Logger) error {
	app, err := open(dir, "app.log", slog.LevelInfo)
	if err != nil {
		return err
	}
	defer app.Close() // a second Close does nothing; this one is for the returns in between
	slog.New(app).Info("starting", "dir", dir)
	failures, err := open(dir, "errors.log", slog.LevelError)
	if err != nil {
		return err
	}
	defer failures.Close()
	audit, err := open(dir, "audit.log", slog.LevelInfo, asynchandler.WithSyncLevel(slog.LevelInfo))
	if err != nil {
		return err
	}
	defer audit.Close()

	// A handler may be in several routes.
	serve(slog.New(asynchandler.NewMultiHandler(app, failures)), slog.New(asynchandler.NewMultiHandler(app, audit)))

	all := asynchandler.NewMultiHandler(app, failures, audit)
	early := all.Stats()
	if err := all.Close(); err != nil { // side by side
		return err
	}
	table.Printf("files in %s\n%-10s  %7s  %7s  %9s", dir, "file", "records", "waiting", "delivered")
	for i, s := range all.Stats() {
		table.Printf("%-10s  %7d  %7d  %9d", s.Name, s.Received, early[i].Depth, s.Delivered)
	}
	return nil
}

// open returns a handler that appends to a file what is at or above the level.
func open(dir, name string, level slog.Level, opts ...asynchandler.Option) (*asynchandler.Handler, error) {
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	opts = append(opts,
		asynchandler.WithName(name),
		asynchandler.WithOnShutdown(func(context.Context) error { return file.Close() }), // after the last line
	)
	return asynchandler.NewJSONHandler(file, &slog.HandlerOptions{Level: level}, opts...), nil
}

// serve stands for the work of a service.
func serve(logger, audit *slog.Logger) {
	audit.Info("day opened", "user", "ada")
	for n := range orders {
		if n%failing == failing-1 {
			logger.Error("payment failed", "order", n, "err", io.ErrUnexpectedEOF)
			continue
		}
		logger.Info("order placed", "order", n)
	}
	audit.Info("day closed", "user", "ada", "orders", orders)
}
