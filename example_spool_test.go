package asynchandler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/asynchandler/asynchandler"
	"github.com/asynchandler/asynchandler/spool"
)

// newSpooled returns a handler over conn with a spool in the folder dir.
func newSpooled(conn io.Writer, dir string) (*asynchandler.Handler, error) {
	s, err := spool.Open(dir, spool.Options{MaxBytes: 4 << 30})
	if err != nil {
		return nil, err // another process has the folder, it is a file, a later version wrote it
	}
	return asynchandler.NewTextHandler(conn, noTime, asynchandler.WithSpool(s), asynchandler.WithErrorHandler(func(error) {})), nil
}

// A process ends while the collector is down. The next one delivers what it left.
func ExampleWithSpool() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	down := writerFunc(func([]byte) (int, error) { return 0, errors.New("connection refused") })
	h, err := newSpooled(down, dir)
	if err != nil {
		panic(err)
	}
	slog.New(h).Info("order placed", "id", 17)
	fmt.Println("close:", h.Close()) // all that waited is on the disk

	h, err = newSpooled(os.Stdout, dir)
	if err != nil {
		panic(err)
	}
	for h.Stats().Spooled > 0 { // only here: a service just goes on
		time.Sleep(time.Millisecond)
	}
	fmt.Println("recovered", h.Stats().Recovered)
	_ = h.Close()
	// Output:
	// close: <nil>
	// level=INFO msg="order placed" id=17
	// recovered 1
}

// show writes what is in a spool to the standard output, and takes it out: it is for a copy.
func show(copied string) error {
	s, err := spool.Open(copied, spool.Options{})
	if err != nil {
		return err
	}
	h := asynchandler.NewTextHandler(os.Stdout, nil, asynchandler.WithSpool(s))
	return h.Shutdown(context.Background()) // Close would keep what takes it longer than 10 s
}

// Someone looks into the spool of a service: no matter what it logs to.
func ExampleWithSpool_look() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	h, err := newSpooled(writerFunc(func([]byte) (int, error) { return 0, errors.New("connection refused") }), dir+"/spool")
	if err != nil {
		panic(err)
	}
	slog.New(h).Info("order placed", "id", 17)
	_ = h.Close() // it was tried: the line that conn did not take is on the disk

	if err := os.CopyFS(dir+"/copy", os.DirFS(dir+"/spool")); err != nil {
		panic(err)
	}
	fmt.Println(show(dir + "/copy"))
	// Output:
	// level=INFO msg="order placed" id=17
	// <nil>
}
