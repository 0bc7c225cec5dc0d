// Rotation logs from several goroutines at once to a file that is replaced by a new one
// whenever it is full. Then it reads all the files and looks whether any line is missing,
// there twice or torn:
//
//	go -C examples/rotation run .
//
// Look at the sizes: no file is larger than 1 MB, though 64 KB at a time are written. In
// the last line the records add up.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/DeRuina/timberjack"

	"github.com/asynchandler/asynchandler"
)

const writers = 4 // goroutines that log

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	console := log.New(stderr, "rotation: ", 0)
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		console.Println(err)
		return 2
	}
	if err := play(ctx, c, log.New(stdout, "", 0)); err != nil {
		console.Println(err)
		return 1
	}
	return 0
}

// play logs, and looks at what is in the files then.
func play(ctx context.Context, c config, table *log.Logger) error {
	folder, err := emptyFolder(c.dir)
	if err != nil {
		return err
	}
	file, err := open(folder)
	if err != nil {
		return err
	}
	if err := fill(ctx, file, c.records); err != nil {
		return err
	}
	table.Println("files in", folder)
	return audit(table, folder, c.records)
}

// open returns a file that rotates at 1 MB. A service sets MaxBackups too, so that old
// files are removed; here each is still to be read.
func open(folder string) (io.WriteCloser, error) {
	file := &timberjack.Logger{Filename: filepath.Join(folder, "app.log"), MaxSize: 1}
	// It opens on the first Write: here, and not when the first record has been logged.
	if _, err := file.Write(nil); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// fill logs records from each of the writers to file, and closes it. It gives up when
// ctx ends or a Write fails, and then returns why.
func fill(ctx context.Context, file io.WriteCloser, records int) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	h := asynchandler.NewJSONHandler(file, nil,
		asynchandler.WithOverflow(asynchandler.Block), // until the end of ctx: wait rather than lose a record
		asynchandler.WithMaxWrite(64<<10),             // timberjack takes bytes as they come, else each record has a Write,
		asynchandler.WithMaxRecordSize(64<<10),        // but none larger than a file: no record may have such a line
		asynchandler.WithErrorHandler(giveUp),         // a service would go on; the records wait
		asynchandler.WithCloseTimeout(5*time.Second),
		// After the last line. It also ends the goroutine that timberjack has.
		asynchandler.WithOnShutdown(func(context.Context) error { return file.Close() }),
	)
	var wg sync.WaitGroup
	for writer := range writers {
		wg.Go(func() {
			logger := slog.New(h).With("writer", writer)
			for n := 0; n < records && ctx.Err() == nil; n++ {
				logger.InfoContext(ctx, "order placed", "n", n, "items", []string{"tea", "milk"}, "took", time.Millisecond)
			}
		})
	}
	wg.Wait()
	closed := h.Close()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return closed
}
