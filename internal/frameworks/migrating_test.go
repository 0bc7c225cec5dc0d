package frameworks_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	_ "github.com/rs/zerolog/diode"
	_ "github.com/samber/slog-multi"
	_ "github.com/sirupsen/logrus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imported are the packages by the names that the code of MIGRATING.md has for them.
var imported = map[string]string{
	"asynchandler": "github.com/asynchandler/asynchandler",
	"context":      "context",
	"diode":        "github.com/rs/zerolog/diode",
	"gin":          "github.com/gin-gonic/gin",
	"http":         "net/http",
	"io":           "io",
	"log":          "log",
	"logrus":       "github.com/sirupsen/logrus",
	"math":         "math",
	"os":           "os",
	"signal":       "os/signal",
	"slog":         "log/slog",
	"slogmulti":    "github.com/samber/slog-multi",
	"spool":        "github.com/asynchandler/asynchandler/spool",
	"sync":         "sync",
	"syscall":      "syscall",
	"time":         "time",
	"zap":          "go.uber.org/zap",
	"zapcore":      "go.uber.org/zap/zapcore",
	"zapslog":      "go.uber.org/zap/exp/zapslog",
	"zerolog":      "github.com/rs/zerolog",
}

// exported returns an importer of these packages, which are compiled for it.
func exported(t *testing.T, files *token.FileSet) types.Importer {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for _, path := range imported {
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), "go", args...).Output()
	require.NoError(t, err)
	compiled := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		compiled[path] = file
	}
	return importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) })
}

// What MIGRATING.md says to write compiles, and so does what it says is written now.
func TestTheCodeOfMigratingCompiles(t *testing.T) {
	page, err := os.ReadFile("../../MIGRATING.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(blocks), 10)
	files := token.NewFileSet()
	config := types.Config{Importer: exported(t, files)}
	for _, block := range blocks {
		var source strings.Builder
		source.WriteString("package migrating\n")
		for name, path := range imported {
			if regexp.MustCompile(`\b` + name + `\.`).MatchString(block[1]) {
				fmt.Fprintf(&source, "import %s %q\n", name, path)
			}
		}
		source.WriteString(block[1])
		file, err := parser.ParseFile(files, "MIGRATING.md", source.String(), 0)
		if assert.NoError(t, err, block[1]) {
			_, err = config.Check("migrating", files, []*ast.File{file}, nil)
			assert.NoError(t, err, block[1])
		}
	}
}
