package asynchandler_test

import (
	"context"
	"expvar"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/asynchandler/asynchandler"
)

// The first lines of the README.
func Example_swap() {
	h := asynchandler.NewJSONHandler(os.Stdout, nil) // was: slog.NewJSONHandler(os.Stdout, nil)
	defer h.Close()                                  // delivers what still waits
	slog.SetDefault(slog.New(h))
}

// The program of docs/operating.md, as it stands there; serve is the reader's.

func main() { os.Exit(run()) } // os.Exit skips deferred calls, so they are in run

func run() (code int) {
	h := asynchandler.NewJSONHandler(os.Stdout, nil)
	defer func() {
		if err := h.Close(); err != nil { // delivers what still waits, within 10 s
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	slog.SetDefault(slog.New(h))

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil { // yours: it works until ctx ends; examples/webserver has one
		slog.Error("service failed", "err", err)
		return 1
	}
	return 0
}

func serve(context.Context) error { return nil }

var _ = main

func Example_expvar() {
	h := asynchandler.NewJSONHandler(os.Stdout, nil)
	defer h.Close()
	expvar.Publish("log", expvar.Func(func() any { return h.Stats() }))
}

var (
	goBlock    = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	imports    = regexp.MustCompile(`(?s)^package main\n.*?\n\)\n`)
	indentOrGo = regexp.MustCompile(`(?m)^[ \t]+|[ \t]*//.*$`)
	emptyLines = regexp.MustCompile(`\n+`)
)

// bare returns code without what does not matter to the compiler: packages and imports,
// indentation, comments and empty lines.
func bare(code string) string {
	code = indentOrGo.ReplaceAllString(imports.ReplaceAllString(code, ""), "")
	return strings.TrimSpace(emptyLines.ReplaceAllString(code, "\n"))
}

func TestTheCodeOfTheDocumentationIsCompiled(t *testing.T) {
	var all strings.Builder
	for _, source := range filesOf(t, "_test.go") {
		all.WriteString(bare(source) + "\n")
	}
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, name := range append(pages, "README.md", "promexport/README.md") {
		for _, block := range goBlock.FindAllStringSubmatch(page(t, name), -1) {
			assert.True(t, strings.Contains(all.String(), bare(block[1])), "a piece of %s is in no test:\n%s", name, block[1])
		}
	}
}
